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

// The result of an epoch on the validation examples.
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
  // Judges the predictions for `validation` after each epoch.
  std::function<Judgement(std::span<const Prediction>)> judge;
  bool keep_last = false;  // keep the last epoch instead of the best
  std::string out;
  std::string configuration_json;
  // The settings that an earlier version recorded, in the form of configuration_json; empty: as recorded.
  std::function<std::string(const std::string& recorded)> as_recorded_now = {};
  UnsetTexts unset = {};  // what settings mean that were not given
  bool fresh = false;
  uint64_t save_every = 200;  // steps between checkpoints; one is also saved at the end of each epoch
  WriteGgufOptions file;
};

struct TrainingProgress {
  uint64_t step = 0, steps = 0;
  uint64_t epoch = 0, epochs = 0;
  double loss = 0.0;  // mean of the last steps
  KindLosses losses;  // of the same steps
  double tokens_per_second = 0.0;
  double seconds = 0.0;  // time spent by this process
  double seconds_left = 0.0;
};

struct TrainingCallbacks {
  std::function<void()> begun = {};  // all settings and files were accepted
  std::function<void(const TrainingProgress&)> progress;
  std::function<void(uint64_t epoch, const Judgement&)> judged;
  std::function<void(uint64_t step, uint64_t steps)> resumed;
};

struct TrainingOutcome {
  bool interrupted = false;  // `stop` was set; a checkpoint was saved
  bool was_done = false;     // an earlier run of the same command was complete
  std::string result_json = {};
};

// Trains, or continues a training that an earlier process left, until it is done or *stop is true. Writes
// metrics as they arise, saves checkpoints, keeps the best epoch, and writes the model. On one thread the
// weights are the same to the bit however often the training was interrupted.
Result<TrainingOutcome> RunTraining(const TrainingJob& job, const TrainingCallbacks& callbacks,
                                    const std::atomic<bool>& stop);

}  // namespace tessy
