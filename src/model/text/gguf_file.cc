#include "model/text/gguf_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "ggml.h"
#include "gguf.h"
#include "model/text/gguf_handle.h"
#include "model/text/llama_vocabulary.h"

namespace tessy {
namespace {

std::string Describe(const gguf_context* gguf, int64_t key) {
  constexpr size_t kShownMax = 8;
  const gguf_type type = gguf_get_kv_type(gguf, key);
  const auto scalar = [](gguf_type t, const void* data, size_t i) -> std::string {
    switch (t) {
      case GGUF_TYPE_UINT8:
        return std::to_string(static_cast<const uint8_t*>(data)[i]);
      case GGUF_TYPE_INT8:
        return std::to_string(static_cast<const int8_t*>(data)[i]);
      case GGUF_TYPE_UINT16:
        return std::to_string(static_cast<const uint16_t*>(data)[i]);
      case GGUF_TYPE_INT16:
        return std::to_string(static_cast<const int16_t*>(data)[i]);
      case GGUF_TYPE_UINT32:
        return std::to_string(static_cast<const uint32_t*>(data)[i]);
      case GGUF_TYPE_INT32:
        return std::to_string(static_cast<const int32_t*>(data)[i]);
      case GGUF_TYPE_UINT64:
        return std::to_string(static_cast<const uint64_t*>(data)[i]);
      case GGUF_TYPE_INT64:
        return std::to_string(static_cast<const int64_t*>(data)[i]);
      case GGUF_TYPE_FLOAT32:
        return fmt::format("{}", static_cast<const float*>(data)[i]);
      case GGUF_TYPE_FLOAT64:
        return fmt::format("{}", static_cast<const double*>(data)[i]);
      case GGUF_TYPE_BOOL:
        return static_cast<const int8_t*>(data)[i] != 0 ? "true" : "false";
      default:
        return "?";
    }
  };
  if (type == GGUF_TYPE_STRING) return gguf_get_val_str(gguf, key);
  if (type != GGUF_TYPE_ARRAY) return scalar(type, gguf_get_val_data(gguf, key), 0);
  const size_t count = gguf_get_arr_n(gguf, key);
  const gguf_type element = gguf_get_arr_type(gguf, key);
  std::string out = "[";
  for (size_t i = 0; i < std::min(count, kShownMax); ++i) {
    if (i > 0) out += ", ";
    out += element == GGUF_TYPE_STRING ? std::string(gguf_get_arr_str(gguf, key, i))
                                       : scalar(element, gguf_get_arr_data(gguf, key), i);
  }
  if (count > kShownMax) out += fmt::format(", … {} in all", count);
  return out + "]";
}

}  // namespace

GgufFile::Handle::~Handle() {
  if (gguf != nullptr) gguf_free(gguf);
  if (ggml != nullptr) ggml_free(ggml);
}

Result<GgufFile> GgufFile::Open(const std::string& path) {
  std::error_code status;
  if (!std::filesystem::exists(path, status)) {
    return Fail(ErrorCode::kNotFound, fmt::format("{}: no such model file", path));
  }
  if (std::filesystem::is_directory(path, status)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: is a folder, not a .gguf file", path));
  }
  std::ifstream stream(path, std::ios::binary);
  char magic[4] = {};
  if (!stream) return Fail(ErrorCode::kIo, fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  if (!stream.read(magic, sizeof magic) || std::memcmp(magic, "GGUF", sizeof magic) != 0) {
    return Fail(
        ErrorCode::kInvalidData,
        fmt::format("{}: not a GGUF file (it does not begin with \"GGUF\"); convert the model first", path));
  }

  QuietLlamaLog();
  GgufFile file;
  file.path_ = path;
  file.file_bytes_ = std::filesystem::file_size(path, status);
  file.handle_ = std::make_shared<Handle>();
  file.handle_->gguf = gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = &file.handle_->ggml});
  const gguf_context* gguf = file.handle_->gguf;
  if (gguf == nullptr) {
    return Fail(
        ErrorCode::kInvalidData,
        fmt::format("{}: damaged GGUF file (its header or tensor list cannot be read); fetch it again",
                    path));
  }
  for (int64_t i = 0; i < gguf_get_n_tensors(gguf); ++i) {
    const char* name = gguf_get_tensor_name(gguf, i);
    const ggml_tensor* meta = ggml_get_tensor(file.handle_->ggml, name);
    file.tensors_.push_back({.name = name,
                             .shape = std::vector<int64_t>(meta->ne, meta->ne + ggml_n_dims(meta)),
                             .type = ggml_type_name(meta->type),
                             .offset = gguf_get_data_offset(gguf) + gguf_get_tensor_offset(gguf, i),
                             .bytes = ggml_nbytes(meta)});
    const Tensor& tensor = file.tensors_.back();
    if (tensor.offset + tensor.bytes > file.file_bytes_) {
      return Fail(
          ErrorCode::kInvalidData,
          fmt::format("{}: truncated GGUF file: tensor {} ends at byte {}, the file at {}; fetch it again",
                      path, tensor.name, tensor.offset + tensor.bytes, file.file_bytes_));
    }
  }
  return file;
}

