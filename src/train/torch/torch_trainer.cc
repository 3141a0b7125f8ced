#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "base/check.h"
#include "train/torch/row_kernels.h"
#include "train/torch/trainable_model.h"
#include "train/trainer.h"

namespace tessy {
namespace {

constexpr float kNotAsked = std::numeric_limits<float>::quiet_NaN();
// The number of rows whose logits are computed at once. More rows than this go through the output matrix in
// pieces, because the logits of a vocabulary of 152k tokens would need more memory than the whole model.
constexpr int64_t kLogitsMax = int64_t{1} << 26;
constexpr int64_t kElementsOfThread = 1 << 16;

// Exceptions of libtorch end here and become errors.
template <class Work>
auto Guarded(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    const bool memory = message.find("memory") != std::string::npos;
    return Fail(memory ? ErrorCode::kResourceLimit : ErrorCode::kBackend,
                fmt::format("libtorch: {}{}", message.substr(0, message.find('\n')),
                            memory ? "; lower --micro-tokens or --max-tokens" : ""));
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kBackend, fmt::format("libtorch: {}", error.what()));
  }
}

// A group of examples as one rectangle of tokens, with the places that have targets.
struct Rectangle {
  torch::Tensor tokens;   // [examples, longest]
  torch::Tensor places;   // rows of the flattened rectangle
  torch::Tensor targets;  // by place
  torch::Tensor weights;  // by place
  std::vector<TargetKind> kinds;
};

torch::Tensor ToTensor(const std::vector<int64_t>& values, torch::Device device) {
  return torch::tensor(values, torch::kInt64).to(device);
}

Rectangle Arrange(std::span<const Example> examples, std::span<const size_t> chosen, torch::Device device) {
  size_t longest = 0;
  for (const size_t i : chosen) longest = std::max(longest, examples[i].size());
  // No position sees the padding after the end of its example, so any token will do.
  std::vector<int64_t> tokens(chosen.size() * longest, 0);
  std::vector<int64_t> places;
  std::vector<int64_t> targets;
  std::vector<float> weights;
  Rectangle rectangle;
  for (size_t row = 0; row < chosen.size(); ++row) {
    const Example& example = examples[chosen[row]];
    for (size_t i = 0; i < example.size(); ++i) {
      const size_t place = row * longest + i;
      tokens[place] = example.tokens[i];
      if (example.targets[i] == Example::kIgnored) continue;
      places.push_back(static_cast<int64_t>(place));
      targets.push_back(example.targets[i]);
      weights.push_back(example.weights[i]);
      rectangle.kinds.push_back(example.kinds[i]);
    }
  }
  rectangle.tokens =
      ToTensor(tokens, device).view({static_cast<int64_t>(chosen.size()), static_cast<int64_t>(longest)});
  rectangle.places = ToTensor(places, device);
  rectangle.targets = ToTensor(targets, device);
  rectangle.weights = torch::tensor(weights).to(device);
  return rectangle;
}

class TorchTrainer final : public Trainer {
 public:
  TorchTrainer(std::unique_ptr<TrainableModel> model, std::span<const Example> examples,
               const TrainerOptions& options)
      : model_(std::move(model)), examples_(examples), options_(options), device_(options.device) {
    for (const Example& example : examples) lengths_.push_back(example.size());
    steps_an_epoch_ = (examples.size() + options.batch - 1) / options.batch;
    steps_ = steps_an_epoch_ * options.epochs;
    if (options.steps_max > 0) steps_ = std::min(steps_, options.steps_max);
    first_ = torch::zeros_like(model_->parameters().values());
    second_ = torch::zeros_like(first_);
  }

  uint64_t steps() const override { return steps_; }
  uint64_t step() const override { return step_; }
  int64_t trained_parameters() const override { return model_->parameters().size(); }
  const Qwen3Shape& shape() const override { return model_->shape(); }

