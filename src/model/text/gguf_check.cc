#include "model/text/gguf_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "gguf.h"
#include "model/text/gguf_handle.h"

namespace tessy {
namespace {

// llama.cpp's own limits (llama-hparams.h), and what no model comes near.
constexpr int64_t kLayersMax = 512;
constexpr int64_t kExpertsMax = 1024;
constexpr int64_t kWidthMax = 1 << 24;
// Those of whose heads llama.cpp rotates all dimensions, and whose keys and values have one width.
constexpr std::string_view kRotateAll[] = {"llama",    "llama4",  "mistral3",  "qwen2",   "qwen2moe",
                                           "qwen2vl",  "qwen3",   "qwen3moe",  "qwen3vl", "qwen3vlmoe",
                                           "olmo2",    "olmoe",   "internlm2", "exaone4", "granite",
                                           "seed_oss", "smollm3", "ernie4_5"};

// The checks of one file; the first that fails is the error.
class Check {
 public:
  explicit Check(const GgufFile& file) : file_(file) {}

  std::optional<int64_t> Value(const char* key) const { return file_.ArchInteger(key); }
  // One value, not one for each layer.
  std::optional<int64_t> Single(const char* key) const {
    const gguf_context* gguf = file_.handle().gguf;
    const int64_t id = gguf_find_key(gguf, (file_.architecture() + "." + key).c_str());
    return id >= 0 && gguf_get_kv_type(gguf, id) != GGUF_TYPE_ARRAY ? Value(key) : std::nullopt;
  }
  bool RotatesAll() const {
    return std::ranges::find(kRotateAll, file_.architecture()) != std::end(kRotateAll);
  }
  void Range(const char* key, int64_t least, int64_t most) {
    const auto value = Value(key);
    if (!value || (*value >= least && *value <= most)) return;
    Refuse(key, *value, fmt::format("it must lie between {} and {}", least, most));
  }
  void Refuse(const char* key, int64_t value, std::string_view why) {
    if (!status_) return;
    status_ = Fail(ErrorCode::kInvalidData, fmt::format("{}: {}.{} is {}, but {}; fetch the file again",
                                                        file_.path(), file_.architecture(), key, value, why));
  }
  const Status& status() const { return status_; }

 private:
  const GgufFile& file_;
  Status status_;
};

void CheckExperts(Check& check) {
  const int64_t experts = check.Value("expert_count").value_or(0);
  const int64_t used = check.Value("expert_used_count").value_or(0);
  const int64_t groups = check.Value("expert_group_count").value_or(0);
  const int64_t groups_used = check.Value("expert_group_used_count").value_or(0);
  if (experts < 0 || experts > kExpertsMax) check.Range("expert_count", 0, kExpertsMax);
  if (used < 0 || used > experts) {
    check.Refuse("expert_used_count", used, fmt::format("there are {} experts", experts));
  }
  if (experts > 0 && used == 0) check.Refuse("expert_used_count", used, "there are experts");
  if (groups < 0 || (groups > 0 && groups >= experts)) {
    check.Refuse("expert_group_count", groups, fmt::format("there are {} experts", experts));
  }
  if (groups > 1 && experts % groups != 0) {
    check.Refuse("expert_group_count", groups, fmt::format("there are {} experts", experts));
  }
  if (groups > 1 && (groups_used <= 0 || groups_used >= groups)) {
    check.Refuse("expert_group_used_count", groups_used, fmt::format("there are {} groups", groups));
  }
}

void CheckHeads(Check& check) {
  const int64_t width = check.Value("embedding_length").value_or(0);
  const auto heads = check.Single("attention.head_count");
  if (!heads || *heads <= 0) return;
  const auto kv_heads = check.Single("attention.head_count_kv");
  if (kv_heads && *kv_heads > 0 && *heads % *kv_heads != 0) {
    check.Refuse("attention.head_count_kv", *kv_heads, fmt::format("{} heads cannot share so many", *heads));
  }
  const auto key_width = check.Value("attention.key_length");
  if (!key_width && width % *heads != 0) {
    check.Refuse("attention.head_count", *heads, fmt::format("the width {} does not divide by it", width));
  }
  const int64_t head_width = key_width.value_or(width / *heads);
  const int64_t value_width = check.Value("attention.value_length").value_or(width / *heads);
  const int64_t rotated = check.Value("rope.dimension_count").value_or(head_width);
  if (rotated < 0 || rotated > head_width || rotated % 2 != 0 ||
      (check.RotatesAll() && rotated != head_width)) {
    check.Refuse("rope.dimension_count", rotated,
                 fmt::format("a head has {} dimensions, which are rotated in pairs", head_width));
  }
  if (check.RotatesAll() && value_width != head_width) {
    check.Refuse("attention.value_length", value_width, fmt::format("keys have {} dimensions", head_width));
  }
}

}  // namespace

Status CheckGgufValues(const GgufFile& file) {
  Check check(file);
  check.Range("block_count", 1, kLayersMax);
  check.Range("nextn_predict_layers", 0, check.Value("block_count").value_or(0));
  check.Range("embedding_length", 1, kWidthMax);
  check.Range("context_length", 1, INT32_MAX);
  check.Range("attention.head_count", 0, kWidthMax);
  check.Range("attention.head_count_kv", 0, kWidthMax);
  check.Range("attention.key_length", 0, kWidthMax);
  check.Range("attention.value_length", 0, kWidthMax);
  check.Range("feed_forward_length", 0, kWidthMax);
  CheckExperts(check);
  CheckHeads(check);
  const std::string key = file.architecture() + ".rope.scaling.type";
  if (const auto scaling = file.String(key)) {
    bool known = false;
    for (const std::string_view name : {"none", "linear", "yarn", "longrope"}) known |= *scaling == name;
    if (!known && check.status()) {
      return Fail(ErrorCode::kInvalidData, fmt::format("{}: {} is \"{}\", which is no scaling that is known",
                                                       file.path(), key, *scaling));
    }
  }
  return check.status();
}

}  // namespace tessy
