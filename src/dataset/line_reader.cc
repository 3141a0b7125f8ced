#include "dataset/line_reader.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/readable_file.h"
#include "dataset/tables/byte_stream.h"
#include "dataset/tables/spool.h"
#include "dataset/tables/table_files.h"
#include "dataset/tables/table_reader.h"

namespace tessy {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kBufferBytes = 1 << 18;
constexpr std::string_view kBlank = " \t\r";

bool IsRegularFile(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// True for all that is not one file of plain lines. A pipe must not be looked at: what is read from it is
// gone.
Result<bool> IsTable(const std::string& path) {
  if (IsSeveralFiles(path)) return true;
  if (!IsRegularFile(path)) return false;
  return OpenBytes(path).map([](const OpenedFile& file) { return file.kind != FileKind::kPlain; });
}

// The rows of a table as lines, in a file without a name: its lines are read at any place, as often as asked.
Result<std::FILE*> LinesOf(const std::string& path) {
  auto table = TableReader::Open(path);
  if (!table) return tl::unexpected(table.error());
  auto spool = Spool::Make();
  if (!spool) return tl::unexpected(spool.error());
  while (true) {
    const auto row = table->Next();
    if (!row) return tl::unexpected(row.error());
    if (!*row) break;
    for (const std::string_view part : {**row, std::string_view("\n")}) {
      if (auto status = spool->Append(part); !status) return tl::unexpected(status.error());
    }
  }
  const auto descriptor = spool->Release();
  if (!descriptor) return tl::unexpected(descriptor.error());
  return ::fdopen(*descriptor, "re");
}

}  // namespace

void LineReader::Close::operator()(std::FILE* file) const {
  if (file != stdin) std::fclose(file);
}

Result<LineReader> LineReader::Open(std::string path) {
  if (path == "-") return LineReader("standard input", stdin);
  const auto is_table = IsTable(path);
  if (!is_table) return tl::unexpected(is_table.error());
  std::FILE* file = nullptr;
  if (*is_table) {
    const auto lines = LinesOf(path);
    if (!lines) return tl::unexpected(lines.error());
    file = *lines;
  } else {
    if (auto status = CheckReadable(path); !status) return tl::unexpected(status.error());
    file = std::fopen(path.c_str(), "re");
  }
  if (file != nullptr) {
    std::setvbuf(file, nullptr, _IOFBF, kBufferBytes);
    return LineReader(std::move(path), file);
  }
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
  offset_ = next_offset_;
  next_offset_ += line.size();
  if (++line_ == 1 && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
    offset_ += kByteOrderMark.size();
  }
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool LineReader::rereadable() const {
  struct stat status {};
  return file_.get() != stdin && ::fstat(::fileno(file_.get()), &status) == 0 && S_ISREG(status.st_mode);
}

Result<std::string> LineReader::ReadAt(uint64_t offset, size_t bytes) const {
  std::string text(bytes, '\0');
  size_t there = 0;
  while (there < bytes) {
    const ssize_t n = ::pread(::fileno(file_.get()), text.data() + there, bytes - there,
                              static_cast<off_t>(offset + there));
    if (n == 0) break;
    if (n < 0 && errno != EINTR) {
      return Fail(ErrorCode::kIo, fmt::format("{}: reading stopped: {}", name_, std::strerror(errno)));
    }
    there += n > 0 ? static_cast<size_t>(n) : 0;
  }
  text.resize(there);
  return text;
}

std::string LineReader::Where() const { return fmt::format("{}:{}", name_, line_); }

}  // namespace tessy
