#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/append_file.h"
#include "train/trainer.h"

namespace tessy {

// The best epoch so far.
struct BestEpoch {
  uint64_t epoch = 0;  // from 1
  double score = 0.0;
  std::string judgement_json;
  std::string judgement_text;
  std::vector<float> values;  // of the trained tensors
};

// Where a training stands: all that it needs to go on after a kill at any instant.
struct TrainingState {
  TrainerState trainer;
  std::optional<BestEpoch> best;
  size_t metrics_lines = 0;  // of metrics.jsonl that belong to it
  double seconds = 0.0;      // worked so far
};

// The files of one training, in the folder `out`.run: config.json, metrics.jsonl (a line a step and an
// epoch), checkpoint while it is under way, result.json when it is done. One process at a time.
class TrainingFiles {
 public:
  // Locks. kConflict: another training writes here, `out` was not made by a training, or it was one with
  // other settings; with `fresh` what is there is set aside.
  static Result<TrainingFiles> Open(const std::string& out, const std::string& configuration_json,
                                    bool fresh);

  // The result of a training that is done.
  const std::optional<std::string>& result_json() const { return result_; }
  Result<std::optional<TrainingState>> LoadState() const;
  // Metrics after those of the state are forgotten; the next lines take their place.
  Status RewindMetrics(size_t lines) { return metrics_.KeepLines(lines); }
  Status AddMetrics(std::string_view json_line) { return metrics_.Append(json_line); }
  // Whole or not at all.
  Status SaveState(const TrainingState& state) const;
  // `out` is there: records the result and drops the checkpoint.
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
