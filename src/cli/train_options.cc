#include "cli/train_options.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/common_flags.h"
#include "cli/validators.h"
#include "job/identity.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kOptimisation = "Optimisation";

void AddOptimisationFlags(CLI::App& command, TrainFlags& f) {
  command.add_option("--epochs", f.epochs, "passes over the data")
      ->check(CLI::Range(1U, 100000U))
      ->capture_default_str()
      ->group(kOptimisation);
  command.add_option("--batch-size", f.batch_size, "examples an optimiser step")
      ->check(CLI::Range(1U, 1000000U))
      ->capture_default_str()
      ->group(kOptimisation);
  command.add_option("--lr", f.rate, "learning rate of AdamW, at its peak")
      ->check(Number(0.0, 1000.0))
      ->capture_default_str()
      ->group(kOptimisation);
  command.add_option("--schedule", f.schedule, "constant, or cosine: falls to 0 at the last step")
      ->check(CLI::IsMember({"constant", "cosine"}))
      ->capture_default_str()
      ->group(kOptimisation);
  command.add_option("--warmup-steps", f.warmup_steps, "steps over which the rate rises")
      ->check(WholeNumber())
      ->capture_default_str()
      ->group(kOptimisation);
  command.add_option("--lr-floor", f.rate_floor, "of the cosine's end, as a share of --lr")
      ->check(Number(0.0, 1.0))
      ->capture_default_str()
      ->group(kOptimisation);
  command.add_option("--beta2", f.beta2, "of AdamW: how slowly the second moment forgets")
      ->check(Number(0.0, 0.999999))
      ->capture_default_str()
      ->group(kOptimisation);
  command.add_option("--weight-decay", f.weight_decay, "of AdamW")
      ->check(Number(0.0, 1000.0))
      ->capture_default_str()
      ->group(kOptimisation);
  command.add_option("--clip", f.clip, "largest norm of all gradients together, 0: not clipped")
      ->check(Number(0.0, 1e9))
      ->capture_default_str()
      ->group(kOptimisation);
  command.add_option("--steps", f.steps, "stop after so many steps (default: as the epochs have)")
      ->check(WholeNumber())
      ->type_name("N")
      ->group(kOptimisation);
  command.add_option("--seed", f.seed, "of the order of examples, and of what starts at random")
      ->check(WholeNumber())
      ->capture_default_str()
      ->group(kOptimisation);
}

void AddLoraFlags(CLI::App& command, TrainFlags& f) {
  command
      .add_option("--lora-rank", f.lora_rank,
                  "train adapters of this rank, merged when saved; 0: all weights")
      ->check(CLI::Range(0, 65536))
      ->capture_default_str()
      ->group("LoRA");
  command.add_option("--lora-alpha", f.lora_alpha, "adapters count alpha / rank times")
      ->check(Number(0.0, 1e6))
      ->capture_default_str()
      ->group("LoRA");
  command.add_option("--lora-targets", f.lora_targets, "matrices that get an adapter")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}))
      ->capture_default_str()
      ->group("LoRA");
}

CLI::Validator Device() {
  const auto check = [](const std::string& text) -> std::string {
    if (text == "cpu" || text == "cuda") return "";
    const std::string number = text.starts_with("cuda:") ? text.substr(5) : "";
    if (!number.empty() && number.find_first_not_of("0123456789") == std::string::npos) return "";
    return text + " is none of cpu, cuda, cuda:0, cuda:1, …";
  };
  return {check, ""};
}

void AddMachineFlags(CLI::App& command, TrainFlags& f) {
  command.add_option("--device", f.device, "cpu, cuda or cuda:N")
      ->check(Device())
      ->capture_default_str()
      ->group("Machine");
  command
      .add_option("--precision", f.precision,
                  "of matrix products: f32, bf16, or auto: bf16 on an accelerator")
      ->check(CLI::IsMember({"auto", "f32", "bf16"}))
      ->capture_default_str()
      ->group("Machine");
  command
      .add_option("--threads", f.threads,
                  "threads (default: all cores; 1: the same weights to the bit, however often interrupted)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N")
      ->group("Machine");
  command
      .add_option("--micro-tokens", f.micro_tokens, "tokens through the model at once: memory, not results")
      ->check(CLI::Range(1U, 1000000000U))
      ->capture_default_str()
      ->group("Machine");
  command.add_option("--save-every", f.save_every, "steps from checkpoint to checkpoint")
      ->check(CLI::Range(1U, 1000000000U))
      ->capture_default_str()
      ->group("Machine");
}

