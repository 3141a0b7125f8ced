#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "train/torch/decoder.h"
#include "train/torch/parameters.h"
#include "weights/checkpoint.h"

namespace tessy {

// A model under training: its weights, the ones among them that are trained, and the decoder over both. Used
// by one thread.
class TrainableModel {
 public:
  struct Options {
    torch::Device device = torch::kCPU;
    Precision precision = Precision::kF32;
    LoraOptions lora = {};  // rank 0: every weight is trained
    int64_t classes = 0;    // more than 0: a token classifier; its head is new unless the file has one
    uint64_t seed = 0;      // of the weights that start at random: a new head, adapters
  };

  // Loads a model. For classes 0 the file must hold a language model. A classifier's own head must have as
  // many classes.
  static Result<std::unique_ptr<TrainableModel>> Load(const Checkpoint& checkpoint, const Options& options);

  const Decoder& decoder() const { return *decoder_; }
  Parameters& parameters() { return *trained_; }
  // The shape of the model that Read returns, which has no adapters.
  const Qwen3Shape& shape() const { return shape_; }
  // The values of a tensor, with its adapter merged in.
  std::vector<float> Read(const TensorSpec& tensor) const;

 private:
  TrainableModel(Qwen3Shape shape, Options options) : shape_(shape), options_(std::move(options)) {}
  bool IsAdapted(const std::string& name) const;
  std::vector<TensorSpec> TrainedTensors() const;
  Status LoadWeights(const Checkpoint& checkpoint);
  void StartAdapters();
  torch::Tensor Weight(const std::string& name) const;

  Qwen3Shape shape_;
  Options options_;
  std::unique_ptr<Parameters> trained_;
  std::unordered_map<std::string, torch::Tensor> frozen_;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace tessy