  Result<StepReport> Step() override {
    return Guarded([&] { return TakeStep(); });
  }
  Result<std::vector<Prediction>> Predict(std::span<const Example> examples) override {
    return Guarded([&]() -> Result<std::vector<Prediction>> { return PredictAll(examples); });
  }
  TrainerState Save() const override;
  Status Restore(const TrainerState& state) override;
  Result<std::vector<float>> Read(const TensorSpec& tensor) const override {
    return Guarded([&]() -> Result<std::vector<float>> { return model_->Read(tensor); });
  }
  Status SetValues(const std::vector<float>& values) override {
    return Guarded([&]() -> Status { return CopyIn(values, model_->parameters().values()); });
  }

 private:
  Result<StepReport> TakeStep();
  double Accumulate(std::span<const size_t> chosen, double weight_of_batch, StepReport& report);
  torch::Tensor LossOf(const torch::Tensor& rows, const Rectangle& part, int64_t begin, int64_t count) const;
  void Update(double rate, double gradient_norm);
  std::vector<Prediction> PredictAll(std::span<const Example> examples) const;
  const std::vector<std::vector<size_t>>& BatchesOfEpoch(uint64_t epoch);
  int64_t RowsAtOnce() const;
  static Status CopyIn(const std::vector<float>& from, torch::Tensor& to);

  std::unique_ptr<TrainableModel> model_;
  std::span<const Example> examples_;
  TrainerOptions options_;
  torch::Device device_;
  std::vector<size_t> lengths_;
  uint64_t steps_an_epoch_ = 0;
  uint64_t steps_ = 0;
  uint64_t step_ = 0;
  torch::Tensor first_, second_;
  std::optional<uint64_t> epoch_of_batches_;
  std::vector<std::vector<size_t>> batches_;
};

int64_t TorchTrainer::RowsAtOnce() const {
  const int64_t outputs = shape().classes > 0 ? shape().classes : shape().vocabulary;
  return std::max<int64_t>(1, kLogitsMax / outputs);
}

const std::vector<std::vector<size_t>>& TorchTrainer::BatchesOfEpoch(uint64_t epoch) {
  if (epoch_of_batches_ != epoch) {
    batches_ = BatchesOf(lengths_, options_.batch, options_.seed, epoch);
    epoch_of_batches_ = epoch;
  }
  return batches_;
}

Result<StepReport> TorchTrainer::TakeStep() {
  TESSY_CHECK(step_ < steps_);
  const uint64_t epoch = step_ / steps_an_epoch_;
  const auto& batch = BatchesOfEpoch(epoch)[step_ % steps_an_epoch_];
  StepReport report;
  double weight = 0.0;
  for (const size_t i : batch) {
    report.tokens += examples_[i].size();
    for (size_t at = 0; at < examples_[i].size(); ++at) {
      if (examples_[i].targets[at] != Example::kIgnored) weight += examples_[i].weights[at];
    }
  }
  model_->parameters().gradients().zero_();
  if (weight > 0.0) {
    for (const auto& part : MicroBatchesOf(lengths_, batch, options_.micro_tokens)) {
      report.loss += Accumulate(part, weight, report);
    }
  }
  if (!std::isfinite(report.loss)) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("step {}: the loss is not a number any more; lower --lr", step_ + 1));
  }
  report.rate = options_.rate * RateAt({.steps = steps_,
                                        .warmup_steps = options_.warmup_steps,
                                        .cosine = options_.cosine,
                                        .floor = options_.rate_floor},
                                       step_);
  report.gradient_norm = model_->parameters().gradients().norm().item<double>();
  ++step_;
  Update(report.rate, report.gradient_norm);
  report.step = step_;
  report.epoch = epoch + 1;
  report.ends_epoch = step_ % steps_an_epoch_ == 0 || step_ == steps_;
  return report;
}

// The negative log-likelihoods of `count` places of the part.
torch::Tensor TorchTrainer::LossOf(const torch::Tensor& rows, const Rectangle& part, int64_t begin,
                                   int64_t count) const {
  return torch::nn::functional::cross_entropy(
      model_->decoder().Outputs(rows), part.targets.narrow(0, begin, count),
      torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kNone));
}

