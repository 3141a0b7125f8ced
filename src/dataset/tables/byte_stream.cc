#include "dataset/tables/byte_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_text.h"
#include "base/readable_file.h"

namespace tessy {
namespace {

constexpr size_t kBufferBytes = 1 << 18;
constexpr size_t kFirstBytes = 64;

constexpr std::string_view kZstdMagic = "\x28\xB5\x2F\xFD";
constexpr std::string_view kGzipMagic = "\x1F\x8B";
constexpr std::string_view kParquetMagic = "PAR1";

// Of a frame that readers pass over: pzstd begins with one. The low half of the first byte is anything.
bool IsSkippableFrame(std::string_view begin) {
  return begin.size() >= 4 && (static_cast<unsigned char>(begin[0]) & 0xF0U) == 0x50U &&
         begin.substr(1, 3) == "\x2A\x4D\x18";
}

// A file as it is, with its first bytes looked at.
class PlainStream final : public ByteStream {
 public:
  PlainStream(std::string name, int descriptor, bool owned)
      : name_(std::move(name)), descriptor_(descriptor), owned_(owned) {}
  ~PlainStream() override {
    if (owned_) close(descriptor_);
  }
  PlainStream(const PlainStream&) = delete;
  PlainStream& operator=(const PlainStream&) = delete;

  Result<size_t> Read(char* out, size_t size) override {
    if (!first_.empty()) {
      const size_t count = std::min(size, first_.size());
      std::copy_n(first_.begin(), count, out);
      first_.erase(0, count);
      return count;
    }
    return ReadFile(out, size);
  }

  // The first bytes; they are read again afterwards.
  Result<std::string> Peek(size_t size) {
    while (first_.size() < size) {
      std::string more(size - first_.size(), '\0');
      const auto count = ReadFile(more.data(), more.size());
      if (!count) return tl::unexpected(count.error());
      if (*count == 0) break;
      first_.append(more, 0, *count);
    }
    return first_;
  }

  const std::string& name() const { return name_; }

 private:
  Result<size_t> ReadFile(char* out, size_t size) {
    while (true) {
      const ssize_t count = read(descriptor_, out, size);
      if (count >= 0) return static_cast<size_t>(count);
      if (errno == EINTR) continue;
      return Fail(ErrorCode::kIo, fmt::format("{}: reading stopped: {}", name_, std::strerror(errno)));
    }
  }

  std::string name_;
  int descriptor_;
  bool owned_;
  std::string first_;
};

// Compressed bytes that wait to be decompressed.
class Compressed {
 public:
  explicit Compressed(std::unique_ptr<PlainStream> file) : file_(std::move(file)), bytes_(kBufferBytes) {}

  // False at the end of the file.
  Result<bool> Fill() {
    if (begin_ < end_) return true;
    const auto count = file_->Read(bytes_.data(), bytes_.size());
    if (!count) return tl::unexpected(count.error());
    begin_ = 0;
    end_ = *count;
    return end_ > 0;
  }
  char* begin() { return bytes_.data() + begin_; }
  size_t size() const { return end_ - begin_; }
  void Consume(size_t count) { begin_ += count; }

  tl::unexpected<Error> Damaged(std::string_view kind, std::string_view why) const {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: damaged {} file: {}; fetch it again", file_->name(), kind, why));
  }

 private:
  std::unique_ptr<PlainStream> file_;
  std::vector<char> bytes_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

class GzipStream final : public ByteStream {
 public:
  explicit GzipStream(std::unique_ptr<PlainStream> file) : in_(std::move(file)) {
    constexpr int kGzipWrapper = 16;
    is_open_ = inflateInit2(&state_, MAX_WBITS + kGzipWrapper) == Z_OK;
  }
  ~GzipStream() override {
    if (is_open_) inflateEnd(&state_);
  }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  Result<size_t> Read(char* out, size_t size) override {
    if (!is_open_) return in_.Damaged("gzip", "there is no memory to read it");
    const size_t wanted = std::min<size_t>(size, std::numeric_limits<uInt>::max());
    while (true) {
      const auto more = in_.Fill();
      if (!more) return tl::unexpected(more.error());
      if (!*more && part_is_done_) return 0;
      if (!*more) return in_.Damaged("gzip", "it ends too early");
      if (part_is_done_ && inflateReset(&state_) != Z_OK) return in_.Damaged("gzip", "it cannot be reset");
      part_is_done_ = false;
      state_.next_in = reinterpret_cast<Bytef*>(in_.begin());
      state_.avail_in = static_cast<uInt>(in_.size());
      state_.next_out = reinterpret_cast<Bytef*>(out);
      state_.avail_out = static_cast<uInt>(wanted);
      const int status = inflate(&state_, Z_NO_FLUSH);
      in_.Consume(in_.size() - state_.avail_in);
      part_is_done_ = status == Z_STREAM_END;
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        return in_.Damaged("gzip", state_.msg != nullptr ? state_.msg : "it cannot be decompressed");
      }
      if (const size_t count = wanted - state_.avail_out; count > 0) return count;
    }
  }

