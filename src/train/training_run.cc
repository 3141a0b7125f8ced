#include "train/training_run.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

// The number of steps over which the displayed loss is averaged; each step weighs less than the one after
// it.
constexpr double kLossMemory = 0.95;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Json LossesJson(const KindLosses& losses) {
  Json json = Json::object();
  for (const TargetKind kind : kTargetKinds) {
    if (losses.counts[static_cast<size_t>(kind)] > 0) json[std::string(Name(kind))] = losses.MeanOf(kind);
  }
  return json;
}

class TrainingRun {
 public:
  TrainingRun(const TrainingJob& job, const TrainingCallbacks& callbacks, TrainingFiles files,
              std::unique_ptr<Trainer> trainer)
      : job_(job), callbacks_(callbacks), files_(std::move(files)), trainer_(std::move(trainer)) {}

  Status Resume();
  Result<TrainingOutcome> Run(const std::atomic<bool>& stop);

 private:
  Status TakeStep();
  Status EndEpoch(uint64_t epoch);
  Status Save();
  Status AddMetrics(const Json& line);
  void Show(const StepReport& report);
  Result<TrainingOutcome> Conclude();

  const TrainingJob& job_;
  const TrainingCallbacks& callbacks_;
  TrainingFiles files_;
  std::unique_ptr<Trainer> trainer_;
  std::optional<BestEpoch> best_;
  size_t metrics_lines_ = 0;
  double seconds_before_ = 0.0;
  KindLosses epoch_losses_;
  Clock::time_point begin_ = Clock::now();
  uint64_t first_step_ = 0;
  uint64_t tokens_ = 0;
  double shown_loss_ = 0.0;
  bool saved_ = false;
};

Status TrainingRun::Resume() {
  auto state = files_.LoadState();
  if (!state) return tl::unexpected(state.error());
  metrics_lines_ = *state ? (*state)->metrics_lines : 0;
  if (auto status = files_.RewindMetrics(metrics_lines_); !status) return status;
  if (!*state) return {};
  if (auto status = trainer_->Restore((*state)->trainer); !status) return status;
  best_ = std::move((*state)->best);
  seconds_before_ = (*state)->seconds;
  first_step_ = trainer_->step();
  if (callbacks_.resumed) callbacks_.resumed(first_step_, trainer_->steps());
  return {};
}

