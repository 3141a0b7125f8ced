#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "cli/cast.h"
#include "dataset/window.h"
#include "synthesis/mixed_cast.h"
#include "synthesis/sample.h"

namespace tessy {

struct AnnotateFlags {
  std::string run_file;
  std::string responses;
  std::string out;
  std::string run_folder;
  bool fresh = false;
  bool skip_bad_lines = false;
  WindowOptions windows;
  std::string annotator;
  std::string lexicon;
  std::string prompt;
  std::string family;
  ServerFlags servers;
  std::string vocabulary;
  std::string thinking = "on";
  uint32_t thinking_tokens_max = 4096;
  uint32_t answer_tokens_max = 2048;
  uint32_t retries = 1;
  Sampling sampling{.temperature = 0.0F};
  bool exact = false;
  int concurrency = 0;
  int threads = 0;
  int gpu_layers = 0;
  double memory_gib = 0.0;
  size_t context = 0;
  std::string progress = "auto";
  std::string log_level = "warning";
};

enum class AnnotatorKind { kLexicon, kPhrases, kModel };

void AddAnnotateFlags(CLI::App& command, AnnotateFlags& flags);
Status CheckFlags(const AnnotateFlags& flags);
AnnotatorKind KindOf(const AnnotateFlags& flags);
// The file of "phrases:FILE".
std::string PhrasesPath(const AnnotateFlags& flags);

// For a model: the cast that has it as its teacher, wherever it lives, and how it is asked.
Result<MixedCastOptions> CastOptionsOf(const AnnotateFlags& flags);
SampleSettings SampleSettingsOf(const AnnotateFlags& flags);

// All that the annotations depend on, files' contents among it, as one JSON object in one line.
Result<std::string> DescribeSettings(const AnnotateFlags& flags);

}  // namespace tessy
