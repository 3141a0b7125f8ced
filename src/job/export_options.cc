#include "job/export_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/near_names.h"
#include "job/common_settings.h"

namespace tessy {
namespace {

constexpr const char* kFiles = "Input and output";

std::vector<std::string> FormatNames() {
  std::vector<std::string> names;
  for (const ExportFormat* format : ExportFormats()) names.emplace_back(format->name);
  return names;
}

// It is written into scripts, between quotes.
std::string CheckCheckpoint(const std::string& text) {
  const bool is_plain = std::ranges::none_of(text, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 ||
           std::string_view("\"'`$\\#").find(c) != std::string_view::npos;
  });
  return is_plain ? "" : text + " has quotes or signs that a script would not take as they stand";
}

Settings FileSettings(ExportOptions& o) {
  return {{.key = "responses",
           .value = &o.responses,
           .help = "responses: ours, or rows of any format below; may be repeated",
           .group = kFiles,
           .type_name = "FILE",
           .required = true},
          {.key = "format",
           .value = &o.format,
           .help = "the trainer's rows; docs/export.md tells what each can say",
           .group = kFiles,
           .range = Choices(FormatNames()),
           .required = true},
          {.key = "out",
           .value = &o.out,
           .help = "folder to make: train.jsonl (or train.parquet), a recipe, rejected.jsonl, README.md",
           .group = kFiles,
           .type_name = "DIR",
           .required = true},
          {.key = "mix",
           .value = &o.mix,
           .help = "other rows to train on as they are, without --system and filters; may be repeated",
           .group = kFiles,
           .type_name = "FILE"},
          {.key = "system",
           .value = &o.system,
           .help = "a system turn for responses without one: keeps them apart from --mix",
           .group = kFiles,
           .type_name = "TEXT"},
          {.key = "checkpoint",
           .value = &o.checkpoint,
           .help = "the student for the recipe: a folder, or a name at Hugging Face",
           .group = kFiles,
           .range = &CheckCheckpoint,
           .type_name = "NAME"},
          {.key = "skip-bad-lines",
           .value = &o.skip_bad_lines,
           .help = "put lines that are no responses into rejected.jsonl and go on",
           .group = kFiles}};
}

Settings TemplateSettings(ExportOptions& o) {
  const std::string group = "Student";
  return {{.key = "template-of",
           .value = &o.template_of,
           .help = "the student's .gguf: rows are checked by its template and counted in its tokens",
           .group = group,
           .type_name = "FILE"},
          {.key = "family", .value = &o.family, .help = FamilyHelp(), .group = group, .type_name = "FAMILY"},
          {.key = "template-date",
           .value = &o.template_date,
           .help = "date for templates that show one (default: today)",
           .group = group,
           .range = &CheckDate,
           .type_name = "YYYY-MM-DD"}};
}

Settings LossSettings(ExportOptions& o) {
  const std::string group = "Loss";
  return {{.key = "train-on",
           .value = &o.train_on,
           .help = "all; capability: style is not in the loss; style: capability is not",
           .group = group,
           .range = Choices{"all", "capability", "style"}},
          {.key = "style-weight",
           .value = &o.style_weight,
           .help = "how much a token of style counts",
           .group = group,
           .range = RealRange{0.0, 1.0}}};
}

Settings FilterSettings(ExportOptions& o) {
  const std::string group = "Filters";
  return {
      {.key = "keep",
       .value = &o.keep,
       .help = "correct: only responses whose answer is the question's",
       .group = group,
       .range = Choices{"all", "correct"}},
      {.key = "questions",
       .value = &o.questions,
       .help = "the questions with their answers, for --keep correct (default: as the responses have them)",
       .group = group,
       .type_name = "FILE"},
      {.key = "tokens-max",
       .value = &o.tokens_max,
       .help = "longer rows are left out, never cut",
       .group = group,
       .range = WholeRange{1, kTokensMax}},
      {.key = "tokens-min", .value = &o.tokens_min, .help = "shorter rows are left out", .group = group},
      {.key = "methods",
       .value = &o.methods,
       .help = "only responses of these methods (default: all)",
       .group = group,
       .type_name = "NAME",
       .delimiter = ','},
      {.key = "closed-by",
       .value = &o.closed_by,
       .help = "only responses whose thinking one of these closed (default: all)",
       .group = group,
       .range = Choices{"student", "teacher", "budget"},
       .delimiter = ','},
      {.key = "per-question",
       .value = &o.per_question,
       .help = "the best N of each question: right ones first, then those that a model closed, then the "
               "shortest (default: all)",
       .group = group,
       .type_name = "N",
       .shows_default = false}};
}

std::string NamesThat(Ownership least) {
  std::string names;
  for (const ExportFormat* format : ExportFormats()) {
    if (format->carries >= least) names += (names.empty() ? "" : ", ") + std::string(format->name);
  }
  return names;
}

// That the format can say what is asked.
Status CheckLoss(const ExportOptions& o) {
  const ExportFormat& format = FormatOf(o);
  const LossWeights weights = WeightsOf(o);
  const char* flag = o.train_on == "all" ? "--style-weight" : "--train-on";
  if (o.train_on == "capability" && o.style_weight != 1.0 && o.style_weight != 0.0) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--style-weight {}: --train-on capability leaves style out of the loss; give one "
                            "of the two",
                            o.style_weight));
  }
  if (weights.is_fractional() && format.carries < Ownership::kWeight) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("--style-weight {}: rows of {} say of a token that it is in the loss or not; weights "
                    "are carried by {}",
                    o.style_weight, format.name, NamesThat(Ownership::kWeight)));
  }
  if (weights.by_part() && format.carries < Ownership::kLoss) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: rows of {} say nothing about parts of a response; {} do", flag, format.name,
                            NamesThat(Ownership::kLoss)));
  }
  if (o.template_of.empty() && HandlingOf(o).counts_offsets) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("--template-of is missing: whether {} finds parts by offsets depends on the student's "
                    "template",
                    format.name));
  }
  if (o.template_of.empty() && HandlingOf(o).needs_rendering) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--template-of is missing: these rows of {} hold what the student's template and "
                            "tokenizer make of a response",
                            format.name));
  }
  return {};
}

}  // namespace

