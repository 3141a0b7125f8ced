#include "cli/train_session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/numbers.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/progress.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

std::atomic<bool> g_stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void StopTraining(int) { g_stop = true; }

std::string Describe(const TrainingProgress& progress) {
  std::string line = fmt::format("step {}/{}, epoch {}/{}, loss {:.4f}", progress.step, progress.steps,
                                 progress.epoch, progress.epochs, progress.loss);
  for (const TargetKind kind : {TargetKind::kCapability, TargetKind::kStyle}) {
    if (progress.losses.counts[static_cast<size_t>(kind)] > 0) {
      line += fmt::format(", {} {:.4f}", Name(kind), progress.losses.MeanOf(kind));
    }
  }
  return line + fmt::format(", {:.0f} tokens/s, ETA {}", progress.tokens_per_second,
                            Duration(progress.seconds_left));
}

std::string Summary(const Json& result, const std::string& out) {
  std::string line = fmt::format("{}: {} steps in {}", out, result.value("steps", 0),
                                 Duration(result.value("seconds", 0.0)));
  if (result.contains("epoch")) line += fmt::format(", epoch {} kept", result["epoch"].get<int>());
  return line;
}

}  // namespace

TrainerOptions TrainerOptionsOf(const TrainFlags& flags) {
  TrainerOptions options;
  options.epochs = flags.epochs;
  options.batch = flags.batch_size;
  options.micro_tokens = flags.micro_tokens;
  options.rate = flags.rate;
  options.rate_floor = flags.rate_floor;
  options.beta2 = flags.beta2;
  options.warmup_steps = flags.warmup_steps;
  options.cosine = flags.schedule == "cosine";
  options.weight_decay = flags.weight_decay;
  options.clip = flags.clip;
  options.steps_max = flags.steps;
  options.seed = flags.seed;
  options.device = flags.device;
  const bool accelerated = flags.device != "cpu";
  options.precision = flags.precision == "bf16" || (flags.precision == "auto" && accelerated)
                          ? Precision::kBF16
                          : Precision::kF32;
  options.threads = flags.threads;
  if (flags.lora_rank > 0) {
    options.lora = {.rank = flags.lora_rank, .alpha = flags.lora_alpha, .targets = flags.lora_targets};
  }
  return options;
}

WeightType WeightTypeOf(const TrainFlags& flags) {
  return flags.type == "f16" ? WeightType::kF16 : flags.type == "bf16" ? WeightType::kBF16 : WeightType::kF32;
}

Result<int> RunJob(TrainingJob job, const TrainFlags& flags, const std::string& about) {
  auto style = FindProgressStyle(flags.messages.progress, isatty(STDERR_FILENO) == 1);
  if (!style) return tl::unexpected(style.error());
  ProgressDisplay display(*style);
  const auto say = [&display](const std::string& text) {
    display.Close();
    fmt::print(stderr, "{}\n", text);
  };
  const TrainingCallbacks callbacks{
      .begun = [&] { say(about); },
      .progress =
          [&display](const TrainingProgress& progress) {
            const double share = static_cast<double>(progress.step) / static_cast<double>(progress.steps);
            display.Show(share, progress.seconds, Describe(progress));
          },
      .judged =
          [&say](uint64_t epoch, const Judgement& judgement) {
            say(fmt::format("epoch {}: {}", epoch, judgement.text.substr(0, judgement.text.find('\n'))));
          },
      .resumed =
          [&say, &flags](uint64_t step, uint64_t steps) {
            say(fmt::format("{}: {} of {} steps are done already", flags.out, step, steps));
          }};
  struct sigaction action {};
  action.sa_handler = StopTraining;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  auto outcome = RunTraining(job, callbacks, g_stop);
  display.Close();
  if (!outcome) return tl::unexpected(outcome.error());
  if (outcome->interrupted) {
    say(fmt::format("{}: interrupted; the same command goes on", flags.out));
    return kExitInterrupted;
  }
  const Json result = Json::parse(outcome->result_json);
  if (flags.json) {
    if (auto status = WriteOutput(result.dump(2) + "\n"); !status) return tl::unexpected(status.error());
    return kExitDone;
  }
  std::string text = Summary(result, flags.out) + (outcome->was_done ? "; it was done already" : "") + "\n";
  if (result.contains("validation_text")) text += result["validation_text"].get<std::string>();
  if (auto status = WriteOutput(text); !status) return tl::unexpected(status.error());
  return kExitDone;
}

}  // namespace tessy
