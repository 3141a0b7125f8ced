#pragma once

#include <string>

#include "base/error.h"
#include "cast/model_cast.h"
#include "dataset/window.h"
#include "job/asked_model.h"
#include "job/settings.h"

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
  AskedModel annotator;  // its model may be "lexicon" or "phrases:FILE", too
  std::string lexicon;
};

enum class AnnotatorKind { kLexicon, kPhrases, kModel };

// The table of AnnotateOptions.
Settings AnnotateSettings(AnnotateOptions& options);

// Errors name the flag.
Status CheckOptions(const AnnotateOptions& options);
AnnotatorKind KindOf(const AnnotateOptions& options);
// The file of "phrases:FILE".
std::string PhrasesPath(const AnnotateOptions& options);
// For a model: the cast that has it as its teacher.
Result<CastOptions> CastOptionsOf(const AnnotateOptions& options);

}  // namespace tessy
