#include "train/torch/trainable_model.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/random.h"

namespace tessy {
namespace {

constexpr double kHeadDeviation = 0.02;  // as Qwen3's own initialisation (initializer_range)

// Normally distributed numbers that depend on seed and name alone (Box, Muller, 1958).
std::vector<float> RandomValues(uint64_t seed, const std::string& name, size_t count, double deviation) {
  const uint64_t key = HashBytes(name, seed);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - UniformAt(key, i, 0)));
    const double angle = 2.0 * std::numbers::pi * UniformAt(key, i, 1);
    values[i] = static_cast<float>(deviation * radius * std::cos(angle));
  }
  return values;
}

size_t Elements(const TensorSpec& spec) {
  size_t count = 1;
  for (const int64_t n : spec.shape) count *= static_cast<size_t>(n);
  return count;
}

std::vector<float> ToVector(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.detach().to(torch::kCPU).contiguous();
  const float* data = flat.data_ptr<float>();
  return {data, data + flat.numel()};
}

bool IsHead(const TensorSpec& tensor) { return tensor.name.starts_with("score."); }

}  // namespace

bool TrainableModel::IsAdapted(const std::string& name) const {
  return std::any_of(options_.lora.targets.begin(), options_.lora.targets.end(),
                     [&](const std::string& target) { return name.ends_with("." + target + ".weight"); });
}

std::vector<TensorSpec> TrainableModel::TrainedTensors() const {
  std::vector<TensorSpec> trained;
  const int64_t rank = options_.lora.rank;
  for (const TensorSpec& tensor : TensorsOf(shape_)) {
    if (rank == 0 || IsHead(tensor)) {
      trained.push_back(tensor);
    } else if (IsAdapted(tensor.name)) {
      trained.push_back({tensor.name + ".lora_a", {rank, tensor.shape[1]}});
      trained.push_back({tensor.name + ".lora_b", {tensor.shape[0], rank}});
    }
  }
  return trained;
}

Result<std::unique_ptr<TrainableModel>> TrainableModel::Load(const Checkpoint& checkpoint,
                                                             const Options& options) {
  Qwen3Shape shape = checkpoint.shape();
  if (shape.classes > 0 && shape.classes != options.classes) {
    return Fail(
        ErrorCode::kInvalidData,
        fmt::format("the base is a classifier of {} classes, but {} are wanted", shape.classes,
                    options.classes == 0 ? "a language model" : fmt::format("one of {}", options.classes)));
  }
  shape.classes = options.classes;
  std::unique_ptr<TrainableModel> model(new TrainableModel(shape, options));
  if (options.lora.rank > 0) {
    for (const std::string& target : options.lora.targets) {
      const auto tensors = TensorsOf(shape);
      if (std::none_of(tensors.begin(), tensors.end(), [&](const TensorSpec& tensor) {
            return tensor.shape.size() == 2 && tensor.name.ends_with("." + target + ".weight") &&
                   tensor.name.starts_with("model.layers.");
          })) {
        return Fail(
            ErrorCode::kInvalidArgument,
            fmt::format("LoRA target {}: there are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj "
                        "and down_proj",
                        target));
      }
    }
  }
  model->trained_ = std::make_unique<Parameters>(model->TrainedTensors(), options.device);
  if (auto status = model->LoadWeights(checkpoint); !status) return tl::unexpected(status.error());
  model->StartAdapters();
  const double scale =
      options.lora.rank > 0 ? options.lora.alpha / static_cast<double>(options.lora.rank) : 0.0;
  model->decoder_ = std::make_unique<Decoder>(
      shape, [&](const std::string& name) { return model->Weight(name); },
      Decoder::Options{.precision = options.precision, .lora_scale = scale});
  return model;
}

Status TrainableModel::LoadWeights(const Checkpoint& checkpoint) {
  for (const TensorSpec& tensor : TensorsOf(shape_)) {
    std::vector<float> values;
    if (IsHead(tensor) && checkpoint.shape().classes == 0) {
      const bool bias = tensor.shape.size() == 1;
      values = RandomValues(options_.seed, tensor.name, Elements(tensor), bias ? 0.0 : kHeadDeviation);
    } else {
      auto read = checkpoint.Read(tensor);
      if (!read) return tl::unexpected(read.error());
      values = std::move(*read);
    }
    if (trained_->Has(tensor.name)) {
      trained_->Set(tensor.name, values);
    } else {
      frozen_[tensor.name] = torch::tensor(values).view(tensor.shape).to(options_.device);
    }
  }
  return {};
}

// Adapters start as in the paper of LoRA: A at random and B at zero, so that the first step starts from the
// base model.
void TrainableModel::StartAdapters() {
  for (const TensorSpec& tensor : trained_->specs()) {
    if (!tensor.name.ends_with(".lora_a")) continue;
    const double deviation = 1.0 / std::sqrt(static_cast<double>(tensor.shape[1]));
    trained_->Set(tensor.name, RandomValues(options_.seed, tensor.name, Elements(tensor), deviation));
  }
}

torch::Tensor TrainableModel::Weight(const std::string& name) const {
  if (trained_->Has(name)) return trained_->Get(name);
  const auto found = frozen_.find(name);
  return found == frozen_.end() ? torch::Tensor() : found->second;
}

std::vector<float> TrainableModel::Read(const TensorSpec& tensor) const {
  torch::NoGradGuard no_gradient;
  torch::Tensor value = Weight(tensor.name);
  if (trained_->Has(tensor.name + ".lora_a")) {
    const double scale = options_.lora.alpha / static_cast<double>(options_.lora.rank);
    value = value + torch::matmul(Weight(tensor.name + ".lora_b"), Weight(tensor.name + ".lora_a")) * scale;
  }
  return ToVector(value);
}

}  // namespace tessy
