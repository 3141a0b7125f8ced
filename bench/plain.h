#pragma once

#include <memory>

#include "model/llama/engine.h"
#include "model/sampling.h"

namespace tessy::bench {

struct Rate {
  double tokens = 0.0;
  double cpu_seconds = 0.0;
  double wall_seconds = 0.0;

  double PerCpuSecond() const { return tokens / cpu_seconds; }
  double PerSecond() const { return tokens / wall_seconds; }
};

struct PlainOptions {
  int sequences = 1;
  size_t prompt_tokens = 16;
  size_t length = 512;  // tokens drawn by each sequence
  bool exact = false;
  Sampling sampling;
};

// A model alone, all sequences in every batch, one token a sequence a batch: each draws from its own logits,
// or, for a predictor, gets a random token and answers. What any engine at its best would do; the yardstick
// for cooperation.
Rate MeasurePlain(const std::shared_ptr<const LlamaModel>& model, const PlainOptions& options);

double ProcessCpuSeconds();
double WallSeconds();

}  // namespace tessy::bench
