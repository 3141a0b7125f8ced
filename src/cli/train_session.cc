#include "cli/train_session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/numbers.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/progress.h"
#include "job/train_job.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

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

std::string ForPeople(const Json& result, const std::string& out, bool was_done) {
  // The file may have been edited.
  const auto number = [&result](const char* key) {
    return result.contains(key) && result[key].is_number() ? result[key].get<double>() : 0.0;
  };
  std::string text = fmt::format("{}: {:.0f} steps in {}", out, number("steps"), Duration(number("seconds")));
  if (result.contains("epoch")) text += fmt::format(", epoch {:.0f} kept", number("epoch"));
  text += was_done ? "; it was done already\n" : "\n";
  if (result.contains("validation_text") && result["validation_text"].is_string()) {
    text += result["validation_text"].get<std::string>();
  }
  return text;
}

template <class Options>
Result<int> Train(const Options& options, const TrainMessages& messages) {
  auto style = FindProgressStyle(messages.shown.progress, isatty(STDERR_FILENO) == 1);
  if (!style) return tl::unexpected(style.error());
  ProgressDisplay display(*style);
  const auto say = [&display](const std::string& line) {
    display.Close();
    Say(line + "\n");
  };
  const auto show = [&display](const TrainingProgress& progress) {
    const double share = static_cast<double>(progress.step) / static_cast<double>(progress.steps);
    display.Show(share, progress.seconds, Describe(progress));
  };
  auto outcome = TrainJob(options, {.progress = show, .notice = say}, {.on_signals = true}).Run();
  display.Close();
  if (!outcome) return tl::unexpected(outcome.error());
  if (outcome->interrupted) {
    say(fmt::format("{}: interrupted; the same command goes on", options.out));
    return kExitInterrupted;
  }
  const Json result = Json::parse(outcome->result_json, nullptr, false);
  const std::string text = messages.json ? result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                                         : ForPeople(result, options.out, outcome->was_done);
  return WriteOutput(text).map([] { return kExitDone; });
}

}  // namespace

TrainRunners TrainHere() { return {.boundary = Train<TrainBoundaryOptions>, .sft = Train<TrainSftOptions>}; }

}  // namespace tessy
