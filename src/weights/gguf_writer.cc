#include <fmt/format.h>
#include <ggml.h>
#include <gguf.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "base/links.h"
#include "model/text/gguf_file.h"
#include "weights/checkpoint.h"
#include "weights/number_types.h"
#include "weights/qwen3.h"

namespace tessy {
namespace {

struct FreeGguf {
  void operator()(gguf_context* context) const { gguf_free(context); }
};
struct FreeGgml {
  void operator()(ggml_context* context) const { ggml_free(context); }
};
using GgufContext = std::unique_ptr<gguf_context, FreeGguf>;
using GgmlContext = std::unique_ptr<ggml_context, FreeGgml>;

ggml_type TypeOf(WeightType type) {
  switch (type) {
    case WeightType::kF32:
      return GGML_TYPE_F32;
    case WeightType::kF16:
      return GGML_TYPE_F16;
    case WeightType::kBF16:
      return GGML_TYPE_BF16;
  }
  return GGML_TYPE_F32;
}

// The values of llama.cpp's enum llama_ftype, by which tools show the main type of a file.
uint32_t FileTypeOf(WeightType type) {
  constexpr uint32_t kMostlyF16 = 1;
  constexpr uint32_t kMostlyBF16 = 32;
  return type == WeightType::kF16 ? kMostlyF16 : type == WeightType::kBF16 ? kMostlyBF16 : 0;
}

tl::unexpected<Error> CannotWrite(const std::string& path) {
  return Fail(ErrorCode::kIo, fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
}

class GgufWriter {
 public:
  GgufWriter(const Qwen3Shape& shape, const WriteGgufOptions& options)
      : shape_(shape),
        options_(options),
        gguf_(gguf_init_empty()),
        ggml_(ggml_init({.mem_size = (TensorsOf(shape).size() + 1) * ggml_tensor_overhead(),
                         .mem_buffer = nullptr,
                         .no_alloc = true})) {}

  Status CopyTokenizer();
  void SetMetadata();
  void ListTensors();
  Status Write(const std::string& path, const TensorReader& read) const;

 private:
  void Set(const char* key, int64_t value) {
    gguf_set_val_u32(gguf_.get(), fmt::format("qwen3.{}", key).c_str(), static_cast<uint32_t>(value));
  }
  void SetHead();

  const Qwen3Shape& shape_;
  const WriteGgufOptions& options_;
  GgufContext gguf_;
  GgmlContext ggml_;
};

Status GgufWriter::CopyTokenizer() {
  const std::string& path = options_.tokenizer_from;
  if (const auto file = GgufFile::Open(path); !file) return tl::unexpected(file.error());
  const GgufContext source(gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = nullptr}));
  if (!source) {
    return Fail(ErrorCode::kInvalidData, fmt::format("{}: cannot be read as a GGUF file", path));
  }
  const int64_t tokens = gguf_find_key(source.get(), "tokenizer.ggml.tokens");
  if (tokens < 0 || gguf_get_kv_type(source.get(), tokens) != GGUF_TYPE_ARRAY) {
    return Fail(ErrorCode::kInvalidData, fmt::format("{}: has no tokenizer", path));
  }
  const size_t count = gguf_get_arr_n(source.get(), tokens);
  if (static_cast<int64_t>(count) != shape_.vocabulary) {
    return Fail(
        ErrorCode::kInvalidData,
        fmt::format("{}: its tokenizer has {} tokens, the model embeds {}; take the GGUF file of the model's "
                    "own base",
                    path, count, shape_.vocabulary));
  }
  // All keys of the source are copied, then the keys that do not belong to its tokenizer are removed.
  gguf_set_kv(gguf_.get(), source.get());
  for (int64_t i = gguf_get_n_kv(source.get()); i-- > 0;) {
    const std::string key = gguf_get_key(source.get(), i);
    if (!key.starts_with("tokenizer.")) gguf_remove_key(gguf_.get(), key.c_str());
  }
  return {};
}

void GgufWriter::SetHead() {
  gguf_set_val_str(gguf_.get(), "tessy.classifier.labels", "next-token");
  std::vector<std::string> names{"capability", "style"};
  for (int64_t i = 2; i < shape_.classes; ++i) names.push_back(fmt::format("class-{}", i));
  names.resize(static_cast<size_t>(shape_.classes));
  std::vector<const char*> pointers;
  for (const std::string& name : names) pointers.push_back(name.c_str());
  gguf_set_arr_str(gguf_.get(), "qwen3.classifier.output_labels", pointers.data(), pointers.size());
}

void GgufWriter::SetMetadata() {
  gguf_context* gguf = gguf_.get();
  gguf_set_val_str(gguf, "general.architecture", "qwen3");
  gguf_set_val_str(gguf, "general.name", options_.name.c_str());
  gguf_set_val_u32(gguf, "general.file_type", FileTypeOf(options_.type));
  Set("context_length", shape_.context_tokens);
  Set("embedding_length", shape_.width);
  Set("block_count", shape_.layers);
  Set("feed_forward_length", shape_.feed_forward);
  Set("attention.head_count", shape_.heads);
  Set("attention.head_count_kv", shape_.kv_heads);
  Set("attention.key_length", shape_.head_width);
  Set("attention.value_length", shape_.head_width);
  gguf_set_val_f32(gguf, "qwen3.attention.layer_norm_rms_epsilon", static_cast<float>(shape_.norm_epsilon));
  gguf_set_val_f32(gguf, "qwen3.rope.freq_base", static_cast<float>(shape_.rope_base));
  if (shape_.classes > 0) SetHead();
  for (const auto& [key, value] : options_.metadata) gguf_set_val_str(gguf, key.c_str(), value.c_str());
}

void GgufWriter::ListTensors() {
  for (const TensorSpec& tensor : TensorsOf(shape_)) {
    const std::string name = GgufName(tensor.name);
    if (name.empty()) continue;
    const std::vector<int64_t> innermost_first(tensor.shape.rbegin(), tensor.shape.rend());
    ggml_tensor* meta = ggml_new_tensor(ggml_.get(), TypeOf(StoredAs(tensor, options_.type)),
                                        static_cast<int>(innermost_first.size()), innermost_first.data());
    ggml_set_name(meta, name.c_str());
    gguf_add_tensor(gguf_.get(), meta);
  }
}

Status GgufWriter::Write(const std::string& path, const TensorReader& read) const {
  for (const TensorSpec& tensor : TensorsOf(shape_)) {
    if (tensor.name != "score.bias") continue;
    auto bias = read(tensor);
    if (!bias) return tl::unexpected(bias.error());
    gguf_set_arr_data(gguf_.get(), "tessy.classifier.bias", GGUF_TYPE_FLOAT32, bias->data(), bias->size());
  }
  if (!gguf_write_to_file(gguf_.get(), path.c_str(), true)) return CannotWrite(path);
  std::ofstream stream(path, std::ios::binary | std::ios::app);
  const size_t alignment = gguf_get_alignment(gguf_.get());
  for (const TensorSpec& tensor : TensorsOf(shape_)) {
    if (GgufName(tensor.name).empty()) continue;
    auto values = read(tensor);
    if (!values) return tl::unexpected(values.error());
    const std::string bytes = EncodeNumbers(*values, StoredAs(tensor, options_.type));
    stream << bytes << std::string((alignment - bytes.size() % alignment) % alignment, '\0');
    if (!stream) return CannotWrite(path);
  }
  stream.flush();
  if (!stream) return CannotWrite(path);
  return {};
}

}  // namespace

Status WriteGguf(const std::string& name, const Qwen3Shape& shape, const TensorReader& read,
                 const WriteGgufOptions& options) {
  GgufWriter writer(shape, options);
  if (auto status = writer.CopyTokenizer(); !status) return status;
  writer.SetMetadata();
  writer.ListTensors();
  // A link stays, and the file behind it is replaced.
  const std::string path = BehindLinks(name);
  const std::string temporary = path + ".tmp";
  auto status = writer.Write(temporary, read);
  std::error_code ignored;
  if (status && std::rename(temporary.c_str(), path.c_str()) != 0) status = CannotWrite(path);
  if (!status) std::filesystem::remove(temporary, ignored);
  return status;
}

}  // namespace tessy
