#include "job/common_settings.h"
#include "job/select_options.h"

namespace tessy {
namespace {

const Recorded kAsValue{.as = Fingerprint::kValue};

Settings FileSettings(SelectOptions& o) {
  const std::string group = "Input and output";
  return {
      {.key = "source",
       .value = &o.sources,
       .help =
           "rows to choose from: a file of JSON lines (plain, .gz, .zst) or Parquet, a folder of them, or a "
           "pattern",
       .group = group,
       .type_name = "FILE",
       .required = true,
       .recorded = kAsValue},
      {.key = "out",
       .value = &o.out,
       .help = "the questions, .jsonl, .jsonl.gz, .jsonl.zst or .parquet; it appears as a whole",
       .group = group,
       .type_name = "FILE",
       .required = true},
      {.key = "dry-run",
       .value = &o.dry_run,
       .help = "take the first N rows of each source, and write nothing",
       .group = group,
       .range = WholeRange{1},
       .type_name = "N",
       .shows_default = false,
       .only_as_flag = true},
      {.key = "fresh",
       .value = &o.fresh,
       .help =
           "set an existing --out aside (renamed) when the new one is complete; what the same teacher has "
           "decided stays",
       .group = group,
       .only_as_flag = true},
      {.key = "skip-bad-lines",
       .value = &o.skip_bad_lines,
       .help = "reject lines that are no JSON objects instead of stopping",
       .group = group}};
}

AskedModelNames NamesOf(const SelectOptions& o) {
  return {.role = "teacher",
          .group = "Asking a teacher",
          .prompt_help =
              "what the teacher is asked, with {question} in it (default: whether it is a task of a "
              "programming contest)",
          .is_asked = !o.teacher.model.empty()};
}

Settings AskingSettings(SelectOptions& o) {
  const std::string group = NamesOf(o).group;
  Settings settings{{.key = "teacher",
                     .value = &o.teacher.model,
                     .help = "decides about every question whether it suits: a .gguf file, or "
                             "http://host:port/v1#served-model (default: nobody is asked)",
                     .group = group,
                     .type_name = "MODEL",
                     .recorded = {.as = Fingerprint::kModel}}};
  Append(settings, AskedModelSettings(o.teacher, NamesOf(o)));
  return settings;
}

// They bind nothing.
Settings GoingOnSettings(SelectOptions& o) {
  const std::string group = NamesOf(o).group;
  return {
      {.key = "retry-failed",
       .value = &o.retry_failed,
       .help = "ask again about questions without a decision: all, or a reason as undecided.jsonl has it, "
               "or its begin",
       .group = group,
       .type_name = "REASON",
       .only_as_flag = true},
      {.key = "accept-config-change",
       .value = &o.accept_config_change,
       .help = "keep decisions that were made with other settings, and go on with these",
       .group = group,
       .only_as_flag = true}};
}

Settings EngineSettingsOf(SelectOptions& o) {
  Settings settings = AskedEngineSettings(
      o.teacher, NamesOf(o),
      "questions asked at a time (default: what memory allows, at most 64; 256 with a server)");
  for (Setting& setting : settings) {
    if (setting.key != "threads") continue;
    setting.help =
        "that compare questions, whatever the result (default: all processors), and of the teacher's engine "
        "(default: 1 for a small model, half the cores for others)";
  }
  return settings;
}

}  // namespace

Settings TeacherSettings(SelectOptions& o) {
  Settings settings = AskingSettings(o);
  Append(settings, EngineSettingsOf(o));
  return settings;
}

Settings SelectSettings(SelectOptions& o) {
  const std::string finding = "Finding questions";
  const std::string choosing = "Choosing";
  Settings settings = FileSettings(o);
  Append(
      settings,
      {{.key = "column",
        .value = &o.column,
        .help = "where the question stands (default: conversations, messages, question, problem, prompt "
                "or input)",
        .group = finding,
        .type_name = "NAME",
        .recorded = kAsValue},
       {.key = "lookup",
        .value = &o.lookup,
        .help =
            "the tables of a data set whose questions the rows only refer to, for instance taco=data/TACO",
        .group = finding,
        .type_name = "NAME=DIR",
        .recorded = kAsValue},
       {.key = "similarity",
        .value = &o.similarity,
        .help = "the Jaccard index of 5-word shingles from which on two questions are one",
        .group = choosing,
        .range = RealRange{0.6, 1.0},
        .recorded = kAsValue},
       {.key = "decontaminate",
        .value = &o.evaluations,
        .help = "questions of an evaluation; what repeats one of them is rejected",
        .group = choosing,
        .type_name = "FILE",
        .recorded = kAsValue},
       {.key = "distinct",
        .value = &o.distinct,
        .help = "questions to choose, by a hash of seed and text (default: all)",
        .group = choosing,
        .type_name = "N",
        .shows_default = false,
        .recorded = kAsValue},
       {.key = "rows",
        .value = &o.rows,
        .help = "rows to write, divided among the questions as the sources have them (default: one each)",
        .group = choosing,
        .type_name = "N",
        .shows_default = false,
        .recorded = kAsValue},
       {.key = "seed", .value = &o.seed, .help = "of the choice", .group = choosing, .recorded = kAsValue}});
  Append(settings, AskingSettings(o));
  Append(settings, GoingOnSettings(o));
  Append(settings, EngineSettingsOf(o));
  return settings;
}

}  // namespace tessy
