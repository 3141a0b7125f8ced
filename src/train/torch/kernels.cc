#include "train/torch/kernels.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/torch.h>
#include <torch/version.h>

#include <cmath>
#include <vector>

#include "train/torch/row_kernels.h"

namespace tessy {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::tensor_list;

// The smallest number of rows for which a thread is worth waking.
constexpr int64_t kRowsOfThread = 256;

bool OnCpu(const Tensor& x) { return x.device().is_cpu(); }

// Sums what each part of the rows adds to the gradient of a weight. The parts are those of parallel_for,
// which are the same from run to run.
Tensor SumParts(const std::vector<Tensor>& parts) {
  Tensor sum = parts.front();
  for (size_t i = 1; i < parts.size(); ++i) sum += parts[i];
  return sum;
}

// Calls work(begin, end, weight_gradient) for parts of the rows and returns the sum of the gradients.
template <class Work>
Tensor ForRows(int64_t rows, int64_t width, const Work& work) {
  const int64_t threads = at::get_num_threads();
  const int64_t parts = std::max<int64_t>(1, std::min(threads, rows / kRowsOfThread));
  std::vector<Tensor> gradients;
  for (int64_t i = 0; i < parts; ++i) gradients.push_back(torch::zeros({width}));
  at::parallel_for(0, parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t part = first; part < last; ++part) {
      work(rows * part / parts, rows * (part + 1) / parts,
           gradients[static_cast<size_t>(part)].data_ptr<float>());
    }
  });
  return SumParts(gradients);
}

class RmsNormFunction : public Function<RmsNormFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& weight, double epsilon) {
    const Tensor x = input.contiguous();
    const int64_t width = x.size(-1);
    const int64_t rows = x.numel() / width;
    Tensor y = torch::empty_like(x);
    Tensor scales = torch::empty({rows});
    at::parallel_for(0, rows, kRowsOfThread, [&](int64_t begin, int64_t end) {
      rows::NormForward(x.data_ptr<float>(), weight.data_ptr<float>(), y.data_ptr<float>(),
                        scales.data_ptr<float>(), begin, end, width, static_cast<float>(epsilon));
    });
    context->save_for_backward({x, weight, scales});
    return y;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor gradient = gradients[0].contiguous();
    const int64_t width = saved[0].size(-1);
    Tensor dx = torch::empty_like(saved[0]);
    const Tensor dw = ForRows(saved[0].numel() / width, width, [&](int64_t begin, int64_t end, float* sums) {
      rows::NormBackward(gradient.data_ptr<float>(), saved[0].data_ptr<float>(), saved[1].data_ptr<float>(),
                         saved[2].data_ptr<float>(), dx.data_ptr<float>(), sums, begin, end, width);
    });
    return {dx, dw, Tensor()};
  }
};

class NormAndRotateFunction : public Function<NormAndRotateFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& weight,
                        const Tensor& cosines, const Tensor& sines, double epsilon) {
    const Tensor x = input.contiguous();
    const rows::Heads heads{.length = x.size(1), .heads = x.size(2), .width = x.size(3)};
    const int64_t count = x.size(0) * x.size(1) * x.size(2);
    Tensor y = torch::empty({x.size(0), x.size(2), x.size(1), x.size(3)});
    Tensor scales = torch::empty({count});
    at::parallel_for(0, count, kRowsOfThread, [&](int64_t begin, int64_t end) {
      rows::NormAndRotateForward(heads, x.data_ptr<float>(), weight.data_ptr<float>(),
                                 cosines.data_ptr<float>(), sines.data_ptr<float>(), y.data_ptr<float>(),
                                 scales.data_ptr<float>(), begin, end, static_cast<float>(epsilon));
    });
    context->save_for_backward({x, weight, scales, cosines, sines});
    return y;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor gradient = gradients[0].contiguous();
    const rows::Heads heads{.length = x.size(1), .heads = x.size(2), .width = x.size(3)};
    Tensor dx = torch::empty_like(x);
    const Tensor dw =
        ForRows(x.numel() / heads.width, heads.width, [&](int64_t begin, int64_t end, float* sums) {
          rows::NormAndRotateBackward(heads, gradient.data_ptr<float>(), x.data_ptr<float>(),
                                      saved[1].data_ptr<float>(), saved[2].data_ptr<float>(),
                                      saved[3].data_ptr<float>(), saved[4].data_ptr<float>(),
                                      dx.data_ptr<float>(), sums, begin, end);
        });
    return {dx, dw, Tensor(), Tensor(), Tensor()};
  }
};

class GatedSiluFunction : public Function<GatedSiluFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& gate_in, const Tensor& up_in) {
    const Tensor gate = gate_in.contiguous();
    const Tensor up = up_in.contiguous();
    Tensor y = torch::empty_like(gate);
    at::parallel_for(0, gate.numel(), kRowsOfThread * 64, [&](int64_t begin, int64_t end) {
      rows::GatedSiluForward(gate.data_ptr<float>(), up.data_ptr<float>(), y.data_ptr<float>(), begin, end);
    });
    context->save_for_backward({gate, up});
    return y;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor gradient = gradients[0].contiguous();
    Tensor dgate = torch::empty_like(saved[0]);
    Tensor dup = torch::empty_like(saved[1]);
    at::parallel_for(0, gradient.numel(), kRowsOfThread * 64, [&](int64_t begin, int64_t end) {
      rows::GatedSiluBackward(gradient.data_ptr<float>(), saved[0].data_ptr<float>(),
                              saved[1].data_ptr<float>(), dgate.data_ptr<float>(), dup.data_ptr<float>(),
                              begin, end);
    });
    return {dgate, dup};
  }
};