Status TrainingRun::AddMetrics(const Json& line) {
  ++metrics_lines_;
  return files_.AddMetrics(line.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Status TrainingRun::Save() {
  saved_ = true;
  return files_.SaveState({.trainer = trainer_->Save(),
                           .best = best_,
                           .metrics_lines = metrics_lines_,
                           .seconds = seconds_before_ + SecondsSince(begin_)});
}

void TrainingRun::Show(const StepReport& report) {
  shown_loss_ =
      shown_loss_ == 0.0 ? report.loss : kLossMemory * shown_loss_ + (1.0 - kLossMemory) * report.loss;
  if (!callbacks_.progress) return;
  const double seconds = SecondsSince(begin_);
  const auto done = static_cast<double>(report.step - first_step_);
  callbacks_.progress(
      {.step = report.step,
       .steps = trainer_->steps(),
       .epoch = report.epoch,
       .epochs = job_.trainer.epochs,
       .loss = shown_loss_,
       .losses = report.losses,
       .tokens_per_second = static_cast<double>(tokens_) / seconds,
       .seconds = seconds,
       .seconds_left = seconds / done * static_cast<double>(trainer_->steps() - report.step)});
}

Status TrainingRun::TakeStep() {
  auto report = trainer_->Step();
  if (!report) return tl::unexpected(report.error());
  saved_ = false;
  tokens_ += report->tokens;
  epoch_losses_.Add(report->losses);
  auto status = AddMetrics({{"step", report->step},
                            {"epoch", report->epoch},
                            {"loss", report->loss},
                            {"losses", LossesJson(report->losses)},
                            {"rate", report->rate},
                            {"gradient_norm", report->gradient_norm},
                            {"tokens", report->tokens},
                            {"seconds", seconds_before_ + SecondsSince(begin_)}});
  if (!status) return status;
  Show(*report);
  if (report->ends_epoch) return EndEpoch(report->epoch);
  return report->step % job_.save_every == 0 ? Save() : Status();
}

Status TrainingRun::EndEpoch(uint64_t epoch) {
  Json line{{"epoch", epoch}};
  if (epoch_losses_.Count() > 0) {
    line["training"] = LossesJson(epoch_losses_);
    epoch_losses_ = {};
  }
  if (!job_.validation.empty()) {
    auto predictions = trainer_->Predict(job_.validation);
    if (!predictions) return tl::unexpected(predictions.error());
    const Judgement judgement = job_.judge(*predictions);
    line["validation"] = Json::parse(judgement.json);
    if (callbacks_.judged) callbacks_.judged(epoch, judgement);
    if (!best_ || job_.keep_last || judgement.score > best_->score) {
      best_ = BestEpoch{.epoch = epoch,
                        .score = judgement.score,
                        .judgement_json = judgement.json,
                        .judgement_text = judgement.text,
                        .values = trainer_->Save().values};
    }
  }
  if (auto status = AddMetrics(line); !status) return status;
  return Save();
}

Result<TrainingOutcome> TrainingRun::Conclude() {
  Json result{{"steps", trainer_->step()}, {"trained_parameters", trainer_->trained_parameters()}};
  if (best_) {
    if (auto status = trainer_->SetValues(best_->values); !status) return tl::unexpected(status.error());
    result["epoch"] = best_->epoch;
    result["validation"] = Json::parse(best_->judgement_json, nullptr, false);
    result["validation_text"] = best_->judgement_text;
  }
  result["seconds"] = seconds_before_ + SecondsSince(begin_);
  WriteGgufOptions file = job_.file;
  file.metadata.emplace_back("tessy.training.steps", fmt::format("{}", trainer_->step()));
  if (best_) {
    file.metadata.emplace_back("tessy.training.best_epoch", fmt::format("{}", best_->epoch));
    file.metadata.emplace_back("tessy.training.validation", best_->judgement_json);
  }
  const auto read = [this](const TensorSpec& tensor) { return trainer_->Read(tensor); };
  if (auto status = WriteGguf(job_.out, trainer_->shape(), read, file); !status) {
    return tl::unexpected(status.error());
  }
  const std::string json = result.dump();
  if (auto status = files_.Finish(json); !status) return tl::unexpected(status.error());
  return TrainingOutcome{.result_json = json};
}

Result<TrainingOutcome> TrainingRun::Run(const std::atomic<bool>& stop) {
  while (trainer_->step() < trainer_->steps()) {
    if (stop) {
      if (!saved_) {
        if (auto status = Save(); !status) return tl::unexpected(status.error());
      }
      return TrainingOutcome{.interrupted = true};
    }
    if (auto status = TakeStep(); !status) return tl::unexpected(status.error());
  }
  return Conclude();
}

}  // namespace

Result<TrainingOutcome> RunTraining(const TrainingJob& job, const TrainingCallbacks& callbacks,
                                    const std::atomic<bool>& stop) {
  auto files =
      TrainingFiles::Open(job.out, job.configuration_json, job.fresh, job.as_recorded_now, job.unset);
  if (!files) return tl::unexpected(files.error());
  if (files->result_json()) {
    return TrainingOutcome{.interrupted = false, .was_done = true, .result_json = *files->result_json()};
  }
  auto trainer = Trainer::Create(*job.base, job.training, job.trainer);
  if (!trainer) return tl::unexpected(trainer.error());
  if (callbacks.begun) callbacks.begun();
  TrainingRun run(job, callbacks, std::move(*files), std::move(*trainer));
  if (auto status = run.Resume(); !status) return tl::unexpected(status.error());
  return run.Run(stop);
}

}  // namespace tessy