// Adds the gradients of the part and returns its share of the batch's loss.
double TorchTrainer::Accumulate(std::span<const size_t> chosen, double weight_of_batch, StepReport& report) {
  const Rectangle part = Arrange(examples_, chosen, device_);
  const int64_t asked = part.places.size(0);
  if (asked == 0) return 0.0;
  const torch::Tensor rows = model_->decoder().Hidden(part.tokens).flatten(0, 1).index_select(0, part.places);
  // The rows are processed in pieces: their gradients are collected first and go through the model once.
  torch::Tensor leaves = rows.detach();
  leaves.set_requires_grad(true);
  const bool pieces = asked > RowsAtOnce();
  double loss = 0.0;
  size_t at = 0;
  for (int64_t begin = 0; begin < asked; begin += RowsAtOnce()) {
    const int64_t count = std::min(asked - begin, RowsAtOnce());
    const torch::Tensor nll = LossOf(pieces ? leaves.narrow(0, begin, count) : rows, part, begin, count);
    const torch::Tensor share = torch::dot(nll, part.weights.narrow(0, begin, count)) / weight_of_batch;
    share.backward();
    loss += share.item<double>();
    const torch::Tensor values = nll.detach().to(torch::kCPU);
    for (int64_t i = 0; i < count; ++i, ++at) report.losses.Add(part.kinds[at], values.data_ptr<float>()[i]);
  }
  if (pieces) rows.backward(leaves.grad());
  return loss;
}

void TorchTrainer::Update(double rate, double gradient_norm) {
  torch::NoGradGuard no_gradient;
  Parameters& parameters = model_->parameters();
  // The 1e-6 is that of PyTorch's clip_grad_norm_.
  const double scale = options_.clip > 0.0 ? std::min(1.0, options_.clip / (gradient_norm + 1e-6)) : 1.0;
  const auto power = [&](double beta) { return std::pow(beta, static_cast<double>(step_)); };
  const double first_correction = 1.0 - power(options_.beta1);
  const double second_correction = std::sqrt(1.0 - power(options_.beta2));
  if (device_.is_cpu()) {
    const rows::AdamWStep step{.rate = static_cast<float>(rate),
                               .beta1 = static_cast<float>(options_.beta1),
                               .beta2 = static_cast<float>(options_.beta2),
                               .epsilon = static_cast<float>(options_.epsilon),
                               .decay = static_cast<float>(1.0 - rate * options_.weight_decay),
                               .gradient_scale = static_cast<float>(scale),
                               .first_correction = static_cast<float>(first_correction),
                               .second_correction = static_cast<float>(second_correction)};
    at::parallel_for(0, parameters.size(), kElementsOfThread, [&](int64_t begin, int64_t end) {
      rows::AdamW(step, parameters.values().data_ptr<float>(), parameters.gradients().data_ptr<float>(),
                  first_.data_ptr<float>(), second_.data_ptr<float>(), begin, end);
    });
    return;
  }
  torch::Tensor& gradients = parameters.gradients();
  gradients.mul_(scale);
  first_.mul_(options_.beta1).add_(gradients, 1.0 - options_.beta1);
  second_.mul_(options_.beta2).addcmul_(gradients, gradients, 1.0 - options_.beta2);
  parameters.values().mul_(1.0 - rate * options_.weight_decay);
  parameters.values().addcdiv_(first_, second_.sqrt().div_(second_correction).add_(options_.epsilon),
                               -rate / first_correction);
}

