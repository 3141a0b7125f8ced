#include "job/annotate_options.h"

#include "job/cast.h"
#include "synthesis/method.h"

namespace tessy {
namespace {

constexpr std::string_view kLexicon = "lexicon";

}  // namespace

AnnotatorKind KindOf(const AnnotateOptions& f) {
  if (f.annotator == kLexicon) return AnnotatorKind::kLexicon;
  return f.annotator.starts_with(kPhrasesMark) ? AnnotatorKind::kPhrases : AnnotatorKind::kModel;
}

std::string PhrasesPath(const AnnotateOptions& f) { return f.annotator.substr(kPhrasesMark.size()); }

Status CheckOptions(const AnnotateOptions& f) {
  const auto refuse = [](const std::string& reason) { return Fail(ErrorCode::kInvalidArgument, reason); };
  if (f.responses.empty()) return refuse("--responses is missing: make some with tessy synth");
  if (f.out.empty()) return refuse("--out is missing: name the file to write annotations to");
  if (f.annotator.empty())
    return refuse("--annotator is missing: give a .gguf file, a server's address, lexicon or phrases:FILE");
  if (!f.lexicon.empty() && KindOf(f) != AnnotatorKind::kLexicon) {
    return refuse("--lexicon goes with --annotator lexicon");
  }
  if (KindOf(f) != AnnotatorKind::kModel) return {};
  return CastOptionsOf(f).map([](const CastOptions&) {});
}

Result<CastOptions> CastOptionsOf(const AnnotateOptions& f) {
  CastOptions options;
  options.method = *FindMethod("teacher-only");
  options.thinks = f.thinking == "on";
  options.models = {"", f.annotator};
  options.families = {f.family, f.family};
  for (TemplateOptions& told : options.template_options) {
    told.date = f.template_date;
  }
  options.sampling = f.sampling;
  if (auto status = UseEngine(f.engine, options); !status) return tl::unexpected(status.error());
  if (!IsServerAddress(f.annotator)) return options;
  if (f.engine.exact) {
    return Fail(ErrorCode::kInvalidArgument,
                "--exact: the arithmetic of a server (--annotator) cannot be controlled from here");
  }
  auto server = ServerOptionsOf({.flag = "annotator",
                                 .specs = {f.annotator},
                                 .servers = f.servers,
                                 .vocabulary = f.vocabulary,
                                 .key_variable = "TESSY_ANNOTATOR_API_KEY"},
                                Role::kTeacher, options);
  if (!server) return tl::unexpected(server.error());
  options.servers[Index(Role::kTeacher)] = std::move(*server);
  options.models[Index(Role::kTeacher)].clear();
  return options;
}

SampleSettings SampleSettingsOf(const AnnotateOptions& f) {
  SampleSettings settings;
  settings.method = *FindMethod("teacher-only");
  settings.seed = f.windows.seed;
  settings.thinking_tokens_max = f.thinking_tokens_max;
  settings.answer_tokens_max = f.answer_tokens_max;
  settings.retries_max = f.retries;
  settings.greedy = f.sampling.temperature <= 0.0F;
  settings.thinks = f.thinking == "on";
  return settings;
}

}  // namespace tessy
