#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "job/common_settings.h"

namespace tessy {

// What both kinds of training are told. 0 or empty: the default that the help names.
struct TrainFlags {
  std::string run_file;
  std::string out;
  bool fresh = false;
  bool json = false;

  size_t epochs = 0;
  size_t batch_size = 0;
  double rate = 0.0;
  std::string schedule;
  uint64_t warmup_steps = 0;
  double weight_decay = 0.01;
  double clip = 1.0;
  uint64_t steps = 0;
  uint64_t seed = 0;
  size_t max_tokens = 0;

  int64_t lora_rank = 0;
  double lora_alpha = 16.0;
  std::vector<std::string> lora_targets{"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                        "gate_proj", "up_proj", "down_proj"};

  double rate_floor = 0.0;
  double beta2 = 0.999;
  std::string device = "cpu";
  std::string precision = "auto";
  int threads = 0;
  size_t micro_tokens = 8192;
  uint64_t save_every = 200;
  std::string type = "f32";
  MessageOptions messages;
};

struct TrainBoundaryFlags : TrainFlags {
  std::vector<std::string> annotations;
  std::string base;
  double validation = 0.05;
  std::string select = "accuracy";
};

struct TrainSftFlags : TrainFlags {
  std::vector<std::string> responses;
  std::string student;
  std::string family;
  std::string template_date;
  std::string train_on = "all";
  double capability_weight = 1.0;
  double style_weight = 1.0;
  double thinking_weight = 1.0;
  double answer_weight = 1.0;
  std::string system;
};

void AddTrainBoundaryFlags(CLI::App& command, TrainBoundaryFlags& flags);
void AddTrainSftFlags(CLI::App& command, TrainSftFlags& flags);

// What must be given and is not, and what does not go together.
Status CheckFlags(const TrainBoundaryFlags& flags);
Status CheckFlags(const TrainSftFlags& flags);

// All that the weights depend on, the files' contents among it, as one JSON object in one line.
Result<std::string> DescribeSettings(const TrainBoundaryFlags& flags);
Result<std::string> DescribeSettings(const TrainSftFlags& flags);

}  // namespace tessy