void AddOutputFlags(CLI::App& command, TrainFlags& f) {
  command
      .add_option("--out", f.out, "the .gguf to make; beside it OUT.run: settings, metrics.jsonl, checkpoint")
      ->type_name("FILE")
      ->group("Input and output");
  command.add_option("--type", f.type, "of the matrices in --out: f32, f16, bf16")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}))
      ->capture_default_str()
      ->group("Input and output");
  command.add_flag("--fresh", f.fresh, "set an existing --out aside (renamed) and start over")
      ->group("Input and output");
  command.add_flag("--json", f.json, "the result as JSON")->group("Input and output");
  AddMessageFlags(command, f.messages);
}

void AddFlags(CLI::App& command, TrainFlags& f) {
  AddOutputFlags(command, f);
  AddOptimisationFlags(command, f);
  AddLoraFlags(command, f);
  AddMachineFlags(command, f);
}

Status Missing(const char* flag, const char* what) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is missing: {}", flag, what));
}

// Threads, device, precision, how much at once and how often saved are the machine's; what they change is
// rounding.
Result<Json> CommonSettings(const TrainFlags& f, const char* kind, const char* base_name,
                            const std::string& base, const std::vector<std::string>& data) {
  Json json{{"tessy_training", kind}};
  auto model = IdentityOfModel(base);
  if (!model) return tl::unexpected(model.error());
  json[base_name] = *model;
  for (const std::string& path : data) {
    auto identity = IdentityOfData(path);
    if (!identity) return tl::unexpected(identity.error());
    json["data"].push_back(*identity);
  }
  json["epochs"] = f.epochs;
  json["batch_size"] = f.batch_size;
  json["lr"] = f.rate;
  json["schedule"] = f.schedule;
  json["lr_floor"] = f.rate_floor;
  json["beta2"] = f.beta2;
  json["warmup_steps"] = f.warmup_steps;
  json["weight_decay"] = f.weight_decay;
  json["clip"] = f.clip;
  json["steps"] = f.steps;
  json["seed"] = f.seed;
  json["max_tokens"] = f.max_tokens;
  json["lora_rank"] = f.lora_rank;
  if (f.lora_rank > 0) {
    json["lora_alpha"] = f.lora_alpha;
    json["lora_targets"] = f.lora_targets;
  }
  json["type"] = f.type;
  return json;
}

}  // namespace

void AddTrainBoundaryFlags(CLI::App& command, TrainBoundaryFlags& f) {
  // The paper's (method, section 8).
  f.epochs = 3;
  f.batch_size = 32;
  f.rate = 1e-5;
  f.schedule = "constant";
  f.max_tokens = 512;
  command.add_option("run.toml", f.run_file, "settings; every key is a flag's name, and flags win");
  command.add_option("--annotations", f.annotations, "windows from tessy annotate; may be repeated")
      ->allow_extra_args(false)
      ->type_name("FILE")
      ->group("Input and output");
  command
      .add_option("--base", f.base,
                  "language model to start from, or a predictor to train further: a .gguf file")
      ->type_name("MODEL")
      ->group("Input and output");
  command.add_option("--max-tokens", f.max_tokens, "tokens of a window; what is longer is cut off")
      ->check(CLI::Range(2U, 1000000U))
      ->capture_default_str()
      ->group("Input and output");
  command.add_option("--validation", f.validation, "share of the traces that is only judged on; 0: none")
      ->check(Number(0.0, 0.9))
      ->capture_default_str()
      ->group("Input and output");
  command
      .add_option("--select", f.select,
                  "which epoch is kept, by its figure on the validation: accuracy, f1, last")
      ->check(CLI::IsMember({"accuracy", "f1", "last"}))
      ->capture_default_str()
      ->group("Input and output");
  AddFlags(command, f);
}

