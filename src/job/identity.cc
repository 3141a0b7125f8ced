#include "job/identity.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "base/readable_file.h"
#include "model/openai/server_address.h"
#include "model/text/gguf_file.h"
#include "store/append_file.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

Json Identity(const std::string& path, uint64_t fingerprint) {
  return {{"file", FileName(path)}, {"fingerprint", fmt::format("{:016x}", fingerprint)}};
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
  return ReadWhole(path).map([&](const std::string& text) { return Identity(path, HashBytes(text)); });
}

}  // namespace tessy
