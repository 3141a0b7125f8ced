#include "model/text/gguf_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string_view>

#include "base/file_text.h"
#include "base/random.h"
#include "base/readable_file.h"
#include "ggml.h"
#include "gguf.h"
#include "model/text/gguf_check.h"
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

constexpr const char* kSplitCount = "split.count";
constexpr const char* kSplitNumber = "split.no";  // from 0

// "big-00002-of-00003.gguf"
struct SplitName {
  std::string prefix;
  int number = 0;  // from 1
  int count = 0;
};

std::string PartName(const std::string& prefix, int number, int count) {
  return fmt::format("{}-{:05}-of-{:05}.gguf", prefix, number, count);
}

std::optional<SplitName> SplitNameOf(const std::string& path) {
  constexpr size_t kDigits = 5;
  const size_t tail = PartName("", 1, 1).size();
  if (path.size() <= tail) return std::nullopt;
  SplitName name{.prefix = path.substr(0, path.size() - tail)};
  const std::string_view rest = std::string_view(path).substr(name.prefix.size());
  const auto number = [&](size_t at, int& value) {
    const char* begin = rest.data() + at;
    const auto [end, error] = std::from_chars(begin, begin + kDigits, value);
    return error == std::errc() && end == begin + kDigits && value > 0;
  };
  if (!number(1, name.number) || !number(rest.find("-of-") + 4, name.count)) return std::nullopt;
  if (path != PartName(name.prefix, name.number, name.count)) return std::nullopt;
  return name;
}

Status CheckIsGguf(const std::string& path) {
  std::error_code status;
  if (!std::filesystem::exists(path, status)) {
    return Fail(ErrorCode::kNotFound, fmt::format("{}: no such model file", path));
  }
  if (auto readable = CheckReadable(path); !readable) return readable;
  // A model is read at any place of its file, so a pipe will not do, be it open already.
  if (!std::filesystem::is_regular_file(path, status)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: is a pipe or device; give a .gguf file", path));
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return Fail(ErrorCode::kIo, fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  std::string begin(64, '\0');
  stream.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  begin.resize(static_cast<size_t>(stream.gcount()));
  if (begin.starts_with("GGUF")) return {};
  if (IsLfsPointer(begin)) return Fail(ErrorCode::kInvalidData, fmt::format("{}: {}", path, kLfsPointer));
  return Fail(
      ErrorCode::kInvalidData,
      fmt::format("{}: not a GGUF file (it does not begin with \"GGUF\"); convert the model first", path));
}

}  // namespace

GgufFile::Handle::~Handle() {
  if (gguf != nullptr) gguf_free(gguf);
  if (ggml != nullptr) ggml_free(ggml);
}

std::vector<std::string> GgufPartsOf(const std::string& path) {
  const auto split = SplitNameOf(path);
  if (!split || split->number != 1) return {path};
  std::vector<std::string> paths;
  for (int i = 1; i <= split->count; ++i) paths.push_back(PartName(split->prefix, i, split->count));
  return paths;
}

Result<GgufFile> GgufFile::Open(const std::string& path) {
  auto file = OpenOne(path);
  if (!file) return file;
  const int64_t count = file->Integer(kSplitCount).value_or(1);
  if (const int64_t number = file->Integer(kSplitNumber).value_or(0); count > 1 && number > 0) {
    const auto split = SplitNameOf(path);
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: is part {} of {} of a split model; name the first{}", path, number + 1,
                            count, split ? ", " + PartName(split->prefix, 1, split->count) : ""));
  }
  if (auto status = count > 1 ? file->AddParts() : Status(); !status) return tl::unexpected(status.error());
  if (auto status = CheckGgufValues(*file); !status) return tl::unexpected(status.error());
  return file;
}

// llama.cpp finds the other parts by their names, too.
Status GgufFile::AddParts() {
  const std::string first = path();
  const int64_t count = Integer(kSplitCount).value_or(1);
  const auto split = SplitNameOf(first);
  if (!split || split->number != 1 || split->count != count) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: is the first of the {} parts of a split model, and must be named so: "
                            "NAME-00001-of-{:05}.gguf",
                            first, count, count));
  }
  for (int i = 2; i <= split->count; ++i) {
    const std::string path = PartName(split->prefix, i, split->count);
    auto part = OpenOne(path);
    if (!part) return tl::unexpected(part.error());
    if (part->Integer(kSplitNumber) != i - 1 || part->Integer(kSplitCount) != count) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}: is not part {} of {} of {}, as its name says", path, i, count, first));
    }
    for (Tensor& tensor : part->tensors_) {
      tensor.file = paths_.size();
      tensors_.push_back(std::move(tensor));
    }
    paths_.push_back(path);
    bytes_.push_back(part->bytes_.front());
  }
  return {};
}

Result<GgufFile> GgufFile::OpenOne(const std::string& path) {
  if (auto status = CheckIsGguf(path); !status) return tl::unexpected(status.error());
  QuietLlamaLog();
  GgufFile file;
  std::error_code status;
  file.paths_ = {path};
  file.bytes_ = {std::filesystem::file_size(path, status)};
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
    // Dimensions at the end that are not more than 1 are not counted, and 0 is such a one.
    if (ggml_nelements(meta) == 0) {
      return Fail(
          ErrorCode::kInvalidData,
          fmt::format("{}: damaged GGUF file: tensor {} has no elements; fetch it again", path, name));
    }
    file.tensors_.push_back({.name = name,
                             .shape = std::vector<int64_t>(meta->ne, meta->ne + ggml_n_dims(meta)),
                             .type = ggml_type_name(meta->type),
                             .type_id = meta->type,
                             .offset = gguf_get_data_offset(gguf) + gguf_get_tensor_offset(gguf, i),
                             .bytes = ggml_nbytes(meta)});
    const Tensor& tensor = file.tensors_.back();
    if (tensor.offset > file.bytes_.front() || tensor.bytes > file.bytes_.front() - tensor.offset) {
      return Fail(
          ErrorCode::kInvalidData,
          fmt::format("{}: truncated GGUF file: tensor {} ends at byte {}, the file at {}; fetch it again",
                      path, tensor.name, tensor.offset + tensor.bytes, file.bytes_.front()));
    }
  }
  return file;
}

