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
AskedModelNames NamesOf(const AnnotateOptions& o) {
  return {.role = "annotator",
          .group = "Annotator",
          .prompt_help = "what the model is asked, with {window} in it (default: built in)",
          .is_asked = KindOf(o) == AnnotatorKind::kModel};
}

Settings AnnotatorSettings(AnnotateOptions& o) {
  const std::string group = "Annotator";
  Settings settings{{.key = "annotator",
                     .value = &o.annotator.model,
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
                     .recorded = {.as = Fingerprint::kFile, .name = "annotator"}}};
  Append(settings, AskedModelSettings(o.annotator, NamesOf(o)));
  return settings;
}

}  // namespace

Settings AnnotateSettings(AnnotateOptions& options) {
  Settings settings = FileSettings(options);
  Append(settings, AnnotatorSettings(options));
  Append(settings, WindowSettings(options));
  Append(settings, AskedEngineSettings(options.annotator, NamesOf(options),
                                       "windows at a time (default: what memory allows, at most 64; 256 "
                                       "with a server)"));
  return settings;
}

}  // namespace tessy
