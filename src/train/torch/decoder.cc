#include "train/torch/decoder.h"

#include <fmt/format.h>

#include "train/torch/kernels.h"

namespace tessy {

Decoder::Decoder(Qwen3Shape shape, const Weights& weights, const Options& options)
    : shape_(shape), options_(options) {
  const auto linear = [&](const std::string& name) {
    return Linear{weights(name), weights(name + ".lora_a"), weights(name + ".lora_b")};
  };
  embeddings_ = weights("model.embed_tokens.weight");
  final_norm_ = weights("model.norm.weight");
  if (shape_.classes > 0) {
    head_ = linear("score.weight");
    head_bias_ = weights("score.bias");
  } else {
    head_ = shape_.tied_embeddings ? Linear{embeddings_, {}, {}} : linear("lm_head.weight");
  }
  for (int64_t i = 0; i < shape_.layers; ++i) {
    const std::string at = fmt::format("model.layers.{}.", i);
    layers_.push_back({.attention_norm = weights(at + "input_layernorm.weight"),
                       .query_norm = weights(at + "self_attn.q_norm.weight"),
                       .key_norm = weights(at + "self_attn.k_norm.weight"),
                       .feed_forward_norm = weights(at + "post_attention_layernorm.weight"),
                       .query = linear(at + "self_attn.q_proj.weight"),
                       .key = linear(at + "self_attn.k_proj.weight"),
                       .value = linear(at + "self_attn.v_proj.weight"),
                       .output = linear(at + "self_attn.o_proj.weight"),
                       .gate = linear(at + "mlp.gate_proj.weight"),
                       .up = linear(at + "mlp.up_proj.weight"),
                       .down = linear(at + "mlp.down_proj.weight")});
  }
}

torch::Tensor Decoder::Apply(const Linear& linear, const torch::Tensor& x) const {
  const auto type = options_.precision == Precision::kBF16 ? torch::kBFloat16 : torch::kFloat32;
  const torch::Tensor input = x.to(type);
  torch::Tensor y = torch::linear(input, linear.weight.to(type));
  if (linear.lora_a.defined()) {
    const torch::Tensor low = torch::linear(input, linear.lora_a.to(type));
    y = y + torch::linear(low, linear.lora_b.to(type)) * options_.lora_scale;
  }
  return y.to(torch::kFloat32);
}

torch::Tensor Decoder::Attention(const Layer& layer, const torch::Tensor& x) const {
  const int64_t batch = x.size(0);
  const int64_t length = x.size(1);
  const int64_t d = shape_.head_width;
  const auto heads_of = [&](const Linear& linear, int64_t heads) {
    return Apply(linear, x).view({batch, length, heads, d});
  };
  const auto [cosines, sines] = RotaryTable(length, d, shape_.rope_base, x.device());
  const torch::Tensor query = NormAndRotate(heads_of(layer.query, shape_.heads), layer.query_norm, cosines,
                                            sines, shape_.norm_epsilon);
  const torch::Tensor key = NormAndRotate(heads_of(layer.key, shape_.kv_heads), layer.key_norm, cosines,
                                          sines, shape_.norm_epsilon);
  const torch::Tensor value = heads_of(layer.value, shape_.kv_heads).transpose(1, 2);
  const torch::Tensor mixed = CausalAttention(query, key, value).transpose(1, 2);
  return Apply(layer.output, mixed.reshape({batch, length, shape_.heads * d}));
}

torch::Tensor Decoder::FeedForward(const Layer& layer, const torch::Tensor& x) const {
  return Apply(layer.down, GatedSilu(Apply(layer.gate, x), Apply(layer.up, x)));
}

torch::Tensor Decoder::Hidden(const torch::Tensor& tokens) const {
  torch::Tensor x = torch::embedding(embeddings_, tokens);
  for (const Layer& layer : layers_) {
    x = x + Attention(layer, RmsNorm(x, layer.attention_norm, shape_.norm_epsilon));
    x = x + FeedForward(layer, RmsNorm(x, layer.feed_forward_norm, shape_.norm_epsilon));
  }
  return RmsNorm(x, final_norm_, shape_.norm_epsilon);
}

torch::Tensor Decoder::Outputs(const torch::Tensor& rows) const {
  const torch::Tensor outputs = Apply(head_, rows);
  return head_bias_.defined() ? outputs + head_bias_ : outputs;
}

}  // namespace tessy