std::optional<std::string> GgufFile::String(const std::string& key) const {
  const int64_t id = gguf_find_key(handle_->gguf, key.c_str());
  if (id < 0 || gguf_get_kv_type(handle_->gguf, id) != GGUF_TYPE_STRING) return std::nullopt;
  return gguf_get_val_str(handle_->gguf, id);
}

std::optional<double> GgufFile::Number(const std::string& key) const {
  const int64_t id = gguf_find_key(handle_->gguf, key.c_str());
  if (id < 0) return std::nullopt;
  switch (gguf_get_kv_type(handle_->gguf, id)) {
    case GGUF_TYPE_FLOAT32:
      return gguf_get_val_f32(handle_->gguf, id);
    case GGUF_TYPE_FLOAT64:
      return gguf_get_val_f64(handle_->gguf, id);
    default:
      break;
  }
  if (const auto integer = Integer(key)) return static_cast<double>(*integer);
  return std::nullopt;
}

std::optional<int64_t> GgufFile::Integer(const std::string& key) const {
  const gguf_context* gguf = handle_->gguf;
  const int64_t id = gguf_find_key(gguf, key.c_str());
  if (id < 0) return std::nullopt;
  switch (gguf_get_kv_type(gguf, id)) {
    case GGUF_TYPE_UINT8:
      return gguf_get_val_u8(gguf, id);
    case GGUF_TYPE_INT8:
      return gguf_get_val_i8(gguf, id);
    case GGUF_TYPE_UINT16:
      return gguf_get_val_u16(gguf, id);
    case GGUF_TYPE_INT16:
      return gguf_get_val_i16(gguf, id);
    case GGUF_TYPE_UINT32:
      return gguf_get_val_u32(gguf, id);
    case GGUF_TYPE_INT32:
      return gguf_get_val_i32(gguf, id);
    case GGUF_TYPE_UINT64:
      return static_cast<int64_t>(gguf_get_val_u64(gguf, id));
    case GGUF_TYPE_INT64:
      return gguf_get_val_i64(gguf, id);
    case GGUF_TYPE_ARRAY: {  // a value a layer: the largest is what memory must be planned for
      if (gguf_get_arr_type(gguf, id) != GGUF_TYPE_INT32 && gguf_get_arr_type(gguf, id) != GGUF_TYPE_UINT32) {
        return std::nullopt;
      }
      const auto* values = static_cast<const int32_t*>(gguf_get_arr_data(gguf, id));
      const size_t count = gguf_get_arr_n(gguf, id);
      if (count == 0) return std::nullopt;
      return *std::max_element(values, values + count);
    }
    default:
      return std::nullopt;
  }
}

std::optional<bool> GgufFile::Boolean(const std::string& key) const {
  const int64_t id = gguf_find_key(handle_->gguf, key.c_str());
  if (id < 0 || gguf_get_kv_type(handle_->gguf, id) != GGUF_TYPE_BOOL) return std::nullopt;
  return gguf_get_val_bool(handle_->gguf, id);
}

std::vector<std::string> GgufFile::Strings(const std::string& key) const {
  std::vector<std::string> out;
  const gguf_context* gguf = handle_->gguf;
  const int64_t id = gguf_find_key(gguf, key.c_str());
  if (id < 0 || gguf_get_kv_type(gguf, id) != GGUF_TYPE_ARRAY ||
      gguf_get_arr_type(gguf, id) != GGUF_TYPE_STRING) {
    return out;
  }
  const size_t count = gguf_get_arr_n(gguf, id);
  out.reserve(count);
  for (size_t i = 0; i < count; ++i) out.emplace_back(gguf_get_arr_str(gguf, id, i));
  return out;
}

