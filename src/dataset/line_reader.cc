#include "dataset/line_reader.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace tessy {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kBlank = " \t\r";

}  // namespace

void LineReader::Close::operator()(std::FILE* file) const {
  if (file != stdin) std::fclose(file);
}

Result<LineReader> LineReader::Open(std::string path) {
  if (path == "-") return LineReader("standard input", stdin);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: is a directory, not a JSON-lines file", path));
  }
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file != nullptr) return LineReader(std::move(path), file);
  const int reason = errno;
  return Fail(reason == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
              fmt::format("{}: cannot be read: {}", path, std::strerror(reason)));
}

Result<std::optional<std::string_view>> LineReader::Next() {
  while (auto line = NextRaw()) {
    if (line->find_first_not_of(kBlank) != std::string_view::npos) return line;
  }
  if (std::ferror(file_.get()) != 0) {
    return Fail(ErrorCode::kIo, fmt::format("{}: reading stopped: {}", Where(), std::strerror(errno)));
  }
  return std::nullopt;
}

std::optional<std::string_view> LineReader::NextRaw() {
  char* buffer = buffer_.release();
  const ssize_t size = ::getline(&buffer, &capacity_, file_.get());
  buffer_.reset(buffer);
  if (size < 0) return std::nullopt;
  std::string_view line(buffer, static_cast<size_t>(size));
  if (++line_ == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string LineReader::Where() const { return fmt::format("{}:{}", name_, line_); }

}  // namespace tessy
