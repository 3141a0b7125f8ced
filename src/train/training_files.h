#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/append_file.h"
#include "store/configuration.h"
#include "train/trainer.h"

namespace tessy {

// The best epoch so far.
struct BestEpoch {
  uint64_t epoch = 0;  // from 1
  double score = 0.0;
  std::string judgement_json;
  std::string judgement_text;
  std::vector<float> values;  // values of the trained tensors
};

// The state of a training: all that it needs to go on after a kill at any instant.
struct TrainingState {
  TrainerState trainer;
  std::optional<BestEpoch> best;
  size_t metrics_lines = 0;  // lines of metrics.jsonl that belong to this state
  double seconds = 0.0;      // time worked so far
};

// The files of one training, in the folder `out`.run: config.json, metrics.jsonl (a line for each step and
// each epoch), a checkpoint while the training is under way, and result.json when it is done. Used by one
// process at a time.
class TrainingFiles {
 public:
  // Opens and locks the folder. kConflict if another training writes here, if `out` was not made by a
  // training, or if it was made with other settings. With `fresh` the existing files are set aside.
  // `as_recorded_now` gives the settings that an earlier version recorded in the form of configuration_json;
  // `unset` says what settings mean that were not given, for the error that tells how they differ.
  static Result<TrainingFiles> Open(
      const std::string& out, const std::string& configuration_json, bool fresh,
      const std::function<std::string(const std::string& recorded)>& as_recorded_now = {},
      const UnsetTexts& unset = {});

  // The result, if the training is done.
  const std::optional<std::string>& result_json() const { return result_; }
  Result<std::optional<TrainingState>> LoadState() const;
  // Drops the metrics after the first `lines` lines; new lines take their place.
  Status RewindMetrics(size_t lines) { return metrics_.KeepLines(lines); }
  Status AddMetrics(std::string_view json_line) { return metrics_.Append(json_line); }
  // Saves the state completely or not at all.
  Status SaveState(const TrainingState& state) const;
  // Records the result and removes the checkpoint. The file `out` must be complete.
  Status Finish(std::string_view result_json);
  std::string folder() const { return folder_; }

 private:
  TrainingFiles(std::string folder, AppendFile metrics)
      : folder_(std::move(folder)), metrics_(std::move(metrics)) {}

  std::string folder_;
  AppendFile metrics_;
  std::optional<std::string> result_;
};

}  // namespace tessy
