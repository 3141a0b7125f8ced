#include "job/train_settings.h"

#include <fmt/format.h>

#include <utility>

#include "job/common_settings.h"
#include "job/settings_record.h"

namespace tessy {
namespace {

constexpr const char* kFiles = "Input and output";
const Recorded kAsValue{.as = Fingerprint::kValue};

Settings OutputSettings(TrainOptions& o) {
  return {{.key = "out",
           .value = &o.out,
           .help = "the .gguf to make; beside it OUT.run: settings, metrics.jsonl, checkpoint",
           .group = kFiles,
           .type_name = "FILE",
           .required = true},
          {.key = "type",
           .value = &o.type,
           .help = "of the matrices in --out: f32, f16, bf16",
           .group = kFiles,
           .range = Choices{"f32", "f16", "bf16"},
           .recorded = kAsValue},
          {.key = "fresh",
           .value = &o.fresh,
           .help = "set an existing --out aside (renamed) and start over",
           .group = kFiles,
           .only_as_flag = true}};
}

Settings RateSettings(TrainOptions& o, const std::string& group) {
  return {{.key = "lr",
           .value = &o.rate,
           .help = "learning rate of AdamW, at its peak",
           .group = group,
           .range = RealRange{0.0, 1000.0},
           .recorded = kAsValue},
          {.key = "schedule",
           .value = &o.schedule,
           .help = "constant, or cosine: falls to 0 at the last step",
           .group = group,
           .range = Choices{"constant", "cosine"},
           .recorded = kAsValue},
          {.key = "warmup-steps",
           .value = &o.warmup_steps,
           .help = "steps over which the rate rises",
           .group = group,
           .recorded = kAsValue},
          {.key = "lr-floor",
           .value = &o.rate_floor,
           .help = "of the cosine's end, as a share of --lr",
           .group = group,
           .range = RealRange{0.0, 1.0},
           .recorded = kAsValue}};
}

Settings OptimiserSettings(TrainOptions& o, const std::string& group) {
  return {{.key = "beta2",
           .value = &o.beta2,
           .help = "of AdamW: how slowly the second moment forgets",
           .group = group,
           .range = RealRange{0.0, 0.999999},
           .recorded = kAsValue},
          {.key = "weight-decay",
           .value = &o.weight_decay,
           .help = "of AdamW",
           .group = group,
           .range = RealRange{0.0, 1000.0},
           .recorded = kAsValue},
          {.key = "clip",
           .value = &o.clip,
           .help = "largest norm of all gradients together, 0: not clipped",
           .group = group,
           .range = RealRange{0.0, 1e9},
           .recorded = kAsValue},
          {.key = "steps",
           .value = &o.steps,
           .help = "stop after so many steps (default: as the epochs have)",
           .group = group,
           .type_name = "N",
           .shows_default = false,
           .recorded = kAsValue},
          {.key = "seed",
           .value = &o.seed,
           .help = "of the order of examples, and of what starts at random",
           .group = group,
           .recorded = kAsValue}};
}

Settings OptimisationSettings(TrainOptions& o) {
  const std::string group = "Optimisation";
  Settings settings{{.key = "epochs",
                     .value = &o.epochs,
                     .help = "passes over the data",
                     .group = group,
                     .range = WholeRange{1, 100000},
                     .recorded = kAsValue},
                    {.key = "batch-size",
                     .value = &o.batch_size,
                     .help = "examples an optimiser step",
                     .group = group,
                     .range = WholeRange{1, 1000000},
                     .recorded = kAsValue}};
  Append(settings, RateSettings(o, group));
  Append(settings, OptimiserSettings(o, group));
  return settings;
}

Settings LoraSettings(TrainOptions& o) {
  const std::string group = "LoRA";
  const Recorded with_adapters{.as = Fingerprint::kValue, .applies = o.lora_rank > 0};
  return {{.key = "lora-rank",
           .value = &o.lora_rank,
           .help = "train adapters of this rank, merged when saved; 0: all weights",
           .group = group,
           .range = WholeRange{0, 65536},
           .recorded = kAsValue},
          {.key = "lora-alpha",
           .value = &o.lora_alpha,
           .help = "adapters count alpha / rank times",
           .group = group,
           .range = RealRange{0.0, 1e6},
           .recorded = with_adapters},
          {.key = "lora-targets",
           .value = &o.lora_targets,
           .help = "matrices that get an adapter",
           .group = group,
           .range = Choices{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
           .delimiter = ',',
           .recorded = with_adapters}};
}

std::string CheckDevice(const std::string& text) {
  if (text == "cpu" || text == "cuda") return "";
  const std::string number = text.starts_with("cuda:") ? text.substr(5) : "";
  if (!number.empty() && number.find_first_not_of("0123456789") == std::string::npos) return "";
  return text + " is none of cpu, cuda, cuda:0, cuda:1, …";
}

// None of these is recorded: they change no more than the rounding of the results.
Settings MachineSettings(TrainOptions& o) {
  const std::string group = "Machine";
  return {{.key = "device",
           .value = &o.device,
           .help = "cpu, cuda or cuda:N",
           .group = group,
           .range = &CheckDevice},
          {.key = "precision",
           .value = &o.precision,
           .help = "of matrix products: f32, bf16, or auto: bf16 on an accelerator",
           .group = group,
           .range = Choices{"auto", "f32", "bf16"}},
          {.key = "threads",
           .value = &o.threads,
           .help = "threads (default: all cores; 1: the same weights to the bit, however often interrupted)",
           .group = group,
           .range = WholeRange{1, 1024},
           .type_name = "N",
           .shows_default = false},
          {.key = "micro-tokens",
           .value = &o.micro_tokens,
           .help = "tokens through the model at once: memory, not results",
           .group = group,
           .range = WholeRange{1, 1000000000}},
          {.key = "save-every",
           .value = &o.save_every,
           .help = "steps from checkpoint to checkpoint",
           .group = group,
           .range = WholeRange{1, 1000000000}}};
}

Settings BoundaryInput(TrainBoundaryOptions& o) {
  return {{.key = "annotations",
           .value = &o.annotations,
           .help = "windows from tessy annotate; may be repeated",
           .group = kFiles,
           .type_name = "FILE",
           .required = true,
           .recorded = {.as = Fingerprint::kFile, .name = "data"}},
          {.key = "base",
           .value = &o.base,
           .help = "language model to start from, or a predictor to train further: a .gguf file",
           .group = kFiles,
           .type_name = "MODEL",
           .required = true,
           .recorded = {.as = Fingerprint::kModel}},
          {.key = "max-tokens",
           .value = &o.max_tokens,
           .help = "tokens of a window; what is longer is cut off",
           .group = kFiles,
           .range = WholeRange{2, 1000000},
           .recorded = kAsValue},
          {.key = "validation",
           .value = &o.validation,
           .help = "share of the traces that is only judged on; 0: none",
           .group = kFiles,
           .range = RealRange{0.0, 0.9},
           .recorded = kAsValue},
          {.key = "select",
           .value = &o.select,
           .help = "which epoch is kept, by its figure on the validation: accuracy, f1, last",
           .group = kFiles,
           .range = Choices{"accuracy", "f1", "last"},
           .recorded = kAsValue}};
}

Settings SftInput(TrainSftOptions& o) {
  return {{.key = "student",
           .value = &o.student,
           .help = "model to tune: a .gguf file",
           .group = kFiles,
           .type_name = "MODEL",
           .required = true,
           .recorded = {.as = Fingerprint::kModel}},
          {.key = "responses",
           .value = &o.responses,
           .help = "responses from tessy synth; may be repeated",
           .group = kFiles,
           .type_name = "FILE",
           .required = true,
           .recorded = {.as = Fingerprint::kFile, .name = "data"}},
          {.key = "max-tokens",
           .value = &o.max_tokens,
           .help = "longer responses are left out, and counted (default: what the student knows)",
           .group = kFiles,
           .range = WholeRange{2, 1000000000},
           .type_name = "N",
           .shows_default = false,
           .recorded = kAsValue},
          {.key = "family",
           .value = &o.family,
           .help = FamilyHelp(),
           .group = kFiles,
           .type_name = "FAMILY",
           .recorded = {.as = Fingerprint::kFamily, .if_empty = "by template"}},
          {.key = "template-date",
           .value = &o.template_date,
           .help = "date for templates that show one",
           .group = kFiles,
           .range = &CheckDate,
           .type_name = "YYYY-MM-DD",
           .recorded = kAsValue},
          {.key = "system",
           .value = &o.system,
           .help = "a system turn for responses without one: keeps the new data apart",
           .group = kFiles,
           .type_name = "TEXT",
           .recorded = kAsValue}};
}

Settings LossSettings(TrainSftOptions& o) {
  const std::string group = "Loss";
  Settings settings{{.key = "train-on",
                     .value = &o.train_on,
                     .help = "all; capability: style has no weight; style: capability has none",
                     .group = group,
                     .range = Choices{"all", "capability", "style"},
                     .recorded = kAsValue}};
  const auto weight = [&](const std::string& of, double& value, const char* help) {
    settings.push_back({.key = of + "-weight",
                        .value = &value,
                        .help = help,
                        .group = group,
                        .range = RealRange{0.0, 1e6},
                        .recorded = {.as = Fingerprint::kValue, .name = "weights/" + of}});
  };
  weight("capability", o.capability_weight, "of the teacher's tokens");
  weight("style", o.style_weight, "of the student's tokens");
  weight("thinking", o.thinking_weight, "of a single thinker's tokens");
  weight("answer", o.answer_weight, "of the answer's tokens, and of markers");
  return settings;
}

void AddCommon(Settings& settings, TrainOptions& o) {
  Append(settings, OutputSettings(o));
  Append(settings, OptimisationSettings(o));
  Append(settings, LoraSettings(o));
  Append(settings, MachineSettings(o));
}

Status Missing(const char* flag, const char* what) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is missing: {}", flag, what));
}

}  // namespace

Settings TrainSettings(TrainBoundaryOptions& options) {
  Settings settings = BoundaryInput(options);
  AddCommon(settings, options);
  return settings;
}

Settings TrainSettings(TrainSftOptions& options) {
  Settings settings = SftInput(options);
  Append(settings, LossSettings(options));
  AddCommon(settings, options);
  return settings;
}

Status CheckOptions(const TrainBoundaryOptions& o) {
  if (o.annotations.empty()) return Missing("--annotations", "make some with tessy annotate");
  if (o.base.empty()) return Missing("--base", "give the .gguf file of a language model to start from");
  if (o.out.empty()) return Missing("--out", "name the .gguf file to make");
  return {};
}

Status CheckOptions(const TrainSftOptions& o) {
  if (o.student.empty()) return Missing("--student", "give the .gguf file of the model to tune");
  if (o.responses.empty()) return Missing("--responses", "make some with tessy synth");
  if (o.out.empty()) return Missing("--out", "name the .gguf file to make");
  return {};
}

Result<std::string> RecordOf(const TrainBoundaryOptions& options) {
  TrainBoundaryOptions copy = options;
  return RecordOf(TrainSettings(copy), "tessy_training", R"("boundary")");
}

Result<std::string> RecordOf(const TrainSftOptions& options) {
  TrainSftOptions copy = options;
  return RecordOf(TrainSettings(copy), "tessy_training", R"("sft")");
}

std::string AsRecordedNow(const TrainBoundaryOptions& options, const std::string& recorded,
                          const std::string& now) {
  TrainBoundaryOptions copy = options;
  return AsRecordedNow(TrainSettings(copy), recorded, now);
}

std::string AsRecordedNow(const TrainSftOptions& options, const std::string& recorded,
                          const std::string& now) {
  TrainSftOptions copy = options;
  return AsRecordedNow(TrainSettings(copy), recorded, now);
}

}  // namespace tessy
