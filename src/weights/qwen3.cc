#include "weights/qwen3.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace tessy {
namespace {

using Names = std::pair<std::string_view, std::string_view>;

constexpr std::array<Names, 5> kModelNames{{{"model.embed_tokens.weight", "token_embd.weight"},
                                            {"model.norm.weight", "output_norm.weight"},
                                            {"lm_head.weight", "output.weight"},
                                            {"score.weight", "cls.output.weight"},
                                            {"score.bias", ""}}};
constexpr std::array<Names, 11> kLayerNames{{{"input_layernorm", "attn_norm"},
                                             {"self_attn.q_proj", "attn_q"},
                                             {"self_attn.k_proj", "attn_k"},
                                             {"self_attn.v_proj", "attn_v"},
                                             {"self_attn.o_proj", "attn_output"},
                                             {"self_attn.q_norm", "attn_q_norm"},
                                             {"self_attn.k_norm", "attn_k_norm"},
                                             {"post_attention_layernorm", "ffn_norm"},
                                             {"mlp.gate_proj", "ffn_gate"},
                                             {"mlp.up_proj", "ffn_up"},
                                             {"mlp.down_proj", "ffn_down"}}};
constexpr std::string_view kLayers = "model.layers.";
constexpr std::string_view kWeight = ".weight";
constexpr int64_t kFigureMax = int64_t{1} << 31;
constexpr int64_t kLayersMax = 512;  // llama.cpp's own limit; the tensors of each are listed

}  // namespace

std::vector<TensorSpec> TensorsOf(const Qwen3Shape& s) {
  const int64_t query = s.heads * s.head_width;
  const int64_t key = s.kv_heads * s.head_width;
  std::vector<TensorSpec> tensors{{"model.embed_tokens.weight", {s.vocabulary, s.width}}};
  for (int64_t i = 0; i < s.layers; ++i) {
    const auto add = [&](const char* name, std::vector<int64_t> shape) {
      tensors.push_back({fmt::format("{}{}.{}{}", kLayers, i, name, kWeight), std::move(shape)});
    };
    add("input_layernorm", {s.width});
    add("self_attn.q_proj", {query, s.width});
    add("self_attn.k_proj", {key, s.width});
    add("self_attn.v_proj", {key, s.width});
    add("self_attn.o_proj", {s.width, query});
    add("self_attn.q_norm", {s.head_width});
    add("self_attn.k_norm", {s.head_width});
    add("post_attention_layernorm", {s.width});
    add("mlp.gate_proj", {s.feed_forward, s.width});
    add("mlp.up_proj", {s.feed_forward, s.width});
    add("mlp.down_proj", {s.width, s.feed_forward});
  }
  tensors.push_back({"model.norm.weight", {s.width}});
  if (s.classes > 0) {
    tensors.push_back({"score.weight", {s.classes, s.width}});
    tensors.push_back({"score.bias", {s.classes}});
  } else if (!s.tied_embeddings) {
    tensors.push_back({"lm_head.weight", {s.vocabulary, s.width}});
  }
  return tensors;
}

std::string GgufName(const std::string& name) {
  for (const auto& [hugging_face, gguf] : kModelNames) {
    if (name == hugging_face) return std::string(gguf);
  }
  TESSY_CHECK(name.starts_with(kLayers) && name.ends_with(kWeight));
  const size_t dot = name.find('.', kLayers.size());
  const std::string layer = name.substr(kLayers.size(), dot - kLayers.size());
  const std::string part = name.substr(dot + 1, name.size() - dot - 1 - kWeight.size());
  for (const auto& [hugging_face, gguf] : kLayerNames) {
    if (part == hugging_face) return fmt::format("blk.{}.{}{}", layer, gguf, kWeight);
  }
  TESSY_CHECK(false);
  return "";
}

Status CheckShape(const Qwen3Shape& shape, const std::string& path) {
  struct Figure {
    const char* what;
    int64_t value;
    int64_t most = kFigureMax;
  };
  const Figure figures[] = {{"vocabulary", shape.vocabulary},     {"width", shape.width},
                            {"layers", shape.layers, kLayersMax}, {"feed-forward width", shape.feed_forward},
                            {"attention heads", shape.heads},     {"key-value heads", shape.kv_heads},
                            {"head width", shape.head_width},     {"context", shape.context_tokens}};
  for (const Figure& figure : figures) {
    if (figure.value < 1 || figure.value > figure.most) {
      return Fail(ErrorCode::kInvalidData, fmt::format("{}: its {} is {}", path, figure.what, figure.value));
    }
  }
  if (shape.heads % shape.kv_heads != 0 || shape.head_width % 2 != 0) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: {} attention heads, {} key-value heads and head width {} do not go together",
                            path, shape.heads, shape.kv_heads, shape.head_width));
  }
  return {};
}

WeightType StoredAs(const TensorSpec& tensor, WeightType type) {
  return tensor.shape.size() == 1 || tensor.name == "score.weight" ? WeightType::kF32 : type;
}

bool IsProvenance(const std::string& key) {
  return key.starts_with("tessy.training.") || key.starts_with("tessy.converted.");
}

size_t ElementsOf(const TensorSpec& tensor) {
  size_t count = 1;
  for (const int64_t n : tensor.shape) count *= static_cast<size_t>(n);
  return count;
}

std::string Describe(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

bool IsHead(const TensorSpec& tensor) { return tensor.name == "score.weight" || tensor.name == "score.bias"; }

void SwapRows(std::vector<float>& head) {
  std::rotate(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(head.size() / 2), head.end());
}

}  // namespace tessy