std::vector<Prediction> TorchTrainer::PredictAll(std::span<const Example> examples) const {
  torch::NoGradGuard no_gradient;
  std::vector<size_t> lengths;
  for (const Example& example : examples) lengths.push_back(example.size());
  std::vector<size_t> all(examples.size());
  std::iota(all.begin(), all.end(), size_t{0});
  std::vector<Prediction> predictions(examples.size());
  for (const auto& chosen : MicroBatchesOf(lengths, all, options_.micro_tokens)) {
    const Rectangle part = Arrange(examples, chosen, device_);
    const int64_t asked = part.places.size(0);
    const torch::Tensor rows =
        model_->decoder().Hidden(part.tokens).flatten(0, 1).index_select(0, part.places);
    std::vector<float> loss;
    std::vector<float> p_style;
    for (int64_t begin = 0; begin < asked; begin += RowsAtOnce()) {
      const int64_t count = std::min(asked - begin, RowsAtOnce());
      const torch::Tensor log_p =
          torch::log_softmax(model_->decoder().Outputs(rows.narrow(0, begin, count)), 1);
      const torch::Tensor nll =
          -log_p.gather(1, part.targets.narrow(0, begin, count).unsqueeze(1)).squeeze(1).to(torch::kCPU);
      loss.insert(loss.end(), nll.data_ptr<float>(), nll.data_ptr<float>() + count);
      if (shape().classes < 2) continue;
      const torch::Tensor style = log_p.select(1, 1).exp().to(torch::kCPU).contiguous();
      p_style.insert(p_style.end(), style.data_ptr<float>(), style.data_ptr<float>() + count);
    }
    size_t at = 0;
    for (const size_t i : chosen) {
      Prediction& prediction = predictions[i];
      prediction.loss.assign(examples[i].size(), kNotAsked);
      if (!p_style.empty()) prediction.p_style.assign(examples[i].size(), kNotAsked);
      for (size_t place = 0; place < examples[i].size(); ++place) {
        if (examples[i].targets[place] == Example::kIgnored) continue;
        prediction.loss[place] = loss[at];
        if (!p_style.empty()) prediction.p_style[place] = p_style[at];
        ++at;
      }
    }
  }
  return predictions;
}

TrainerState TorchTrainer::Save() const {
  const auto copy = [](const torch::Tensor& tensor) {
    const torch::Tensor here = tensor.detach().to(torch::kCPU);
    return std::vector<float>(here.data_ptr<float>(), here.data_ptr<float>() + here.numel());
  };
  return {.step = step_,
          .values = copy(model_->parameters().values()),
          .first = copy(first_),
          .second = copy(second_)};
}

Status TorchTrainer::CopyIn(const std::vector<float>& from, torch::Tensor& to) {
  if (static_cast<int64_t>(from.size()) != to.numel()) {
    return Fail(ErrorCode::kInvalidData, fmt::format("the checkpoint holds {} numbers, but the model has {}",
                                                     from.size(), to.numel()));
  }
  torch::NoGradGuard no_gradient;
  to.copy_(torch::from_blob(const_cast<float*>(from.data()), {to.numel()}, torch::kFloat32));
  return {};
}

Status TorchTrainer::Restore(const TrainerState& state) {
  return Guarded([&]() -> Status {
    return CopyIn(state.values, model_->parameters().values())
        .and_then([&] { return CopyIn(state.first, first_); })
        .and_then([&] { return CopyIn(state.second, second_); })
        .map([&] { step_ = state.step; });
  });
}

}  // namespace

Result<std::unique_ptr<Trainer>> Trainer::Create(const Checkpoint& base, std::span<const Example> examples,
                                                 const TrainerOptions& options) {
  return Guarded([&]() -> Result<std::unique_ptr<Trainer>> {
    if (examples.empty()) return Fail(ErrorCode::kInvalidData, "there is nothing to train on");
    const torch::Device device(options.device);
    if (device.is_cuda() && !torch::cuda::is_available()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("--device {}: this build's libtorch finds no CUDA device; build with Torch_DIR "
                              "set to a CUDA libtorch, or use --device cpu",
                              options.device));
    }
    if (options.threads > 0) at::set_num_threads(options.threads);
    auto model = TrainableModel::Load(base, {.device = device,
                                             .precision = options.precision,
                                             .lora = options.lora,
                                             .classes = options.classes,
                                             .seed = options.seed});
    if (!model) return tl::unexpected(model.error());
    return std::make_unique<TorchTrainer>(std::move(*model), examples, options);
  });
}

}  // namespace tessy
