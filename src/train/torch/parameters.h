#pragma once

#include <torch/types.h>

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "weights/checkpoint.h"

namespace tessy {

// The tensors that training changes, as views of one buffer, with their gradients as views of another. So an
// optimiser step and a checkpoint are each one pass over memory. F32. Not copyable; used by one thread.
class Parameters {
 public:
  Parameters(std::vector<TensorSpec> specs, torch::Device device);
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  const std::vector<TensorSpec>& specs() const { return specs_; }
  bool Has(const std::string& name) const { return views_.contains(name); }
  // A leaf tensor that requires its gradient.
  const torch::Tensor& Get(const std::string& name) const { return views_.at(name); }
  // All values and all gradients, each one-dimensional, in the order of specs().
  torch::Tensor& values() { return values_; }
  torch::Tensor& gradients() { return gradients_; }
  int64_t size() const { return values_.numel(); }

  // Copies the values of a tensor in, row-major, as many as it has.
  void Set(const std::string& name, const std::vector<float>& values);

 private:
  std::vector<TensorSpec> specs_;
  torch::Tensor values_;
  torch::Tensor gradients_;
  std::unordered_map<std::string, torch::Tensor> views_;
};

}  // namespace tessy
