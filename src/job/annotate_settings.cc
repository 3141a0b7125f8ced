#include <utility>

#include "job/annotate_options.h"
#include "job/common_settings.h"

namespace tessy {
namespace {

Settings FileSettings(AnnotateOptions& o) {
  const std::string group = "Input and output";
  return {
      {.key = "responses",
       .value = &o.responses,
       .help = "responses with thinking: ours, messages, dialogs, conversations",
       .group = group,
       .type_name = "FILE",
       .required = true,
       .recorded = {.as = Fingerprint::kFile}},
      {.key = "out",
       .value = &o.out,
       .help = "annotations, appended one by one; the same command goes on",
       .group = group,
       .type_name = "FILE",
       .required = true},
      {.key = "run",
       .value = &o.run_folder,
       .help = "folder of settings and rejected.jsonl (default: OUT.run)",
       .group = group,
       .type_name = "DIR"},
      {.key = "fresh",
       .value = &o.fresh,
       .help = "set an existing --out aside (renamed) and start over",
       .group = group,
       .only_as_flag = true},
      {.key = "retry-failed",
       .value = &o.retry_failed,
       .help = "ask again about rejected windows: all, or a reason as rejected.jsonl has it, or its begin",
       .group = group,
       .type_name = "REASON",
       .only_as_flag = true},
      {.key = "skip-bad-lines",
       .value = &o.skip_bad_lines,
       .help = "pass over responses without thinking",
       .group = group}};
}

Settings WindowSettings(AnnotateOptions& o) {
  const std::string group = "Windows";
  const Recorded value{.as = Fingerprint::kValue};
  return {{.key = "window-words",
           .value = &o.windows.words,
           .help = "words of a window; 0: all of the thinking",
           .group = group,
           .recorded = value},
          {.key = "windows-per-response",
           .value = &o.windows.per_response,
           .help = "windows of one response, at most",
           .group = group,
           .range = WholeRange{1, 1000000},
           .recorded = value},
          {.key = "windows",
           .value = &o.windows.total,
           .help = "windows in all, at most (default: no limit)",
           .group = group,
           .type_name = "N",
           .shows_default = false,
           .recorded = value},
          {.key = "seed",
           .value = &o.windows.seed,
           .help = "of the choice of windows, and of sampling",
           .group = group,
           .recorded = value}};
}

// Rules depend on nothing that a model is told.
Settings AnnotatorSettings(AnnotateOptions& o) {
  const std::string group = "Annotator";
  const bool is_model = KindOf(o) == AnnotatorKind::kModel;
  const Recorded told{.as = Fingerprint::kValue, .applies = is_model};
  const Recorded family{
      .as = Fingerprint::kFamily, .name = "family", .if_empty = "by template", .applies = is_model};
  return {{.key = "annotator",
           .value = &o.annotator,
           .help = "a .gguf file or http://host:port/v1#served-model; lexicon: the built-in rules; "
                   "phrases:FILE: one phrase a line, # for a number",
           .group = group,
           .type_name = "MODEL",
           .required = true,
           .recorded = {.as = Fingerprint::kModel, .applies = o.lexicon.empty()}},
          {.key = "lexicon",
           .value = &o.lexicon,
           .help = "rules of your own, with --annotator lexicon",
           .group = group,
           .type_name = "FILE.toml",
           .recorded = {.as = Fingerprint::kFile, .name = "annotator"}},
          {.key = "prompt",
           .value = &o.prompt,
           .help = "what the model is asked, with {window} in it (default: built in)",
           .group = group,
           .type_name = "FILE",
           .recorded = {.as = Fingerprint::kFile, .if_empty = "built in", .applies = is_model}},
          {.key = "annotator-family",
           .value = &o.family,
           .help = FamilyHelp(),
           .group = group,
           .type_name = "FAMILY",
           .recorded = family},
          {.key = "template-date",
           .value = &o.template_date,
           .help = "date for templates that show one (default: today)",
           .group = group,
           .range = &CheckDate,
           .type_name = "YYYY-MM-DD",
           .recorded = {.as = Fingerprint::kValue, .applies = is_model, .may_be_absent = true}},
          {.key = "annotator-thinking",
           .value = &o.thinking,
           .help = "off: the model answers at once",
           .group = group,
           .range = Choices{"on", "off"},
           .recorded = {.as = Fingerprint::kValue, .name = "thinking", .applies = is_model}},
          {.key = "max-thinking-tokens",
           .value = &o.thinking_tokens_max,
           .help = "before an answer",
           .group = group,
           .range = WholeRange{1, kTokensMax},
           .recorded = told},
          {.key = "max-answer-tokens",
           .value = &o.answer_tokens_max,
           .help = "of an answer",
           .group = group,
           .range = WholeRange{1, kTokensMax},
           .recorded = told},
          {.key = "retries",
           .value = &o.retries,
           .help = "fresh attempts where no answer comes",
           .group = group,
           .range = WholeRange{0, 1000},
           .recorded = told},
          {.key = "temperature",
           .value = &o.sampling.temperature,
           .help = "0: always the most probable token",
           .group = group,
           .range = RealRange{0.0, 100.0},
           .recorded = told}};
}

}  // namespace

Settings AnnotateSettings(AnnotateOptions& options) {
  Settings settings = FileSettings(options);
  Append(settings, AnnotatorSettings(options));
  Append(settings, WindowSettings(options));
  Append(
      settings,
      EngineSettings(options.engine,
                     {.exact = "batch-invariant arithmetic",
                      .concurrency = "windows at a time (default: what memory allows, at most 64; "
                                     "256 with a server)",
                      .context = "tokens of prompt and answer (default: what the model knows)"},
                     4096, {.as = Fingerprint::kValue, .applies = KindOf(options) == AnnotatorKind::kModel}));
  Append(settings, ServerSettings(options.servers));
  settings.push_back({.key = "vocabulary",
                      .value = &options.vocabulary,
                      .help = "a .gguf of the model that is served, for its vocabulary and template",
                      .group = "Servers",
                      .type_name = "FILE"});
  return settings;
}

}  // namespace tessy
