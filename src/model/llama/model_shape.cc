#include "model/llama/model_shape.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <regex>
#include <string>
#include <string_view>

#include "model/llama/accelerators.h"
#include "model/llama/vocabulary_bytes.h"

namespace tessy {
namespace {

constexpr const char* kHead = "cls.output.weight";
constexpr std::string_view kEmbedding = "token_embd.weight";
constexpr std::string_view kOutput = "output.weight";

// Of "blk.N.something".
std::optional<size_t> LayerOf(std::string_view name) {
  constexpr std::string_view kBegin = "blk.";
  if (!name.starts_with(kBegin)) return std::nullopt;
  size_t layer = 0;
  const auto [end, error] = std::from_chars(name.data() + kBegin.size(), name.data() + name.size(), layer);
  if (error != std::errc() || end == name.data() + name.size() || *end != '.') return std::nullopt;
  return layer;
}

bool IsInput(std::string_view name) {
  return name.starts_with("token_embd") || name.starts_with("per_layer_token_embd") ||
         name.starts_with("position_embd") || name.starts_with("token_types");
}

uint64_t BytesOf(std::span<const GgufFile::Tensor> tensors, std::string_view name) {
  const auto found = std::ranges::find(tensors, name, &GgufFile::Tensor::name);
  return found == tensors.end() ? 0 : found->bytes;
}

// A recurrent layer's state of one sequence, in 32-bit floats: what it convolves, and what it remembers
// (n_embd_r and n_embd_s in llama.cpp's llama-hparams.cpp). 0 where the model has no such layers.
uint64_t StateBytes(const GgufFile& file) {
  const auto value = [&](const char* key) {
    return static_cast<uint64_t>(std::max<int64_t>(0, file.ArchInteger(key).value_or(0)));
  };
  const uint64_t width = value("embedding_length");
  const uint64_t kernel = value("ssm.conv_kernel");
  uint64_t values = 0;
  if (const uint64_t head = value("wkv.head_size"); head > 0) {
    const uint64_t shifts = std::max<uint64_t>(2, value("token_shift_count"));
    values = width * (shifts + head);
  } else if (const uint64_t window = value("shortconv.l_cache"); window > 0) {
    values = width * (window - 1);
  } else if (const uint64_t size = value("kda.head_dim"); size > 0) {
    const uint64_t inner = value("attention.head_count") * size;
    values = inner * (3 * (kernel > 0 ? kernel - 1 : 3) + size);
  } else {
    const uint64_t inner = value("ssm.inner_size");
    const uint64_t remembered = value("ssm.state_size");
    values = (kernel > 0 ? kernel - 1 : 0) * (inner + 2 * value("ssm.group_count") * remembered) +
             inner * remembered;
  }
  return values * sizeof(float);
}

// Caches and states. A layer has one of the two, but for those of falcon-h1, which have both.
void AddCaches(const GgufFile& file, std::vector<ModelShape::Layer>& layers) {
  const std::vector<uint64_t> cached = file.cache_values_by_layer();
  const uint64_t state = StateBytes(file);
  for (size_t i = 0; i < layers.size(); ++i) {
    layers[i].cache_values = cached[i];
    if (cached[i] == 0 || file.architecture() == "falcon-h1") layers[i].state = state;
  }
}

}  // namespace

bool ModelShape::has_experts() const {
  return std::ranges::any_of(layers, [](const Layer& layer) { return layer.experts > 0; });
}

ModelShape ShapeOf(std::span<const GgufFile::Tensor> tensors, size_t layers) {
  static const std::regex experts(kExpertTensors);
  const bool is_predictor = BytesOf(tensors, kHead) > 0;
  ModelShape shape;
  shape.layers.resize(layers);
  for (const GgufFile::Tensor& tensor : tensors) {
    const auto layer = LayerOf(tensor.name);
    if (layer && *layer < layers) {
      shape.layers[*layer].weights += tensor.bytes;
      if (std::regex_search(tensor.name, experts)) shape.layers[*layer].experts += tensor.bytes;
    } else if (IsInput(tensor.name) || (is_predictor && tensor.name == kOutput)) {
      shape.elsewhere += tensor.bytes;
    } else {
      shape.output += tensor.bytes;
    }
  }
  if (!is_predictor && BytesOf(tensors, kOutput) == 0) shape.tied_output = BytesOf(tensors, kEmbedding);
  return shape;
}

ModelShape ShapeOf(const GgufFile& file) {
  const auto layers = static_cast<size_t>(std::max<int64_t>(0, file.ArchInteger("block_count").value_or(0)));
  ModelShape shape = ShapeOf(file.tensors(), layers);
  uint64_t placed = shape.output;
  for (const ModelShape::Layer& layer : shape.layers) placed += layer.weights;
  shape.elsewhere = file.file_bytes() - std::min(placed, file.file_bytes()) + VocabularyBytes(file);
  AddCaches(file, shape.layers);
  shape.holds_q8_0 = CheckCacheType(file, CacheType::kQ8_0).has_value();
  return shape;
}

MemoryPlaces PlacesOf(const ModelShape& shape, int gpu_layers, bool cpu_experts, CacheType cache) {
  const size_t most = shape.layers.size() + 1;  // the output is the last
  const size_t on_device =
      gpu_layers == kAllLayers ? most : std::min(most, static_cast<size_t>(std::max(0, gpu_layers)));
  MemoryPlaces places{.ram_weights = shape.elsewhere};
  for (size_t i = 0; i < shape.layers.size(); ++i) {
    const ModelShape::Layer& layer = shape.layers[i];
    const uint64_t cache_bytes = CacheBytes(layer.cache_values, cache);
    if (i + on_device < most) {
      places.ram_weights += layer.weights;
      places.ram_cache_per_token += cache_bytes;
      places.ram_state += layer.state;
      continue;
    }
    const uint64_t kept = cpu_experts ? layer.experts : 0;
    places.ram_weights += kept;
    places.device_weights += layer.weights - kept;
    places.device_cache_per_token += cache_bytes;
    places.device_state += layer.state;
  }
  if (on_device > 0) {
    places.device_weights += shape.output + shape.tied_output;
  } else {
    places.ram_weights += shape.output;
  }
  return places;
}

}  // namespace tessy
