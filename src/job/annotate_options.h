#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "cast/model_cast.h"
#include "dataset/window.h"
#include "job/common_settings.h"
#include "job/settings.h"
#include "synthesis/sample.h"

namespace tessy {

// The options of an annotation; `AnnotateSettings` explains each of them. Values are as people write them: 0
// or empty is the default that the setting's help names.
struct AnnotateOptions {
  std::string responses;
  std::string out;
  std::string run_folder;
  bool fresh = false;
  std::string retry_failed;  // "all", or how the reasons of rejections begin
  bool skip_bad_lines = false;
  WindowOptions windows;
  std::string annotator;
  std::string lexicon;
  std::string prompt;
  std::string family;
  std::string template_date;
  std::string thinking = "on";
  uint32_t thinking_tokens_max = 4096;
  uint32_t answer_tokens_max = 2048;
  uint32_t retries = 1;
  Sampling sampling{.temperature = 0.0F};
  EnginesOptions engine;
  ServerOptions servers;
  std::string vocabulary;
};

enum class AnnotatorKind { kLexicon, kPhrases, kModel };

// The table of AnnotateOptions.
Settings AnnotateSettings(AnnotateOptions& options);

// Errors name the flag.
Status CheckOptions(const AnnotateOptions& options);
AnnotatorKind KindOf(const AnnotateOptions& options);
// The file of "phrases:FILE".
std::string PhrasesPath(const AnnotateOptions& options);

// For a model: the cast that has it as its teacher, wherever it lives, and how it is asked.
Result<CastOptions> CastOptionsOf(const AnnotateOptions& options);
SampleSettings SampleSettingsOf(const AnnotateOptions& options);

}  // namespace tessy