void AddTrainSftFlags(CLI::App& command, TrainSftFlags& f) {
  // The paper's (method, section 11); it names no schedule.
  f.epochs = 9;
  f.batch_size = 128;
  f.rate = 5e-5;
  f.schedule = "cosine";
  command.add_option("run.toml", f.run_file, "settings; every key is a flag's name, and flags win");
  command.add_option("--student", f.student, "model to tune: a .gguf file")
      ->type_name("MODEL")
      ->group("Input and output");
  command.add_option("--responses", f.responses, "responses from tessy synth; may be repeated")
      ->allow_extra_args(false)
      ->type_name("FILE")
      ->group("Input and output");
  command
      .add_option("--max-tokens", f.max_tokens,
                  "longer responses are left out, and counted (default: what the student knows)")
      ->check(CLI::Range(2U, 1000000000U))
      ->type_name("N")
      ->group("Input and output");
  command
      .add_option("--family", f.family,
                  "qwen3, gpt-oss, deepseek-r1, plain or a .toml (default: by template)")
      ->type_name("FAMILY")
      ->group("Input and output");
  command.add_option("--template-date", f.template_date, "date for templates that show one")
      ->type_name("YYYY-MM-DD")
      ->group("Input and output");
  command
      .add_option("--system", f.system, "a system turn for responses without one: keeps the new data apart")
      ->type_name("TEXT")
      ->group("Input and output");
  command
      .add_option("--train-on", f.train_on,
                  "all; capability: style has no weight; style: capability has none")
      ->check(CLI::IsMember({"all", "capability", "style"}))
      ->capture_default_str()
      ->group("Loss");
  const auto weight = [&](const char* name, double& value, const char* what) {
    command.add_option(name, value, what)->check(Number(0.0, 1e6))->capture_default_str()->group("Loss");
  };
  weight("--capability-weight", f.capability_weight, "of the teacher's tokens");
  weight("--style-weight", f.style_weight, "of the student's tokens");
  weight("--thinking-weight", f.thinking_weight, "of a single thinker's tokens");
  weight("--answer-weight", f.answer_weight, "of the answer's tokens, and of markers");
  AddFlags(command, f);
}

Status CheckFlags(const TrainBoundaryFlags& f) {
  if (f.annotations.empty()) return Missing("--annotations", "make some with tessy annotate");
  if (f.base.empty()) return Missing("--base", "give the .gguf file of a language model to start from");
  if (f.out.empty()) return Missing("--out", "name the .gguf file to make");
  return {};
}

Status CheckFlags(const TrainSftFlags& f) {
  if (f.student.empty()) return Missing("--student", "give the .gguf file of the model to tune");
  if (f.responses.empty()) return Missing("--responses", "make some with tessy synth");
  if (f.out.empty()) return Missing("--out", "name the .gguf file to make");
  return {};
}

Result<std::string> DescribeSettings(const TrainBoundaryFlags& f) {
  auto json = CommonSettings(f, "boundary", "base", f.base, f.annotations);
  if (!json) return tl::unexpected(json.error());
  (*json)["validation"] = f.validation;
  (*json)["select"] = f.select;
  return json->dump();
}

Result<std::string> DescribeSettings(const TrainSftFlags& f) {
  auto json = CommonSettings(f, "sft", "student", f.student, f.responses);
  if (!json) return tl::unexpected(json.error());
  (*json)["family"] = f.family.empty() ? "by template" : f.family;
  (*json)["template_date"] = f.template_date;
  (*json)["system"] = f.system;
  (*json)["train_on"] = f.train_on;
  (*json)["weights"] = {{"capability", f.capability_weight},
                        {"style", f.style_weight},
                        {"thinking", f.thinking_weight},
                        {"answer", f.answer_weight}};
  return json->dump();
}

}  // namespace tessy