 private:
  Compressed in_;
  z_stream state_{};
  bool is_open_ = false;
  bool part_is_done_ = true;
};

class ZstdStream final : public ByteStream {
 public:
  explicit ZstdStream(std::unique_ptr<PlainStream> file)
      : in_(std::move(file)), state_(ZSTD_createDStream()) {
    // Files of large windows (--long=31) are read, too.
    constexpr int kWindowLogMax = 31;
    if (state_ != nullptr) ZSTD_DCtx_setParameter(state_.get(), ZSTD_d_windowLogMax, kWindowLogMax);
  }

  Result<size_t> Read(char* out, size_t size) override {
    if (state_ == nullptr) return in_.Damaged("zstd", "there is no memory to read it");
    ZSTD_outBuffer to{.dst = out, .size = size, .pos = 0};
    while (true) {
      const auto more = in_.Fill();
      if (!more) return tl::unexpected(more.error());
      ZSTD_inBuffer from{.src = in_.begin(), .size = *more ? in_.size() : 0, .pos = 0};
      if (!*more && left_ == 0) return 0;
      const size_t left = ZSTD_decompressStream(state_.get(), &to, &from);
      if (ZSTD_isError(left) != 0U) return in_.Damaged("zstd", ZSTD_getErrorName(left));
      in_.Consume(from.pos);
      left_ = left;
      if (to.pos > 0) return to.pos;
      if (!*more && left_ > 0) return in_.Damaged("zstd", "it ends too early");
    }
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };

  Compressed in_;
  std::unique_ptr<ZSTD_DStream, Free> state_;
  size_t left_ = 0;  // 0 between two frames
};

Result<std::unique_ptr<PlainStream>> OpenPlain(const std::string& path) {
  if (path == "-") return std::make_unique<PlainStream>("standard input", STDIN_FILENO, false);
  if (auto status = CheckReadable(path); !status) return tl::unexpected(status.error());
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor >= 0) return std::make_unique<PlainStream>(path, descriptor, true);
  const int reason = errno;
  return Fail(reason == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
              fmt::format("{}: cannot be read: {}", path, std::strerror(reason)));
}

Status CheckBegin(const std::string& name, std::string_view begin) {
  using namespace std::string_view_literals;
  if (IsLfsPointer(begin)) return Fail(ErrorCode::kInvalidData, fmt::format("{}: {}", name, kLfsPointer));
  constexpr std::pair<std::string_view, std::string_view> kOthers[] = {{"BZh", "bzip2"},
                                                                       {"\xFD"
                                                                        "7zXZ\0"sv,
                                                                        "xz"},
                                                                       {"\x04\x22\x4D\x18", "lz4"},
                                                                       {"PK\x03\x04", "zip"},
                                                                       {"ARROW1", "Arrow"}};
  for (const auto& [magic, what] : kOthers) {
    if (!begin.starts_with(magic)) continue;
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: a file of the form {}, which is not read; make it JSON lines (plain, .gz or "
                            ".zst) or Parquet",
                            name, what));
  }
  return {};
}

}  // namespace

Result<OpenedFile> OpenBytes(const std::string& path) {
  auto file = OpenPlain(path);
  if (!file) return tl::unexpected(file.error());
  const auto begin = (*file)->Peek(kFirstBytes);
  if (!begin) return tl::unexpected(begin.error());
  if (auto status = CheckBegin((*file)->name(), *begin); !status) return tl::unexpected(status.error());
  if (begin->starts_with(kParquetMagic)) return OpenedFile{.kind = FileKind::kParquet, .stream = nullptr};
  if (begin->starts_with(kGzipMagic)) {
    return OpenedFile{.kind = FileKind::kGzip, .stream = std::make_unique<GzipStream>(std::move(*file))};
  }
  if (begin->starts_with(kZstdMagic) || IsSkippableFrame(*begin)) {
    return OpenedFile{.kind = FileKind::kZstd, .stream = std::make_unique<ZstdStream>(std::move(*file))};
  }
  return OpenedFile{.kind = FileKind::kPlain, .stream = std::move(*file)};
}

}  // namespace tessy
