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

enum class Precision { kF32, kBF16 };  // for matrix products; sums, norms and weights are F32

struct TrainerOptions {
  int64_t classes = 0;  // 0: a language model; else a token classifier with so many classes
  size_t epochs = 1;
  size_t batch = 32;           // examples an optimiser step
  size_t micro_tokens = 8192;  // tokens through the model at once; affects memory, not results
  double rate = 1e-5;          // peak
  uint64_t warmup_steps = 0;
  bool cosine = false;
  double rate_floor = 0.0;  // at the end of the cosine, as a share of the peak
  double weight_decay = 0.01;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double clip = 1.0;           // largest norm of all gradients together; 0: no clipping
  uint64_t steps_max = 0;      // 0: as many as the epochs have
  uint64_t seed = 0;           // for the order of examples and the weights that start at random
  std::string device = "cpu";  // or "cuda", "cuda:1"
  Precision precision = Precision::kF32;
  LoraOptions lora;
  int threads =
      0;  // 0: all cores. With one thread the weights are the same to the bit in spite of interruptions
};

// Negative log-likelihoods (nats) by kind of target, without the weights of the loss.
struct KindLosses {
  std::array<double, kTargetKinds.size()> sums{};
  std::array<uint64_t, kTargetKinds.size()> counts{};

  void Add(TargetKind kind, double loss);
  void Add(const KindLosses& other);
  double MeanOf(TargetKind kind) const;  // 0 if there is none
  uint64_t Count() const;
};

struct StepReport {
  uint64_t step = 0;   // from 1
  uint64_t epoch = 0;  // from 1; the epoch of the step
  bool ends_epoch = false;
  double loss = 0.0;  // weighted: the loss that is minimised
  KindLosses losses;
  double rate = 0.0;
  double gradient_norm = 0.0;  // before clipping
  uint64_t tokens = 0;         // without padding
};

// The predictions of the model for one example, by position; NaN where the example has no target.
struct Prediction {
  std::vector<float> loss;
  std::vector<float> p_style;  // for classifiers: the probability of class 1; else empty
};

// The state that an interrupted training needs to go on as if it had not been interrupted.
struct TrainerState {
  uint64_t step = 0;
  std::vector<float> values;  // of the trained tensors, one after the other
  std::vector<float> first;   // AdamW's moments
  std::vector<float> second;
};

// Trains a Qwen3 decoder with AdamW on cross-entropy (method, sections 8 and 11). Used by one thread.
// Errors: kResourceLimit if memory does not suffice, kInvalidArgument for options that cannot be served,
// kBackend for any other error of libtorch.
class Trainer {
 public:
  virtual ~Trainer() = default;

  // `examples` must outlive the trainer and hold no token or target outside the model's tables.
  static Result<std::unique_ptr<Trainer>> Create(const Checkpoint& base, std::span<const Example> examples,
                                                 const TrainerOptions& options);

  virtual uint64_t steps() const = 0;  // steps in all
  virtual uint64_t step() const = 0;   // steps done
  virtual int64_t trained_parameters() const = 0;
  virtual Result<StepReport> Step() = 0;
  virtual Result<std::vector<Prediction>> Predict(std::span<const Example> examples) = 0;
  virtual TrainerState Save() const = 0;
  virtual Status Restore(const TrainerState& state) = 0;
  // The model that is trained, or the one that SetValues makes of the `values` of a state; adapters are
  // merged.
  virtual const Qwen3Shape& shape() const = 0;
  virtual Result<std::vector<float>> Read(const TensorSpec& tensor) const = 0;
  virtual Status SetValues(const std::vector<float>& values) = 0;
};

}  // namespace tessy
