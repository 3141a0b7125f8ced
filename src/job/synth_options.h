#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "cast/model_cast.h"
#include "job/common_settings.h"
#include "synthesis/task.h"

namespace tessy {

// The options of a synthesis; `SynthSettings` explains each of them. Values as people write them: 0 or empty
// is the default that the setting's help names. Defaults are the paper's where it names one.
struct SynthOptions {
  std::string questions;
  std::string out, run_folder;
  std::string output_format = "tessy";
  bool fresh = false;
  bool accept_config_change = false;
  std::string retry_failed;  // "all", or how the reasons of their failures begin
  uint64_t limit = 0;
  bool skip_bad_lines = false;

  std::vector<std::string> student, teacher;
  std::vector<std::string> student_boundary{"lexicon"}, teacher_boundary{"lexicon"};
  std::string student_family, teacher_family;
  std::string student_system, teacher_system;  // texts, or "@FILE"
  std::string template_date;
  std::string reasoning_effort;

  std::string method = "tessy";
  std::string answer_by;
  std::string thinking = "on";
  uint32_t samples_per_question = 1;
  std::string draft = "stop";
  uint32_t k = 20;
  std::string cut = "auto";
  uint32_t min_span_tokens = 1;
  float style_threshold = 0.5F;
  uint32_t thinking_tokens_max = 38000;
  uint32_t answer_tokens_max = 8192;
  uint32_t retries = 5;
  std::string close_thinking = "fail";
  std::string keep = "all";
  std::string checker;
  std::string judge = "answer";
  int judge_workers = 0;    // 0: as many as there are processors
  int checkers = 0;         // at a time; 0: as CommandJudge chooses
  uint32_t candidates = 0;  // 0: as the method and `keep` want
  std::string score_by = "likelihood";
  std::string judge_prompt, reference_prompt;  // files

  uint64_t seed = 0;
  Sampling sampling;

  EnginesOptions engine;
  // As text; empty: those of `engine`.
  std::string student_gpu_layers, teacher_gpu_layers;
  std::string student_boundary_gpu_layers, teacher_boundary_gpu_layers;

  ServerOptions servers;
  std::string student_vocabulary, teacher_vocabulary;
  std::string student_boundary_vocabulary, teacher_boundary_vocabulary;
};

// The meaning of the options together. Errors name the flag.
Result<Method> MethodOf(const SynthOptions& options);
Result<CastOptions> CastOptionsOf(const SynthOptions& options, const Method& method);
// `shares_vocabulary`: both roles and both predictors share one, which `cut = auto` asks.
Result<SampleSettings> SampleSettingsOf(const SynthOptions& options, const Method& method,
                                        bool shares_vocabulary);
// Candidates, scoring and prompts. The caller sets `judge`, because it knows the answers.
Result<TaskSettings> TaskSettingsOf(const SynthOptions& options, const SampleSettings& sample);
uint32_t CandidatesOf(const SynthOptions& options, const Method& method);

}  // namespace tessy
