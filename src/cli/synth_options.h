#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/cast.h"
#include "synthesis/mixed_cast.h"
#include "synthesis/task.h"

namespace tessy {

// What `tessy synth` was told, as typed. Defaults are the paper's where it names one.
struct SynthFlags {
  std::string run_file;
  std::string questions;
  std::vector<std::string> student, teacher;
  std::vector<std::string> student_boundary{"lexicon"}, teacher_boundary{"lexicon"};
  std::string student_family, teacher_family;
  ServerFlags servers;
  std::string student_vocabulary, teacher_vocabulary;
  std::string student_boundary_vocabulary, teacher_boundary_vocabulary;
  std::string out, run_folder;
  std::string output_format = "tessy";
  std::string method = "tessy";
  std::string answer_by;
  std::string keep = "all";
  std::string checker;
  uint32_t candidates = 0;  // 0: as the method and --keep want
  std::string score_by = "likelihood";
  std::string judge_prompt, reference_prompt;  // files
  uint32_t samples_per_question = 1;
  uint64_t limit = 0;
  uint32_t k = 20;
  int concurrency = 0;
  uint64_t seed = 0;
  uint32_t thinking_tokens_max = 38000;
  uint32_t answer_tokens_max = 8192;
  uint32_t retries = 5;
  float style_threshold = 0.5F;
  uint32_t min_span_tokens = 1;
  std::string cut = "auto";
  std::string draft = "stop";
  bool exact = false;
  int threads = 0;
  int gpu_layers = 0;
  double memory_gib = 0.0;
  size_t context = 0;
  Sampling sampling;
  bool fresh = false;
  std::string accept_flag;  // the name of the next one, where the command has it
  bool accept_config_change = false;
  bool skip_bad_lines = false;
  std::string template_date;
  std::string reasoning_effort;
  std::string progress = "auto";
  std::string log_level = "warning";
};

// Declares the flags, with their help and ranges, on the command.
void AddSynthFlags(CLI::App& command, SynthFlags& flags);

// What the flags mean together. Errors name the flag.
Result<Method> MethodOf(const SynthFlags& flags);
Result<MixedCastOptions> CastOptionsOf(const SynthFlags& flags, const Method& method);
// `shares_vocabulary`: of both roles and both predictors, which `--cut auto` asks.
Result<SampleSettings> SampleSettingsOf(const SynthFlags& flags, const Method& method,
                                        bool shares_vocabulary);

// Candidates, scoring, prompts; is_right is left to whoever knows the answers.
Result<TaskSettings> TaskSettingsOf(const SynthFlags& flags, const SampleSettings& sample);

// The settings that decide what the responses are, as one JSON object (RunConfiguration): not how fast they
// come.
Result<std::string> DescribeSettings(const SynthFlags& flags, const Method& method);

}  // namespace tessy
