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
       .help = "the questions, .jsonl, .jsonl.gz or .jsonl.zst; it appears as a whole",
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
       .help = "set an existing --out aside (renamed) and start over",
       .group = group,
       .only_as_flag = true},
      {.key = "skip-bad-lines",
       .value = &o.skip_bad_lines,
       .help = "reject lines that are no JSON objects instead of stopping",
       .group = group}};
}

}  // namespace

Settings SelectSettings(SelectOptions& o) {
  const std::string finding = "Finding questions";
  const std::string choosing = "Choosing";
  Settings settings = FileSettings(o);
  Append(settings,
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
          {.key = "seed", .value = &o.seed, .help = "of the choice", .group = choosing, .recorded = kAsValue},
          {.key = "threads",
           .value = &o.threads,
           .help = "that compare questions; the result does not depend on them (default: all processors)",
           .group = choosing,
           .range = WholeRange{0, 1024},
           .shows_default = false}});
  return settings;
}

}  // namespace tessy