std::vector<float> GgufFile::Floats(const std::string& key) const {
  const gguf_context* gguf = handle_->gguf;
  const int64_t id = gguf_find_key(gguf, key.c_str());
  if (id < 0 || gguf_get_kv_type(gguf, id) != GGUF_TYPE_ARRAY ||
      gguf_get_arr_type(gguf, id) != GGUF_TYPE_FLOAT32) {
    return {};
  }
  const auto* values = static_cast<const float*>(gguf_get_arr_data(gguf, id));
  return {values, values + gguf_get_arr_n(gguf, id)};
}

std::vector<std::pair<std::string, std::string>> GgufFile::Describe() const {
  std::vector<std::pair<std::string, std::string>> out;
  for (int64_t i = 0; i < gguf_get_n_kv(handle_->gguf); ++i) {
    out.emplace_back(gguf_get_key(handle_->gguf, i), tessy::Describe(handle_->gguf, i));
  }
  return out;
}

const GgufFile::Tensor* GgufFile::Find(const std::string& tensor_name) const {
  const auto it = std::find_if(tensors_.begin(), tensors_.end(),
                               [&](const Tensor& tensor) { return tensor.name == tensor_name; });
  return it == tensors_.end() ? nullptr : &*it;
}

Result<std::vector<uint8_t>> GgufFile::ReadBytes(const Tensor& tensor) const {
  std::ifstream stream(path_, std::ios::binary);
  std::vector<uint8_t> bytes(tensor.bytes);
  stream.seekg(static_cast<std::streamoff>(tensor.offset));
  if (!stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()))) {
    return Fail(ErrorCode::kIo, fmt::format("{}: tensor {} cannot be read", path_, tensor.name));
  }
  return bytes;
}

Result<std::vector<float>> GgufFile::ReadFloats(const Tensor& tensor) const {
  auto bytes = ReadBytes(tensor);
  if (!bytes) return tl::unexpected(bytes.error());
  const ggml_tensor* meta = ggml_get_tensor(handle_->ggml, tensor.name.c_str());
  std::vector<float> values(static_cast<size_t>(ggml_nelements(meta)));
  if (meta->type == GGML_TYPE_F32) {
    std::memcpy(values.data(), bytes->data(), bytes->size());
    return values;
  }
  const ggml_type_traits* traits = ggml_get_type_traits(meta->type);
  if (traits->to_float == nullptr) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: tensor {} has type {}, which cannot be read as numbers", path_, tensor.name,
                            tensor.type));
  }
  traits->to_float(bytes->data(), values.data(), ggml_nelements(meta));
  return values;
}

uint64_t GgufFile::vocabulary_fingerprint() const {
  uint64_t hash = HashBytes(String("tokenizer.ggml.model").value_or(""));
  hash = HashBytes(String("tokenizer.ggml.pre").value_or(""), hash);
  for (const char* key : {"tokenizer.ggml.tokens", "tokenizer.ggml.merges"}) {
    for (const std::string& entry : Strings(key)) hash = HashBytes(entry, hash);
  }
  return hash;
}

uint64_t GgufFile::cache_values_per_token() const {
  const int64_t heads = std::max<int64_t>(1, ArchInteger("attention.head_count").value_or(1));
  const int64_t head_width = ArchInteger("embedding_length").value_or(0) / heads;
  const int64_t kv_heads = ArchInteger("attention.head_count_kv").value_or(heads);
  const int64_t key = ArchInteger("attention.key_length").value_or(head_width);
  const int64_t value = ArchInteger("attention.value_length").value_or(head_width);
  return static_cast<uint64_t>(ArchInteger("block_count").value_or(0) * kv_heads * (key + value));
}

uint64_t GgufFile::content_fingerprint() const {
  constexpr uint64_t kBlocks = 64;
  constexpr size_t kBlockBytes = 4096;
  std::ifstream stream(path_, std::ios::binary);
  std::string block(kBlockBytes, '\0');
  uint64_t hash = file_bytes_;
  for (uint64_t i = 0; i < kBlocks; ++i) {
    stream.clear();
    stream.seekg(static_cast<std::streamoff>(file_bytes_ / kBlocks * i));
    stream.read(block.data(), static_cast<std::streamsize>(block.size()));
    hash = HashBytes(std::string_view(block).substr(0, static_cast<size_t>(stream.gcount())), hash);
  }
  return hash;
}

}  // namespace tessy