class CausalAttentionFunction : public Function<CausalAttentionFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& query_in, const Tensor& key_in,
                        const Tensor& value_in) {
    const int64_t length = query_in.size(2);
    const int64_t width = query_in.size(3);
    const int64_t groups = key_in.size(0) * key_in.size(1);
    // The query heads that share a key head stand one after the other, so one product serves all of them.
    const Tensor query = query_in.contiguous().view({groups, -1, width});
    const Tensor key = key_in.contiguous().view({groups, length, width});
    const Tensor value = value_in.contiguous().view({groups, length, width});
    Tensor weights = torch::bmm(query, key.transpose(1, 2));
    const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(width)));
    at::parallel_for(0, weights.size(0) * weights.size(1), kRowsOfThread, [&](int64_t begin, int64_t end) {
      rows::CausalSoftmaxForward(weights.data_ptr<float>(), begin, end, length, scale);
    });
    context->save_for_backward({query, key, value, weights});
    return torch::bmm(weights, value).view(query_in.sizes());
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &query = saved[0], &key = saved[1], &value = saved[2], &weights = saved[3];
    const int64_t length = key.size(1);
    const int64_t width = key.size(2);
    const Tensor gradient = gradients[0].contiguous().view(query.sizes());
    const Tensor dvalue = torch::bmm(weights.transpose(1, 2), gradient);
    Tensor dscores = torch::bmm(gradient, value.transpose(1, 2));
    const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(width)));
    at::parallel_for(0, weights.size(0) * weights.size(1), kRowsOfThread, [&](int64_t begin, int64_t end) {
      rows::CausalSoftmaxBackward(weights.data_ptr<float>(), dscores.data_ptr<float>(), begin, end, length,
                                  scale);
    });
    const Tensor dquery = torch::bmm(dscores, key);
    const Tensor dkey = torch::bmm(dscores.transpose(1, 2), query);
    const int64_t batch = gradients[0].size(0);
    const auto split = [&](const Tensor& x) { return x.view({batch, -1, length, width}); };
    return {split(dquery), split(dkey), split(dvalue)};
  }
};

}  // namespace

namespace composed {

Tensor RmsNorm(const Tensor& x, const Tensor& weight, double epsilon) {
  return x * torch::rsqrt(x.pow(2).mean(-1, true) + epsilon) * weight;
}

Tensor NormAndRotate(const Tensor& x, const Tensor& weight, const Tensor& cosines, const Tensor& sines,
                     double epsilon) {
  const Tensor y = RmsNorm(x, weight, epsilon).transpose(1, 2);
  const int64_t half = y.size(3) / 2;
  const Tensor first = y.narrow(3, 0, half);
  const Tensor second = y.narrow(3, half, half);
  return torch::cat({first * cosines - second * sines, second * cosines + first * sines}, 3);
}

Tensor CausalAttention(const Tensor& query, const Tensor& key, const Tensor& value) {
  const int64_t shared = query.size(1) / key.size(1);
  const Tensor k = key.repeat_interleave(shared, 1);
  const Tensor v = value.repeat_interleave(shared, 1);
#if TORCH_VERSION_MAJOR >= 2
  return at::scaled_dot_product_attention(query, k, v, c10::nullopt, 0.0, true);
#else
  const int64_t length = query.size(2);
  const Tensor future =
      torch::ones({length, length}, torch::dtype(torch::kBool).device(query.device())).triu(1);
  const Tensor scores =
      torch::matmul(query, k.transpose(2, 3)) / std::sqrt(static_cast<double>(query.size(3)));
  return torch::matmul(torch::softmax(scores.masked_fill(future, -INFINITY), -1), v);
#endif
}

Tensor GatedSilu(const Tensor& gate, const Tensor& up) { return torch::silu(gate) * up; }

}  // namespace composed

std::pair<Tensor, Tensor> RotaryTable(int64_t length, int64_t width, double base, torch::Device device) {
  // In double precision, because the product of a position and a frequency must be exact to a small fraction
  // of a turn.
  const Tensor exponents = torch::arange(0, width, 2, torch::kFloat64) / static_cast<double>(width);
  const Tensor angles = torch::outer(torch::arange(0, length, torch::kFloat64), torch::pow(base, -exponents));
  const auto options = torch::dtype(torch::kFloat32).device(device);
  return {torch::cos(angles).to(options), torch::sin(angles).to(options)};
}

Tensor RmsNorm(const Tensor& x, const Tensor& weight, double epsilon) {
  return OnCpu(x) ? RmsNormFunction::apply(x, weight, epsilon) : composed::RmsNorm(x, weight, epsilon);
}

Tensor NormAndRotate(const Tensor& x, const Tensor& weight, const Tensor& cosines, const Tensor& sines,
                     double epsilon) {
  return OnCpu(x) ? NormAndRotateFunction::apply(x, weight, cosines, sines, epsilon)
                  : composed::NormAndRotate(x, weight, cosines, sines, epsilon);
}

Tensor CausalAttention(const Tensor& query, const Tensor& key, const Tensor& value) {
  return OnCpu(query) ? CausalAttentionFunction::apply(query, key, value)
                      : composed::CausalAttention(query, key, value);
}

Tensor GatedSilu(const Tensor& gate, const Tensor& up) {
  return OnCpu(gate) ? GatedSiluFunction::apply(gate, up) : composed::GatedSilu(gate, up);
}

}  // namespace tessy
