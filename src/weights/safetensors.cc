#include "weights/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>

#include "base/file_text.h"
#include "base/json_depth.h"
#include "base/readable_file.h"
#include "weights/number_types.h"
#include "weights/qwen3.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;
using Tensor = SafetensorsFile::Tensor;

constexpr uint64_t kHeaderLengthBytes = 8;
constexpr uint64_t kHeaderMax = 100'000'000;  // the format's own limit
constexpr uint64_t kAlignment = 8;

constexpr std::array<std::pair<std::string_view, uint64_t>, 13> kTypeBytes{{{"F64", 8},
                                                                            {"F32", 4},
                                                                            {"F16", 2},
                                                                            {"BF16", 2},
                                                                            {"I64", 8},
                                                                            {"I32", 4},
                                                                            {"I16", 2},
                                                                            {"I8", 1},
                                                                            {"U64", 8},
                                                                            {"U32", 4},
                                                                            {"U16", 2},
                                                                            {"U8", 1},
                                                                            {"BOOL", 1}}};

uint64_t BytesOfType(std::string_view type) {
  for (const auto& [name, bytes] : kTypeBytes) {
    if (name == type) return bytes;
  }
  return 0;
}

std::string_view TypeName(WeightType type) {
  switch (type) {
    case WeightType::kF32:
      return "F32";
    case WeightType::kF16:
      return "F16";
    case WeightType::kBF16:
      return "BF16";
  }
  return "";
}

std::optional<WeightType> FloatTypeOf(std::string_view type) {
  for (const WeightType known : {WeightType::kF32, WeightType::kF16, WeightType::kBF16}) {
    if (TypeName(known) == type) return known;
  }
  return std::nullopt;
}

