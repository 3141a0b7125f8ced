#include "store/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <utility>

#include "base/file_text.h"
#include "base/links.h"
#include "base/readable_file.h"

namespace tessy {
namespace {

constexpr int kLooks = 5;
constexpr useconds_t kLookMicroseconds = 2000;

tl::unexpected<Error> SystemFailure(const std::string& path, const char* what) {
  return Fail(ErrorCode::kIo, fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
}

off_t SizeOf(int descriptor) {
  struct stat status {};
  return fstat(descriptor, &status) == 0 ? status.st_size : 0;
}

Status MakeFolderOf(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) return {};
  std::error_code status;
  std::filesystem::create_directories(folder, status);
  if (!status) return {};
  return Fail(ErrorCode::kIo, fmt::format("{}: its folder cannot be made: {}", path, status.message()));
}

std::atomic<bool> g_locks_are_missing{false};

void WarnOfMissingLocks(const std::string& path, int error) {
  g_locks_are_missing = true;
  static std::once_flag once;
  std::call_once(once, [&] {
    spdlog::warn("{}: its file system has no locks ({}): let no other tessy write to it meanwhile", path,
                 std::strerror(error));
  });
}

}  // namespace

bool LocksAreMissing() { return g_locks_are_missing; }

bool HasNoLocks(int error) { return error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP; }

Result<AppendFile> AppendFile::Open(const std::string& path) {
  if (auto made = MakeFolderOf(path); !made) return tl::unexpected(made.error());
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0644);
  if (descriptor < 0) return SystemFailure(path, "cannot be opened for writing");
  AppendFile file(path, descriptor);
  if (struct stat kind{}; fstat(descriptor, &kind) == 0 && !S_ISREG(kind.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: is not a regular file, so nothing could be resumed from it", path));
  }
  // Somebody who only looks (IsBeingWritten) has it for a moment.
  int locked = flock(descriptor, LOCK_EX | LOCK_NB);
  for (int i = 0; i < kLooks && locked != 0 && errno == EWOULDBLOCK; ++i) {
    usleep(kLookMicroseconds);
    locked = flock(descriptor, LOCK_EX | LOCK_NB);
  }
  if (locked == 0) return file;
  if (HasNoLocks(errno)) {
    WarnOfMissingLocks(path, errno);
    return file;
  }
  if (errno != EWOULDBLOCK) return SystemFailure(path, "cannot be locked");
  return Fail(ErrorCode::kConflict,
              fmt::format("{}: another tessy is writing to it; wait for it, or use another --out", path));
}

AppendFile::AppendFile(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor), expected_size_(size()) {}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      expected_size_(other.expected_size_) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(expected_size_, other.expected_size_);
  return *this;
}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

uint64_t AppendFile::size() const { return static_cast<uint64_t>(SizeOf(descriptor_)); }

bool AppendFile::EndsLineAt(uint64_t bytes) const {
  char last = 0;
  if (bytes == 0) return true;
  return pread(descriptor_, &last, 1, static_cast<off_t>(bytes - 1)) == 1 && last == '\n';
}

Status AppendFile::ForEachLine(const std::function<Status(std::string_view, size_t)>& line,
                               uint64_t from) const {
  std::ifstream stream(path_, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(from));
  if (!stream) return SystemFailure(path_, "cannot be read");
  std::string text;
  for (size_t number = 1; std::getline(stream, text); ++number) {
    if (stream.eof()) break;  // no newline: torn
    if (auto status = line(text, number); !status) return status;
  }
  return {};
}

Result<size_t> AppendFile::RepairTail() {
  constexpr off_t kBlock = 1 << 16;
  const off_t size = SizeOf(descriptor_);
  off_t end = size;
  std::string block(static_cast<size_t>(kBlock), '\0');
  while (end > 0) {
    const off_t begin = end > kBlock ? end - kBlock : 0;
    const ssize_t n = pread(descriptor_, block.data(), static_cast<size_t>(end - begin), begin);
    if (n != end - begin) return SystemFailure(path_, "cannot be read");
    const size_t newline = std::string_view(block).substr(0, static_cast<size_t>(n)).rfind('\n');
    if (newline != std::string_view::npos) {
      end = begin + static_cast<off_t>(newline) + 1;
      break;
    }
    end = begin;
  }
  if (end == size) return size_t{0};
  if (ftruncate(descriptor_, end) != 0) return SystemFailure(path_, "its torn last line cannot be cut off");
  expected_size_ = static_cast<uint64_t>(end);
  return static_cast<size_t>(size - end);
}

Status AppendFile::KeepLines(size_t count) {
  off_t end = 0;
  size_t lines = 0;
  auto status = ForEachLine([&](std::string_view line, size_t) -> Status {
    if (lines++ < count) end += static_cast<off_t>(line.size()) + 1;
    return {};
  });
  if (!status) return status;
  if (ftruncate(descriptor_, end) != 0) return SystemFailure(path_, "cannot be cut off");
  expected_size_ = static_cast<uint64_t>(end);
  return {};
}

Status AppendFile::CheckUntouched() const {
  const auto touched = [this](const std::string& what) {
    return Fail(
        ErrorCode::kConflict,
        fmt::format("{}: {} while this run wrote to it; lines that are missing there are written anew by "
                    "the same command",
                    path_, what));
  };
  struct stat ours {};
  struct stat named {};
  if (fstat(descriptor_, &ours) != 0) return SystemFailure(path_, "cannot be looked at");
  if (stat(path_.c_str(), &named) != 0) return touched("was removed or renamed");
  if (ours.st_dev != named.st_dev || ours.st_ino != named.st_ino)
    return touched("was replaced by another file");
  if (static_cast<uint64_t>(ours.st_size) == expected_size_) return {};
  return touched(
      fmt::format("was changed by somebody else (it has {} bytes, not {})", ours.st_size, expected_size_));
}

Status AppendFile::Append(std::string_view line) {
  if (auto status = CheckUntouched(); !status) return status;
  std::string record(line);
  record += '\n';
  const auto before = static_cast<off_t>(expected_size_);
  size_t written = 0;
  while (written < record.size()) {
    const ssize_t n = write(descriptor_, record.data() + written, record.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int reason = errno;
      // What cannot be taken back now is cut off when the file is opened again.
      if (ftruncate(descriptor_, before) != 0) errno = reason;
      errno = reason;
      return SystemFailure(path_, "cannot be written");
    }
    written += static_cast<size_t>(n);
  }
  expected_size_ += record.size();
  return {};
}

bool IsBeingWritten(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe would wait
  if (descriptor < 0) return false;
  const bool held = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(descriptor);
  return held;
}

Status WriteWhole(const std::string& name, std::string_view content) {
  const std::string path = BehindLinks(name);
  if (auto made = MakeFolderOf(path); !made) return made;
  const std::string temporary = path + ".tmp";
  {
    std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
    stream.write(content.data(), static_cast<std::streamsize>(content.size()));
    stream.flush();
    if (!stream) return SystemFailure(temporary, "cannot be written");
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return SystemFailure(path, "cannot be written");
  return {};
}

Result<std::string> ReadWhole(const std::string& path) {
  if (auto status = CheckReadable(path); !status) return tl::unexpected(status.error());
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return Fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  }
  std::ostringstream content;
  content << stream.rdbuf();
  return std::move(content).str();
}

Result<std::string> ReadText(const std::string& path) { return ReadWhole(path).map(AsPlainText); }

}  // namespace tessy
