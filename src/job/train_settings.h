#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "job/settings.h"

namespace tessy {

// The flags of both kinds of training. 0 or empty: the default that the help names.
struct TrainOptions {
  std::string out;
  bool fresh = false;
  std::string type = "f32";

  uint64_t epochs = 0;
  uint64_t batch_size = 0;
  double rate = 0.0;
  std::string schedule;
  uint64_t warmup_steps = 0;
  double rate_floor = 0.0;
  double beta2 = 0.999;
  double weight_decay = 0.01;
  double clip = 1.0;
  uint64_t steps = 0;
  uint64_t seed = 0;
  uint64_t max_tokens = 0;

  int64_t lora_rank = 0;
  double lora_alpha = 16.0;
  std::vector<std::string> lora_targets{"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                        "gate_proj", "up_proj", "down_proj"};

  std::string device = "cpu";
  std::string precision = "auto";
  int threads = 0;
  uint64_t micro_tokens = 8192;
  uint64_t save_every = 200;
};

// A boundary predictor, from annotated windows. The defaults are the paper's (method, section 8).
struct TrainBoundaryOptions : TrainOptions {
  TrainBoundaryOptions() {
    epochs = 3;
    batch_size = 32;
    rate = 1e-5;
    schedule = "constant";
    max_tokens = 512;
  }
  std::vector<std::string> annotations;
  std::string base;
  double validation = 0.05;
  std::string select = "accuracy";
};

// A student, from responses. The defaults are the paper's (method, section 11), which names no schedule.
struct TrainSftOptions : TrainOptions {
  TrainSftOptions() {
    epochs = 9;
    batch_size = 128;
    rate = 5e-5;
    schedule = "cosine";
  }
  std::vector<std::string> responses;
  std::string student;
  std::string family;
  std::string template_date;
  std::string system;
  std::string train_on = "all";
  double capability_weight = 1.0;
  double style_weight = 1.0;
  double thinking_weight = 1.0;
  double answer_weight = 1.0;
};

// The tables of the options.
Settings TrainSettings(TrainBoundaryOptions& options);
Settings TrainSettings(TrainSftOptions& options);

// kInvalidArgument: something is missing. Errors name the flag.
Status CheckOptions(const TrainBoundaryOptions& options);
Status CheckOptions(const TrainSftOptions& options);

// Everything that the weights depend on, the contents of files included, as one JSON object in one line.
Result<std::string> RecordOf(const TrainBoundaryOptions& options);
Result<std::string> RecordOf(const TrainSftOptions& options);

// A record that an earlier version made, as this one would have made it. `now`: RecordOf.
std::string AsRecordedNow(const TrainBoundaryOptions& options, const std::string& recorded,
                          const std::string& now);
std::string AsRecordedNow(const TrainSftOptions& options, const std::string& recorded,
                          const std::string& now);

}  // namespace tessy
