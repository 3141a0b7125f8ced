#include "train/torch/parameters.h"

#include "base/check.h"

namespace tessy {
namespace {

int64_t Elements(const TensorSpec& spec) {
  int64_t count = 1;
  for (const int64_t n : spec.shape) count *= n;
  return count;
}

}  // namespace

Parameters::Parameters(std::vector<TensorSpec> specs, torch::Device device) : specs_(std::move(specs)) {
  int64_t total = 0;
  for (const TensorSpec& spec : specs_) total += Elements(spec);
  const auto options = torch::dtype(torch::kFloat32).device(device);
  values_ = torch::zeros({total}, options);
  gradients_ = torch::zeros({total}, options);
  int64_t begin = 0;
  for (const TensorSpec& spec : specs_) {
    const int64_t count = Elements(spec);
    torch::Tensor view = values_.narrow(0, begin, count).view(spec.shape).detach();
    view.set_requires_grad(true);
    // A gradient that exists already is added to in place, so it stays a view.
    view.mutable_grad() = gradients_.narrow(0, begin, count).view(spec.shape);
    views_.emplace(spec.name, std::move(view));
    begin += count;
  }
}

void Parameters::Set(const std::string& name, const std::vector<float>& values) {
  torch::NoGradGuard no_gradient;
  const torch::Tensor& view = views_.at(name);
  TESSY_CHECK(static_cast<int64_t>(values.size()) == view.numel());
  // `values` is only read; from_blob takes no pointer to const.
  torch::Tensor source =
      torch::from_blob(const_cast<float*>(values.data()), view.sizes(), torch::dtype(torch::kFloat32));
  view.detach().copy_(source);
}

}  // namespace tessy
