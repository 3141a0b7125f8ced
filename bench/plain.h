#pragma once

#include <memory>

#include "clocks.h"
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

// Measures a model alone: every batch has one token of each sequence. A language model draws each token from
// its own logits; a predictor gets a random token and answers. No engine can do better, so this is the
// reference for cooperation.
Rate MeasurePlain(const std::shared_ptr<const LlamaModel>& model, const PlainOptions& options);

}  // namespace tessy::bench
