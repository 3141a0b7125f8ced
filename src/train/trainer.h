#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "train/batches.h"
#include "train/example.h"
#include "weights/checkpoint.h"

namespace tessy {

// Low-rank adapters (Hu et al., "LoRA", arXiv 2106.09685): a matrix W becomes W + alpha / rank * B A, of
// which only A [rank, in] and B [out, rank] are trained. Rank 0: every weight is trained.
struct LoraOptions {
  int64_t rank = 0;
  double alpha = 0.0;
  std::vector<std::string> targets = {};  // last parts of matrix names: "q_proj", "down_proj", …
};

enum class Precision { kF32, kBF16 };  // of matrix products; sums, norms and weights are F32

struct TrainerOptions {
  int64_t classes = 0;  // 0: a language model; else a token classifier of so many
  size_t epochs = 1;
  size_t batch = 32;           // examples an optimiser step
  size_t micro_tokens = 8192;  // tokens through the model at once: memory, not results
  double rate = 1e-5;          // peak
  uint64_t warmup_steps = 0;
  bool cosine = false;
  double rate_floor = 0.0;  // of the cosine's end, a share of the peak
  double weight_decay = 0.01;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double clip = 1.0;           // norm of all gradients together; 0: not clipped
  uint64_t steps_max = 0;      // 0: as the epochs have
  uint64_t seed = 0;           // of the order of examples, and of what starts at random
  std::string device = "cpu";  // or "cuda", "cuda:1"
  Precision precision = Precision::kF32;
  LoraOptions lora;
  int threads = 0;  // 0: all cores. One thread gives the same weights to the bit, whenever interrupted
};

// Mean negative log-likelihood (nats) over the positions of a kind, weights left out.
struct KindLosses {
  std::array<double, kTargetKinds.size()> sums{};
  std::array<uint64_t, kTargetKinds.size()> counts{};

  void Add(TargetKind kind, double loss);
  void Add(const KindLosses& other);
  double Mean() const;
  double MeanOf(TargetKind kind) const;  // 0 where there is none
  uint64_t Count() const;
};

struct StepReport {
  uint64_t step = 0;   // from 1
  uint64_t epoch = 0;  // from 1; the epoch that the step is of
  bool ends_epoch = false;
  double loss = 0.0;  // weighted, what was minimised
  KindLosses losses;
  double rate = 0.0;
  double gradient_norm = 0.0;  // before clipping
  uint64_t tokens = 0;         // without padding
};

// What the model says of one example, by position; NaN where nothing was asked.
struct Prediction {
  std::vector<float> loss;
  std::vector<float> p_style;  // of classifiers: the probability of class 1; else empty
};

// All that an interrupted training needs to go on as if nothing had been.
struct TrainerState {
  uint64_t step = 0;
  std::vector<float> values;  // of the trained tensors, one after the other
  std::vector<float> first;   // AdamW's moments
  std::vector<float> second;
};

// Trains a Qwen3 decoder with AdamW on cross-entropy (method, sections 8 and 11). One thread drives it.
// Errors: kResourceLimit for no memory, kInvalidArgument for what options cannot be served, kBackend for
// the rest of what libtorch refuses.
class Trainer {
 public:
  virtual ~Trainer() = default;

  // `examples` must outlive the trainer and hold no token or target outside the model's tables.
  static Result<std::unique_ptr<Trainer>> Create(const Checkpoint& base, std::span<const Example> examples,
                                                 const TrainerOptions& options);

  virtual uint64_t steps() const = 0;  // in all
  virtual uint64_t step() const = 0;   // done
  virtual int64_t trained_parameters() const = 0;
  virtual Result<StepReport> Step() = 0;
  virtual Result<std::vector<Prediction>> Predict(std::span<const Example> examples) = 0;
  virtual TrainerState Save() const = 0;
  virtual Status Restore(const TrainerState& state) = 0;
  // The model that is being trained, or that one which `values` of a state make of it; adapters are merged.
  virtual const Qwen3Shape& shape() const = 0;
  virtual Result<std::vector<float>> Read(const TensorSpec& tensor) const = 0;
  virtual Status SetValues(const std::vector<float>& values) = 0;
};

}  // namespace tessy
