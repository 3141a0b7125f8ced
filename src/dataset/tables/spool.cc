#include "dataset/tables/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace tessy {
namespace {

constexpr size_t kBufferBytes = 1 << 18;

std::string DefaultFolder() {
  const char* given = std::getenv("TMPDIR");
  return given != nullptr && *given != '\0' ? given : "/tmp";
}

tl::unexpected<Error> Failure(const std::string& folder, const char* what) {
  return Fail(ErrorCode::kIo,
              fmt::format("{}: a temporary file there {}: {}", folder, what, std::strerror(errno)));
}

}  // namespace

Result<Spool> Spool::Make(const std::string& given) {
  const std::string folder = given.empty() ? DefaultFolder() : given;
  int descriptor = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor < 0) {  // not every file system has files without a name
    std::string name = folder + "/tessy-XXXXXX";
    descriptor = mkostemp(name.data(), O_CLOEXEC);
    if (descriptor < 0) return Failure(folder, "cannot be made");
    unlink(name.c_str());
  }
  return Spool(descriptor, folder);
}

Spool::Spool(Spool&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      folder_(std::move(other.folder_)),
      buffer_(std::move(other.buffer_)),
      written_(other.written_) {}

Spool& Spool::operator=(Spool&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(folder_, other.folder_);
  std::swap(buffer_, other.buffer_);
  std::swap(written_, other.written_);
  return *this;
}

Spool::~Spool() {
  if (descriptor_ >= 0) close(descriptor_);
}

Result<uint64_t> Spool::Append(std::string_view text) {
  const uint64_t begin = written_ + buffer_.size();
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) {
    if (auto status = Flush(); !status) return tl::unexpected(status.error());
  }
  return begin;
}

Status Spool::Flush() {
  size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t count = pwrite(descriptor_, buffer_.data() + done, buffer_.size() - done,
                                 static_cast<off_t>(written_ + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failure(folder_, "cannot be written");
    done += static_cast<size_t>(count);
  }
  written_ += buffer_.size();
  buffer_.clear();
  return {};
}

Result<std::string> Spool::Read(uint64_t offset, size_t bytes) {
  if (auto status = Flush(); !status) return tl::unexpected(status.error());
  std::string text(bytes, '\0');
  size_t done = 0;
  while (done < bytes) {
    const ssize_t count =
        pread(descriptor_, text.data() + done, bytes - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Failure(folder_, "cannot be read");
    done += static_cast<size_t>(count);
  }
  return text;
}

Result<int> Spool::Release() {
  if (auto status = Flush(); !status) return tl::unexpected(status.error());
  if (lseek(descriptor_, 0, SEEK_SET) < 0) return Failure(folder_, "cannot be read");
  return std::exchange(descriptor_, -1);
}

}  // namespace tessy
