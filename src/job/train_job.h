#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <variant>

#include "base/error.h"
#include "job/train_settings.h"
#include "train/training_run.h"

namespace tessy {

// The notices of a training while it runs, on the thread that runs it. Either may be empty. A job writes to
// no standard stream itself.
struct TrainEvents {
  std::function<void(const TrainingProgress&)> progress = {};
  std::function<void(const std::string&)> notice = {};  // one line, without a newline
};

// The ways to end a training early. A checkpoint is then saved, and the same job goes on with it.
struct TrainStop {
  // SIGINT, SIGTERM and SIGHUP (unless it is ignored, as under nohup); the second one ends the process at
  // once.
  bool on_signals = false;
  std::stop_token token = {};  // may be asked to stop from any thread
};

// Trains a boundary predictor or tunes a student, or goes on where an earlier job with the same settings
// ended. Linked with libtorch, and so a library of its own, tessy_train_job.
class TrainJob {
 public:
  TrainJob(TrainBoundaryOptions options, TrainEvents events, TrainStop stop = {});
  TrainJob(TrainSftOptions options, TrainEvents events, TrainStop stop = {});

  // Returns when the model is written or the job was stopped. The calling thread trains. An error: the
  // options, the files or the models are refused.
  Result<TrainingOutcome> Run();

 private:
  Result<TrainingOutcome> TrainBoundary(const TrainBoundaryOptions& options) const;
  Result<TrainingOutcome> TrainSft(const TrainSftOptions& options) const;
  Result<TrainingOutcome> Train(TrainingJob job, const std::string& about) const;

  std::variant<TrainBoundaryOptions, TrainSftOptions> options_;
  TrainEvents events_;
  TrainStop stop_;
};

}  // namespace tessy
