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

// A model under training: its weights, those of them that change, and the decoder over both. One thread.
class TrainableModel {
 public:
  struct Options {
    torch::Device device = torch::kCPU;
    Precision precision = Precision::kF32;
    LoraOptions lora = {};  // rank 0: every weight is trained
    int64_t classes = 0;    // more than 0: a token classifier; its head is new unless the file has one
    uint64_t seed = 0;      // of what starts at random: a new head, adapters
  };

  // A language model's file for classes 0. A classifier's own head must have as many classes.
  static Result<std::unique_ptr<TrainableModel>> Load(const Checkpoint& checkpoint, const Options& options);

  const Decoder& decoder() const { return *decoder_; }
  Parameters& parameters() { return *trained_; }
  // Of the model that Read gives: adapters are no part of it.
  const Qwen3Shape& shape() const { return shape_; }
  // A tensor's values, with its adapter merged in.
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
