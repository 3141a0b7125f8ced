#include "job/identity.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/random.h"
#include "base/readable_file.h"
#include "dataset/tables/table_files.h"
#include "model/openai/server_address.h"
#include "model/text/gguf_file.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

Json Identity(const std::string& path, uint64_t fingerprint) {
  return {{"file", FileName(path)}, {"fingerprint", fmt::format("{:016x}", fingerprint)}};
}

// HashBytes of what is in it, which may be larger than the memory.
Result<uint64_t> HashOfFile(const std::string& path) {
  constexpr size_t kPortion = 1 << 20;
  if (auto readable = CheckReadable(path); !readable) return tl::unexpected(readable.error());
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  }
  BytesHash hash;
  std::string portion(kPortion, '\0');
  while (file) {
    file.read(portion.data(), static_cast<std::streamsize>(portion.size()));
    hash.Add(std::string_view(portion).substr(0, static_cast<size_t>(file.gcount())));
  }
  if (file.bad()) return Fail(ErrorCode::kIo, fmt::format("{}: cannot be read to its end", path));
  return hash.value();
}

}  // namespace

std::string FileName(const std::string& path) {
  const std::filesystem::path whole(path);
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

std::string ModelName(const std::string& spec) { return IsServerAddress(spec) ? spec : FileName(spec); }

Result<Json> IdentityOfModel(const std::string& path) {
  return GgufFile::Open(path).map(
      [&](const GgufFile& file) { return Identity(path, file.content_fingerprint()); });
}

Result<Json> IdentityOfData(const std::string& path) {
  if (auto readable = CheckReadable(path); !readable) return tl::unexpected(readable.error());
  std::error_code status;
  if (std::filesystem::exists(path, status) && !std::filesystem::is_regular_file(path, status)) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "{}: is read more than once, so that it must be a file; write what the pipe gives into one",
            path));
  }
  return HashOfFile(path).map([&](uint64_t hash) { return Identity(path, hash); });
}

Result<Json> IdentityOfTable(const std::string& name) {
  if (!IsSeveralFiles(name)) return IdentityOfData(name);
  const auto files = TableFiles(name);
  if (!files) return tl::unexpected(files.error());
  std::vector<uint64_t> parts;
  for (const std::string& file : *files) {
    const auto hash = HashOfFile(file);
    if (!hash) return tl::unexpected(hash.error());
    parts.insert(parts.end(), {HashBytes(FileName(file)), *hash});
  }
  return Identity(name, HashParts(parts));
}

}  // namespace tessy
