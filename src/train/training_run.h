#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "train/trainer.h"
#include "train/training_files.h"
#include "weights/checkpoint.h"

namespace tessy {

// What the examples that were put aside say of an epoch.
struct Judgement {
  double score = 0.0;  // higher is better
  std::string json;    // one object
  std::string text;    // lines for people
};

struct TrainingJob {
  const Checkpoint* base = nullptr;
  std::span<const Example> training;
  std::span<const Example> validation;  // may be empty: then the last epoch is kept
  TrainerOptions trainer;
  // Of the predictions for `validation`, after each epoch.
  std::function<Judgement(std::span<const Prediction>)> judge;
  bool keep_last = false;  // the last epoch instead of the best
  std::string out;
  std::string configuration_json;
  bool fresh = false;
  uint64_t save_every = 200;  // steps from checkpoint to checkpoint; each epoch's end is one, too
  WriteGgufOptions file;
};

struct TrainingProgress {
  uint64_t step = 0, steps = 0;
  uint64_t epoch = 0, epochs = 0;
  double loss = 0.0;  // mean of the last steps
  KindLosses losses;  // of the same steps
  double tokens_per_second = 0.0;
  double seconds = 0.0;  // of this process
  double seconds_left = 0.0;
};

struct TrainingCallbacks {
  std::function<void()> begun = {};  // nothing was refused
  std::function<void(const TrainingProgress&)> progress;
  std::function<void(uint64_t epoch, const Judgement&)> judged;
  std::function<void(uint64_t step, uint64_t steps)> resumed;
};

struct TrainingOutcome {
  bool interrupted = false;  // by `stop`; a checkpoint is there
  bool was_done = false;     // by an earlier run of the same command
  std::string result_json = {};
};

// Trains, or goes on with what an earlier process left, until done or *stop: writes metrics as they happen,
// checkpoints, keeps the best epoch, and writes the model. On one thread the weights are the same to the bit
// however often it was interrupted.
Result<TrainingOutcome> RunTraining(const TrainingJob& job, const TrainingCallbacks& callbacks,
                                    const std::atomic<bool>& stop);

}  // namespace tessy
