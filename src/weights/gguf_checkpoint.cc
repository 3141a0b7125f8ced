#include "weights/gguf_checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/numbers.h"
#include "model/text/class_names.h"
#include "model/text/gguf_file.h"
#include "weights/qwen3.h"

namespace tessy {
namespace {

constexpr const char* kBias = "tessy.classifier.bias";
constexpr const char* kHead = "cls.output.weight";
// The value that llama.cpp assumes if a file names none.
constexpr double kRopeBaseDefault = 10000.0;

class GgufCheckpoint final : public Checkpoint {
 public:
  GgufCheckpoint(GgufFile file, Qwen3Shape shape, bool style_first)
      : file_(std::move(file)), shape_(shape), style_first_(style_first) {}

  const Qwen3Shape& shape() const override { return shape_; }
  WeightType type() const override;
  Metadata provenance() const override;
  Result<std::vector<float>> Read(const TensorSpec& tensor) const override {
    const std::string name = GgufName(tensor.name);
    auto values = name.empty() ? file_.Floats(kBias) : file_.ReadFloats(*file_.Find(name));
    if (values && style_first_ && IsHead(tensor)) SwapRows(*values);
    return values;
  }

 private:
  GgufFile file_;
  Qwen3Shape shape_;
  bool style_first_;
};

// The file holds 1e-6 as the nearest F32, but config.json must say 1e-6 again.
std::optional<double> NumberOf(const GgufFile& file, const char* key) {
  const auto number = file.Number(key);
  return number ? std::optional(Decimal(static_cast<float>(*number))) : std::nullopt;
}

WeightType GgufCheckpoint::type() const {
  std::set<std::string> types;
  for (const TensorSpec& tensor : TensorsOf(shape_)) {
    if (StoredAs(tensor, WeightType::kF16) == WeightType::kF16)
      types.insert(file_.Find(GgufName(tensor.name))->type);
  }
  if (types == std::set<std::string>{"f16"}) return WeightType::kF16;
  return types == std::set<std::string>{"bf16"} ? WeightType::kBF16 : WeightType::kF32;
}

Metadata GgufCheckpoint::provenance() const {
  Metadata found;
  for (const auto& [key, shown] : file_.Describe()) {
    if (const auto value = file_.String(key); value && IsProvenance(key)) found.emplace_back(key, *value);
  }
  return found;
}

Result<Qwen3Shape> ShapeOf(const GgufFile& file) {
  if (file.architecture() != "qwen3") {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: its architecture is {}; only qwen3 can be trained and converted",
                            file.path(), file.architecture().empty() ? "not said" : file.architecture()));
  }
  Qwen3Shape shape;
  const auto take = [&](const char* key, int64_t& figure) { figure = file.ArchInteger(key).value_or(0); };
  take("embedding_length", shape.width);
  take("block_count", shape.layers);
  take("feed_forward_length", shape.feed_forward);
  take("attention.head_count", shape.heads);
  shape.kv_heads = file.ArchInteger("attention.head_count_kv").value_or(shape.heads);
  shape.head_width =
      file.ArchInteger("attention.key_length").value_or(shape.heads > 0 ? shape.width / shape.heads : 0);
  take("context_length", shape.context_tokens);
  shape.rope_base = NumberOf(file, "qwen3.rope.freq_base").value_or(kRopeBaseDefault);
  shape.norm_epsilon = NumberOf(file, "qwen3.attention.layer_norm_rms_epsilon").value_or(0.0);
  const auto* embeddings = file.Find("token_embd.weight");
  shape.vocabulary = embeddings != nullptr && embeddings->shape.size() == 2 ? embeddings->shape[1] : 0;
  shape.tied_embeddings = file.Find("output.weight") == nullptr;
  if (const auto* head = file.Find(kHead); head != nullptr) {
    shape.classes = head->shape.size() == 2 ? head->shape[1] : 1;
  }
  if (shape.norm_epsilon <= 0.0 || shape.rope_base <= 0.0) {
    return Fail(
        ErrorCode::kInvalidData,
        fmt::format("{}: its norm's epsilon or its rotary base is missing or not positive", file.path()));
  }
  // "yarn" and others do not rotate by the base alone.
  const std::string scaling = file.String("qwen3.rope.scaling.type").value_or("none");
  if (scaling != "none") {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: rotary scaling \"{}\" is not supported here", file.path(), scaling));
  }
  if (auto status = CheckShape(shape, file.path()); !status) return tl::unexpected(status.error());
  return shape;
}

Status CheckTensors(const GgufFile& file, const Qwen3Shape& shape) {
  std::set<std::string> known;
  for (const TensorSpec& tensor : TensorsOf(shape)) {
    const std::string name = GgufName(tensor.name);
    if (name.empty()) {
      const auto bias = file.Floats(kBias);
      if (bias.size() == ElementsOf(tensor)) continue;
      return Fail(ErrorCode::kInvalidData, fmt::format("{}: its head's bias ({}) has {} values, its head {}",
                                                       file.path(), kBias, bias.size(), ElementsOf(tensor)));
    }
    known.insert(name);
    const auto* found = file.Find(name);
    if (found == nullptr) {
      return Fail(ErrorCode::kInvalidData, fmt::format("{}: tensor {} is missing", file.path(), name));
    }
    const std::vector<int64_t> outermost_first(found->shape.rbegin(), found->shape.rend());
    if (outermost_first != tensor.shape) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}: tensor {} has shape {}, but must have {}", file.path(), name,
                              Describe(outermost_first), Describe(tensor.shape)));
    }
  }
  for (const auto& tensor : file.tensors()) {
    if (!known.contains(tensor.name)) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}: tensor {} does not belong to a qwen3 model", file.path(), tensor.name));
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Checkpoint>> OpenGgufCheckpoint(const std::string& path) {
  auto file = GgufFile::Open(path);
  if (!file) return tl::unexpected(file.error());
  auto shape = ShapeOf(*file);
  if (!shape) return tl::unexpected(shape.error());
  if (auto status = CheckTensors(*file, *shape); !status) return tl::unexpected(status.error());
  const std::string labels = file->architecture() + ".classifier.output_labels";
  const auto style = shape->classes == 2 ? StyleClass(file->Strings(labels)) : Result<int>(1);
  if (!style) {
    return Fail(style.error().code, fmt::format("{}: {}: {}", path, labels, style.error().message));
  }
  return std::make_unique<GgufCheckpoint>(std::move(*file), *shape, *style == 0);
}

}  // namespace tessy