Settings ExportSettings(ExportOptions& options) {
  Settings settings = FileSettings(options);
  Append(settings, TemplateSettings(options));
  Append(settings, LossSettings(options));
  Append(settings, FilterSettings(options));
  return settings;
}

Status CheckOptions(const ExportOptions& o) {
  const auto refuse = [](const std::string& reason) { return Fail(ErrorCode::kInvalidArgument, reason); };
  if (o.responses.empty()) return refuse("--responses is missing: make some with tessy synth");
  if (o.format.empty()) return refuse("--format is missing: name the trainer");
  if (FindExportFormat(o.format) == nullptr) {
    return refuse(fmt::format("--format {}: is not known{}", o.format, DidYouMean(o.format, FormatNames())));
  }
  if (o.out.empty()) return refuse("--out is missing: name the folder to make");
  if (!o.questions.empty() && o.keep != "correct") return refuse("--questions goes with --keep correct");
  if (o.template_of.empty() && o.tokens_min > 0) {
    return refuse("--tokens-min: --template-of is missing: without it nobody counts tokens");
  }
  if (o.template_of.empty() && !o.family.empty()) {
    return refuse("--family goes with --template-of: it says how the template of that file writes thinking");
  }
  if (o.template_of.empty() && !o.template_date.empty()) {
    return refuse("--template-date goes with --template-of: no other template shows a date");
  }
  return CheckLoss(o);
}

const ExportFormat& FormatOf(const ExportOptions& options) { return *FindExportFormat(options.format); }

LossWeights WeightsOf(const ExportOptions& options) {
  LossWeights weights;
  weights.style = options.train_on == "capability" ? 0.0F : static_cast<float>(options.style_weight);
  weights.capability = options.train_on == "style" ? 0.0F : 1.0F;
  return weights;
}

const Handling& HandlingOf(const ExportOptions& options) {
  const ExportFormat& format = FormatOf(options);
  return WeightsOf(options).by_part() ? format.by_part : format.whole;
}

}  // namespace tessy
