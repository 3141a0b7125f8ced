#include "job/annotate_options.h"

#include <string_view>

namespace tessy {
namespace {

constexpr std::string_view kLexicon = "lexicon";

}  // namespace

AnnotatorKind KindOf(const AnnotateOptions& f) {
  if (f.annotator.model == kLexicon) return AnnotatorKind::kLexicon;
  return f.annotator.model.starts_with(kPhrasesMark) ? AnnotatorKind::kPhrases : AnnotatorKind::kModel;
}

std::string PhrasesPath(const AnnotateOptions& f) { return f.annotator.model.substr(kPhrasesMark.size()); }

Status CheckOptions(const AnnotateOptions& f) {
  const auto refuse = [](const std::string& reason) { return Fail(ErrorCode::kInvalidArgument, reason); };
  if (f.responses.empty()) return refuse("--responses is missing: make some with tessy synth");
  if (f.out.empty()) return refuse("--out is missing: name the file to write annotations to");
  if (f.annotator.model.empty())
    return refuse("--annotator is missing: give a .gguf file, a server's address, lexicon or phrases:FILE");
  if (!f.lexicon.empty() && KindOf(f) != AnnotatorKind::kLexicon) {
    return refuse("--lexicon goes with --annotator lexicon");
  }
  if (KindOf(f) != AnnotatorKind::kModel) return {};
  return CastOptionsOf(f).map([](const CastOptions&) {});
}

Result<CastOptions> CastOptionsOf(const AnnotateOptions& f) {
  return CastOptionsOf(f.annotator, "annotator", "TESSY_ANNOTATOR_API_KEY");
}

}  // namespace tessy
