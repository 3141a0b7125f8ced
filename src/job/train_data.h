#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.h"
#include "job/train_settings.h"
#include "model/text/chat_format.h"
#include "model/vocabulary.h"
#include "train/example.h"

namespace tessy {

// The examples that a training's files make.
struct TrainingData {
  std::vector<Example> training;
  std::vector<Example> validation;
  std::string about;  // in words: how many, and what was left out
};

// The windows, divided by trace into those to train on and those to judge by.
Result<TrainingData> ReadBoundaryData(const TrainBoundaryOptions& options, const Vocabulary& vocabulary);

// The responses of at most `tokens_max` tokens.
Result<TrainingData> ReadSftData(const TrainSftOptions& options, const ChatFormat& format,
                                 const Vocabulary& vocabulary, size_t tokens_max);

}  // namespace tessy