uint64_t GgufFile::file_bytes() const { return std::accumulate(bytes_.begin(), bytes_.end(), uint64_t{0}); }

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

size_t GgufFile::Count(const std::string& key) const {
  const int64_t id = gguf_find_key(handle_->gguf, key.c_str());
  return id < 0 || gguf_get_kv_type(handle_->gguf, id) != GGUF_TYPE_ARRAY ? 0
                                                                          : gguf_get_arr_n(handle_->gguf, id);
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

std::vector<int64_t> GgufFile::Integers(const std::string& key) const {
  const gguf_context* gguf = handle_->gguf;
  const int64_t id = gguf_find_key(gguf, key.c_str());
  if (id < 0 || gguf_get_kv_type(gguf, id) != GGUF_TYPE_ARRAY) return {};
  const gguf_type type = gguf_get_arr_type(gguf, id);
  if (type != GGUF_TYPE_INT32 && type != GGUF_TYPE_UINT32) return {};
  const auto* values = static_cast<const int32_t*>(gguf_get_arr_data(gguf, id));
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
  const std::string& path = paths_[tensor.file];
  std::ifstream stream(path, std::ios::binary);
  std::vector<uint8_t> bytes(tensor.bytes);
  stream.seekg(static_cast<std::streamoff>(tensor.offset));
  if (!stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()))) {
    return Fail(ErrorCode::kIo, fmt::format("{}: tensor {} cannot be read", path, tensor.name));
  }
  return bytes;
}

Result<std::vector<float>> GgufFile::ReadFloats(const Tensor& tensor) const {
  auto bytes = ReadBytes(tensor);
  if (!bytes) return tl::unexpected(bytes.error());
  int64_t elements = 1;
  for (const int64_t n : tensor.shape) elements *= n;
  std::vector<float> values(static_cast<size_t>(elements));
  const auto type = static_cast<ggml_type>(tensor.type_id);
  if (type == GGML_TYPE_F32) {
    std::memcpy(values.data(), bytes->data(), bytes->size());
    return values;
  }
  const ggml_type_traits* traits = ggml_get_type_traits(type);
  if (traits->to_float == nullptr) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: tensor {} has type {}, which cannot be read as numbers", paths_[tensor.file],
                            tensor.name, tensor.type));
  }
  traits->to_float(bytes->data(), values.data(), elements);
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

std::vector<uint64_t> GgufFile::cache_values_by_layer() const {
  const int64_t heads = std::max<int64_t>(1, ArchInteger("attention.head_count").value_or(1));
  const int64_t head_width = ArchInteger("embedding_length").value_or(0) / heads;
  const int64_t key = ArchInteger("attention.key_length").value_or(head_width);
  const int64_t value = ArchInteger("attention.value_length").value_or(head_width);
  const std::string own_key = "attention.head_count_kv";
  // One number for all layers, or one for each.
  const std::string kv_key = ArchInteger(own_key) ? own_key : "attention.head_count";
  const int64_t kv_heads = ArchInteger(kv_key).value_or(heads);
  const std::vector<int64_t> kv_heads_by_layer = Integers(architecture() + "." + kv_key);
  const auto interval =
      static_cast<size_t>(std::max<int64_t>(1, ArchInteger("full_attention_interval").value_or(1)));
  std::vector<uint64_t> values(
      static_cast<size_t>(std::max<int64_t>(0, ArchInteger("block_count").value_or(0))));
  for (size_t i = 0; i < values.size(); ++i) {
    if ((i + 1) % interval != 0) continue;
    const int64_t here = i < kv_heads_by_layer.size() ? kv_heads_by_layer[i] : kv_heads;
    values[i] = static_cast<uint64_t>(std::max<int64_t>(0, here) * (key + value));
  }
  return values;
}

uint64_t GgufFile::cache_values_per_token() const {
  uint64_t sum = 0;
  for (const uint64_t values : cache_values_by_layer()) sum += values;
  return sum;
}

uint64_t GgufFile::content_fingerprint() const {
  constexpr uint64_t kBlocks = 64;
  constexpr size_t kBlockBytes = 4096;
  std::string block(kBlockBytes, '\0');
  uint64_t hash = 0;
  for (size_t part = 0; part < paths_.size(); ++part) {
    // Of a model in one file: as stored runs have it.
    hash = part == 0 ? bytes_[part] : HashBytes(std::to_string(bytes_[part]), hash);
    std::ifstream stream(paths_[part], std::ios::binary);
    for (uint64_t i = 0; i < kBlocks; ++i) {
      stream.clear();
      stream.seekg(static_cast<std::streamoff>(bytes_[part] / kBlocks * i));
      stream.read(block.data(), static_cast<std::streamsize>(block.size()));
      hash = HashBytes(std::string_view(block).substr(0, static_cast<size_t>(stream.gcount())), hash);
    }
  }
  return hash;
}

}  // namespace tessy