uint64_t LittleEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::string LittleEndian(uint64_t value) {
  std::string bytes;
  for (uint64_t i = 0; i < kHeaderLengthBytes; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

// The bytes that a tensor of this shape takes; empty if the number overflows.
std::optional<uint64_t> SizeOf(const std::vector<int64_t>& shape, uint64_t bytes_each) {
  uint64_t size = bytes_each;
  for (const int64_t n : shape) {
    if (__builtin_mul_overflow(size, static_cast<uint64_t>(n), &size)) return std::nullopt;
  }
  return size;
}

// Reads one entry of the header; returns the reason if the entry cannot be used.
Result<Tensor> ParseTensor(const std::string& name, const Json& entry, uint64_t data_begin,
                           uint64_t data_size) {
  const auto bad = [&](std::string_view reason) {
    return Fail(ErrorCode::kInvalidData, fmt::format("tensor {}: {}", name, reason));
  };
  const auto whole = [](const Json& list) {
    return list.is_array() && std::all_of(list.begin(), list.end(), [](const Json& n) {
             return n.is_number_unsigned() && n.get<uint64_t>() <= uint64_t{1} << 62;
           });
  };
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string() ||
      !entry.contains("shape") || !whole(entry["shape"]) || !entry.contains("data_offsets") ||
      !whole(entry["data_offsets"]) || entry["data_offsets"].size() != 2) {
    return bad("the header does not say dtype, shape and data_offsets");
  }
  Tensor tensor{.name = name,
                .type = entry["dtype"].get<std::string>(),
                .shape = entry["shape"].get<std::vector<int64_t>>(),
                .begin = entry["data_offsets"][0].get<uint64_t>(),
                .end = entry["data_offsets"][1].get<uint64_t>()};
  if (tensor.begin > tensor.end || tensor.end > data_size) return bad("its bytes are not all in the file");
  const uint64_t each = BytesOfType(tensor.type);
  if (each == 0) return bad(fmt::format("type {} is not known", tensor.type));
  const auto size = SizeOf(tensor.shape, each);
  if (!size || *size != tensor.end - tensor.begin) {
    return bad(fmt::format("it has {} bytes, but shape {} of type {} takes {}", tensor.end - tensor.begin,
                           Describe(tensor.shape), tensor.type,
                           size ? fmt::format("{}", *size) : std::string("more than can be counted")));
  }
  tensor.begin += data_begin;
  tensor.end += data_begin;
  return tensor;
}

struct Header {
  std::vector<Tensor> tensors;
  Metadata metadata;
};

// Reads entries whose values are texts. The format allows no others, and nothing depends on others.
Metadata MetadataOf(const Json& json) {
  Metadata metadata;
  if (!json.contains("__metadata__")) return metadata;
  for (const auto& [key, value] : json["__metadata__"].items()) {
    if (value.is_string()) metadata.emplace_back(key, value.get<std::string>());
  }
  return metadata;
}

Result<Header> ParseHeader(std::string_view header, uint64_t data_begin, uint64_t data_size) {
  // The parser keeps the last of two equal keys, but the format does not allow equal keys.
  std::set<std::string> names;
  bool twice = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth == 1 && event == Json::parse_event_t::key)
      twice |= !names.insert(parsed.get<std::string>()).second;
    return true;
  };
  if (NestsDeeperThan(header, kNestingMax)) {
    return Fail(ErrorCode::kInvalidData, "its header is nested too deeply");
  }
  const Json json = Json::parse(header, watch, false);
  if (!json.is_object()) return Fail(ErrorCode::kInvalidData, "its header is not JSON");
  if (twice) return Fail(ErrorCode::kInvalidData, "its header names a tensor twice");
  std::vector<Tensor> tensors;
  for (const auto& [name, entry] : json.items()) {
    if (name == "__metadata__") continue;
    auto tensor = ParseTensor(name, entry, data_begin, data_size);
    if (!tensor) return tl::unexpected(tensor.error());
    tensors.push_back(std::move(*tensor));
  }
  std::sort(tensors.begin(), tensors.end(), [](const Tensor& a, const Tensor& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  uint64_t at = data_begin;
  for (const Tensor& tensor : tensors) {
    if (tensor.begin != at) {
      return Fail(ErrorCode::kInvalidData, fmt::format("tensor {}: there is {} before it", tensor.name,
                                                       tensor.begin > at ? "a gap" : "an overlap"));
    }
    at = tensor.end;
  }
  if (at != data_begin + data_size) return Fail(ErrorCode::kInvalidData, "bytes follow its last tensor");
  return Header{.tensors = std::move(tensors), .metadata = MetadataOf(json)};
}

tl::unexpected<Error> CannotWrite(const std::string& path) {
  return Fail(ErrorCode::kIo, fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
}

std::string HeaderOf(std::span<const TensorSpec> tensors, WeightType matrices, const Metadata& metadata) {
  // transformers requires this entry, which says that the tensors are PyTorch's.
  Json header{{"__metadata__", {{"format", "pt"}}}};
  for (const auto& [key, value] : metadata) header["__metadata__"][key] = value;
  uint64_t at = 0;
  for (const TensorSpec& tensor : tensors) {
    const WeightType type = StoredAs(tensor, matrices);
    const uint64_t end = at + ElementsOf(tensor) * BytesOf(type);
    header[tensor.name] = {{"dtype", TypeName(type)}, {"shape", tensor.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump();
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  return text;
}

Status WriteTensors(const std::string& path, std::span<const TensorSpec> tensors, const TensorReader& read,
                    WeightType type, const Metadata& metadata) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  const std::string header = HeaderOf(tensors, type, metadata);
  stream << LittleEndian(header.size()) << header;
  for (const TensorSpec& tensor : tensors) {
    auto values = read(tensor);
    if (!values) return tl::unexpected(values.error());
    stream << EncodeNumbers(*values, StoredAs(tensor, type));
    if (!stream) return CannotWrite(path);
  }
  stream.flush();
  if (!stream) return CannotWrite(path);
  return {};
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::Open(const std::string& path) {
  const auto bad = [&](std::string_view reason) {
    return Fail(ErrorCode::kInvalidData, fmt::format("{}: not a safetensors file: {}", path, reason));
  };
  if (auto readable = CheckReadable(path); !readable) return tl::unexpected(readable.error());
  std::error_code status;
  if (!std::filesystem::is_regular_file(path, status)) {
    return Fail(ErrorCode::kNotFound, fmt::format("{}: no such file", path));
  }
  const uint64_t size = std::filesystem::file_size(path, status);
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return Fail(ErrorCode::kIo, fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  std::string length_bytes(kHeaderLengthBytes, '\0');
  if (size < kHeaderLengthBytes || !stream.read(length_bytes.data(), kHeaderLengthBytes))
    return bad("too short");
  std::string begin(64, '\0');
  stream.seekg(0);
  stream.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  if (IsLfsPointer(begin)) return Fail(ErrorCode::kInvalidData, fmt::format("{}: {}", path, kLfsPointer));
  stream.clear();
  stream.seekg(kHeaderLengthBytes);
  const uint64_t length = LittleEndian(length_bytes);
  if (length > kHeaderMax || length > size - kHeaderLengthBytes) {
    return bad(fmt::format("its header of {} bytes is not all there", length));
  }
  std::string header(length, '\0');
  if (!stream.read(header.data(), static_cast<std::streamsize>(length)))
    return bad("its header cannot be read");
  const uint64_t data_begin = kHeaderLengthBytes + length;
  auto parsed = ParseHeader(header, data_begin, size - data_begin);
  if (!parsed) return bad(parsed.error().message);
  SafetensorsFile file;
  file.path_ = path;
  file.tensors_ = std::move(parsed->tensors);
  file.metadata_ = std::move(parsed->metadata);
  return file;
}

const Tensor* SafetensorsFile::Find(const std::string& name) const {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [&](const Tensor& tensor) { return tensor.name == name; });
  return found == tensors_.end() ? nullptr : &*found;
}

Result<std::string> SafetensorsFile::ReadBytes(const Tensor& tensor) const {
  std::ifstream stream(path_, std::ios::binary);
  std::string bytes(tensor.end - tensor.begin, '\0');
  stream.seekg(static_cast<std::streamoff>(tensor.begin));
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    return Fail(ErrorCode::kIo, fmt::format("{}: tensor {} cannot be read", path_, tensor.name));
  }
  return bytes;
}

Result<std::vector<float>> SafetensorsFile::ReadFloats(const Tensor& tensor) const {
  const auto type = FloatTypeOf(tensor.type);
  if (!type) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: tensor {} has type {}; F32, F16 and BF16 can be read", path_, tensor.name,
                            tensor.type));
  }
  return ReadBytes(tensor).map([&](const std::string& bytes) { return DecodeNumbers(bytes, *type); });
}

Result<std::vector<int64_t>> SafetensorsFile::ReadIntegers(const Tensor& tensor) const {
  if (tensor.type != "I64" && tensor.type != "I32") {
    return Fail(ErrorCode::kInvalidData, fmt::format("{}: tensor {} has type {}; I64 and I32 can be read",
                                                     path_, tensor.name, tensor.type));
  }
  const uint64_t each = BytesOfType(tensor.type);
  return ReadBytes(tensor).map([&](const std::string& bytes) {
    std::vector<int64_t> values;
    for (size_t at = 0; at < bytes.size(); at += each) {
      const uint64_t value = LittleEndian(std::string_view(bytes).substr(at, each));
      values.push_back(each == 4 ? static_cast<int32_t>(value) : static_cast<int64_t>(value));
    }
    return values;
  });
}

Status WriteSafetensors(const std::string& path, std::span<const TensorSpec> tensors,
                        const TensorReader& read, WeightType type, const Metadata& metadata) {
  const std::string temporary = path + ".tmp";
  auto status = WriteTensors(temporary, tensors, read, type, metadata);
  if (status && std::rename(temporary.c_str(), path.c_str()) != 0) status = CannotWrite(path);
  std::error_code ignored;
  if (!status) std::filesystem::remove(temporary, ignored);
  return status;
}

}  // namespace tessy
