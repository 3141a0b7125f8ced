#include "eval/eval_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "eval/benchmark.h"
#include "job/common_settings.h"
#include "job/synth_settings.h"

namespace tessy {
namespace {

// Settings of a synthesis that an evaluation has, too.
class SettingsOfSynthesis {
 public:
  explicit SettingsOfSynthesis(SynthOptions& options) : settings_(SynthSettings(options)) {}

  Setting Take(std::string_view key) const { return *FindSetting(settings_, key); }
  // Under another name, and explained for an evaluation.
  Setting Take(std::string_view key, std::string name, std::string help) const {
    Setting setting = Take(key);
    setting.key = std::move(name);
    setting.help = std::move(help);
    return setting;
  }

 private:
  Settings settings_;
};

Settings InputSettings(EvalOptions& o, const SettingsOfSynthesis& synthesis) {
  const std::string group = "Input and output";
  Setting out = synthesis.Take("out", "out", "its responses, appended one by one; the same command goes on");
  Setting questions =
      synthesis.Take("questions", "questions", "JSON lines with a \"prompt\" and an \"answer\" each");
  questions.required = false;  // a benchmark brings its own
  return {std::move(questions),
          {.key = "model",
           .value = &o.model,
           .help = "a .gguf file, or http://host:port/v1#served-model",
           .group = group,
           .type_name = "MODEL",
           .recorded = {.as = Fingerprint::kModel, .name = "student"}},
          {.key = "responses",
           .value = &o.responses,
           .help = "grade these instead of asking a model",
           .group = group,
           .type_name = "FILE"},
          std::move(out),
          {.key = "verdicts",
           .value = &o.verdicts,
           .help = "each sample's verdict, written anew (default: OUT.run/verdicts.jsonl)",
           .group = group,
           .type_name = "FILE"},
          {.key = "group-by",
           .value = &o.group_by,
           .help = "a field of the questions; each of its values gets a row",
           .group = group},
          {.key = "judge-only",
           .value = &o.judge_only,
           .help = "judge what is in --out once more, and ask no model",
           .group = group,
           .only_as_flag = true},
          synthesis.Take("limit"),
          synthesis.Take("fresh"),
          synthesis.Take("accept-config-change"),
          synthesis.Take("retry-failed"),
          synthesis.Take("skip-bad-lines")};
}

Settings BenchmarkSettings(EvalOptions& o) {
  const std::string group = "Benchmark";
  const std::string builtin = fmt::format("{}", fmt::join(BuiltInBenchmarks(), ", "));
  return {{.key = "benchmark",
           .value = &o.benchmark,
           .help = "in place of --questions: " + builtin + "; or a .toml file",
           .group = group,
           .type_name = "NAME"},
          {.key = "data",
           .value = &o.data,
           .help = "the folder with its rows, as they are published; without it a line says which files",
           .group = group,
           .type_name = "FOLDER"},
          {.key = "prompt-style",
           .value = &o.prompt_style,
           .help = "a .toml file with the templates user and system (default: the benchmark's own words)",
           .group = group,
           .type_name = "FILE"},
          {.key = "subset",
           .value = &o.subset,
           .help = "a part that the benchmark names: v5 or v6 of livecodebench",
           .group = group,
           .type_name = "NAME"},
          {.key = "since",
           .value = &o.since,
           .help = "rows of this day and later",
           .group = group,
           .range = &CheckDate,
           .type_name = "YYYY-MM-DD"},
          {.key = "until",
           .value = &o.until,
           .help = "rows up to the end of this day",
           .group = group,
           .range = &CheckDate,
           .type_name = "YYYY-MM-DD"},
          {.key = "judge-workers",
           .value = &o.judge_workers,
           .help = "programs that are judged at a time; 0: one for each processor",
           .group = group,
           .range = WholeRange{0, 1024}},
          {.key = "sandbox-level",
           .value = &o.sandbox_level,
           .help = "A, B or C: how programs are kept apart (default: the best that the machine grants)",
           .group = group,
           .range = Choices{"A", "B", "C"}},
          {.key = "python",
           .value = &o.python,
           .help = "the interpreter of programs (default: /usr/bin/python3)",
           .group = group,
           .type_name = "FILE"}};
}

}  // namespace

EvalOptions::EvalOptions() {
  asking.method = "student-only";
  asking.sampling.temperature = 0.6F;  // the paper's (method, section 11)
  asking.retries = 0;
}

Settings EvalSettings(EvalOptions& options) {
  const SettingsOfSynthesis synthesis(options.asking);
  Settings settings = InputSettings(options, synthesis);
  Append(settings, BenchmarkSettings(options));
  Append(settings,
         {synthesis.Take("student-family", "family", FamilyHelp()),
          synthesis.Take("student-system", "system", "system prompt for questions that bring none, or @FILE"),
          synthesis.Take("template-date"), synthesis.Take("reasoning-effort"),
          synthesis.Take("thinking", "thinking", "off: the model answers at once"),
          synthesis.Take("samples-per-question", "samples", "of each question"),
          synthesis.Take("max-thinking-tokens"), synthesis.Take("close-thinking"),
          synthesis.Take("max-answer-tokens"),
          synthesis.Take("retries", "retries",
                         "fresh attempts where none came to an end; 0: such a sample is wrong"),
          synthesis.Take("seed")});
  Append(settings, SamplingSettings(options.asking.sampling));
  Append(settings, {synthesis.Take("exact"), synthesis.Take("concurrency")});
  Append(settings, MachineSettings(options.asking.engine.machine));
  Append(settings, {synthesis.Take("cache-type"), synthesis.Take("context")});
  Append(settings, ServerSettings(options.asking.servers));
  settings.push_back(synthesis.Take("student-vocabulary", "vocabulary",
                                    "a .gguf of the model that is served, for its vocabulary and template"));
  return settings;
}

}  // namespace tessy
