#include "dataset/tables/table_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "base/links.h"
#include "dataset/tables/column_types.h"
#include "dataset/tables/parquet_file.h"
#include "dataset/tables/spool.h"

namespace tessy {
namespace {

constexpr size_t kBufferBytes = 1 << 18;
enum class Form { kPlain, kGzip, kZstd, kParquet };

Form FormOf(const std::string& path) {
  if (path.ends_with(".parquet")) return Form::kParquet;
  if (path.ends_with(".gz")) return Form::kGzip;
  return path.ends_with(".zst") ? Form::kZstd : Form::kPlain;
}

tl::unexpected<Error> BeingWritten(const std::string& path) {
  return Fail(ErrorCode::kConflict,
              fmt::format("{}: another tessy is writing to it; wait for it, or use another --out", path));
}

std::string TemporaryOf(const std::string& path) { return path + ".tmp"; }

// Before much is computed.
Status CheckForm(const std::string& path) {
  if (FormOf(path) != Form::kParquet) return {};
  return CheckParquet().map_error([&](const Error& error) {
    return Error{.code = error.code, .message = fmt::format("{}: {}", path, error.message)};
  });
}

}  // namespace

struct TableWriter::Impl {
  std::string path;
  std::string temporary;
  Form form = Form::kPlain;
  int descriptor = -1;
  std::string buffer;
  z_stream gzip{};
  bool has_gzip = false;
  ZSTD_CStream* zstd = nullptr;
  std::vector<char> out;
  bool is_finished = false;
  // The rows of Parquet, until they are written.
  std::optional<Spool> rows;
  ColumnTypes types;
  uint64_t row = 0;

  ~Impl() {
    if (has_gzip) deflateEnd(&gzip);
    ZSTD_freeCStream(zstd);
    if (descriptor >= 0) close(descriptor);
  }

  tl::unexpected<Error> Failure(const char* what) const {
    return Fail(ErrorCode::kIo, fmt::format("{}: {}: {}", temporary, what, std::strerror(errno)));
  }
  Status OpenFile(NameTaken taken);
  Status Lock();
  Status TakeName() const;
  Status OpenCompressor();
  Status WriteBytes(const char* bytes, size_t size) const;
  Status Flush(bool last);
  Status FlushGzip(bool last);
  Status FlushZstd(bool last);
  Status OpenSpool();
  Status AddParquetRow(std::string_view line);
  Status MakeParquet(const std::atomic<bool>* stop);
};

// The file that is locked must still be the temporary one: whoever had it may have renamed it meanwhile.
Status TableWriter::Impl::Lock() {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    if (descriptor >= 0) close(descriptor);
    descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
    if (descriptor < 0) return Failure("cannot be opened for writing");
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return BeingWritten(path);
    struct stat ours {};
    struct stat named {};
    if (fstat(descriptor, &ours) != 0) return Failure("cannot be looked at");
    const bool is_named = stat(temporary.c_str(), &named) == 0;
    if (is_named && ours.st_dev == named.st_dev && ours.st_ino == named.st_ino) return {};
  }
  return BeingWritten(path);
}

// rename, but nothing is overwritten.
Status TableWriter::Impl::TakeName() const {
  const auto refuse = [&] {
    return Fail(ErrorCode::kConflict,
                fmt::format("{}: has appeared while this was written; it stays, and what was written is {}",
                            path, temporary));
  };
  if (renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno == EEXIST) return refuse();
  if (errno != EINVAL && errno != ENOSYS) return Failure("cannot be renamed");
  std::error_code error;  // the file system knows no such renaming
  if (std::filesystem::exists(path, error)) return refuse();
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return Failure("cannot be renamed");
  return {};
}

Status TableWriter::Impl::OpenFile(NameTaken taken) {
  std::error_code error;
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error)
    return Fail(ErrorCode::kIo, fmt::format("{}: its folder cannot be made: {}", path, error.message()));
  const auto is_refused = [&] {
    return taken == NameTaken::kRefused && std::filesystem::exists(path, error);
  };
  const tl::unexpected<Error> refused =
      Fail(ErrorCode::kConflict, fmt::format("{}: is there already; use another name, or remove it", path));
  if (is_refused()) return refused;
  if (auto status = Lock(); !status) return status;
  if (is_refused()) {  // who held the lock before has just given its file the name
    unlink(temporary.c_str());
    return refused;
  }
  if (ftruncate(descriptor, 0) != 0) return Failure("cannot be written");
  return {};
}

Status TableWriter::Impl::OpenCompressor() {
  constexpr int kGzipWrapper = 16;
  constexpr int kMemoryLevel = 8;
  if (form == Form::kGzip) {
    has_gzip = deflateInit2(&gzip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzipWrapper, kMemoryLevel,
                            Z_DEFAULT_STRATEGY) == Z_OK;
    if (!has_gzip) return Fail(ErrorCode::kResourceLimit, fmt::format("{}: no memory to compress it", path));
  }
  if (form == Form::kZstd) {
    zstd = ZSTD_createCStream();
    if (zstd == nullptr)
      return Fail(ErrorCode::kResourceLimit, fmt::format("{}: no memory to compress it", path));
  }
  if (form == Form::kGzip || form == Form::kZstd) out.resize(kBufferBytes);
  return {};
}

Status TableWriter::Impl::WriteBytes(const char* bytes, size_t size) const {
  while (size > 0) {
    const ssize_t count = write(descriptor, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failure("cannot be written");
    bytes += count;
    size -= static_cast<size_t>(count);
  }
  return {};
}

Status TableWriter::Impl::Flush(bool last) {
  Status status;
  if (form == Form::kGzip) {
    status = FlushGzip(last);
  } else if (form == Form::kZstd) {
    status = FlushZstd(last);
  } else {
    status = WriteBytes(buffer.data(), buffer.size());
  }
  buffer.clear();
  return status;
}

Status TableWriter::Impl::FlushGzip(bool last) {
  gzip.next_in = reinterpret_cast<Bytef*>(buffer.data());
  gzip.avail_in = static_cast<uInt>(buffer.size());
  while (true) {
    gzip.next_out = reinterpret_cast<Bytef*>(out.data());
    gzip.avail_out = static_cast<uInt>(out.size());
    const int state = deflate(&gzip, last ? Z_FINISH : Z_NO_FLUSH);
    if (auto status = WriteBytes(out.data(), out.size() - gzip.avail_out); !status) return status;
    if (state == Z_STREAM_END || (!last && gzip.avail_out > 0)) return {};
  }
}

Status TableWriter::Impl::FlushZstd(bool last) {
  ZSTD_inBuffer from{.src = buffer.data(), .size = buffer.size(), .pos = 0};
  while (true) {
    ZSTD_outBuffer to{.dst = out.data(), .size = out.size(), .pos = 0};
    const size_t left = ZSTD_compressStream2(zstd, &to, &from, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left) != 0U) {
      return Fail(ErrorCode::kIo,
                  fmt::format("{}: cannot be compressed: {}", temporary, ZSTD_getErrorName(left)));
    }
    if (auto status = WriteBytes(out.data(), to.pos); !status) return status;
    if (last ? left == 0 : from.pos == from.size) return {};
  }
}

Status TableWriter::Impl::OpenSpool() {
  if (form != Form::kParquet) return {};
  const auto folder = std::filesystem::path(path).parent_path();
  auto spool = Spool::Make(folder.empty() ? "." : folder.string());
  if (!spool) return tl::unexpected(spool.error());
  rows = std::move(*spool);
  return {};
}

Status TableWriter::Impl::AddParquetRow(std::string_view line) {
  ++row;
  if (auto status = types.Add(line); !status) {
    return Fail(status.error().code, fmt::format("{}: row {} {}", path, row, status.error().message));
  }
  for (const std::string_view text : {line, std::string_view("\n")}) {
    if (const auto offset = rows->Append(text); !offset) return tl::unexpected(offset.error());
  }
  return {};
}

Status TableWriter::Impl::MakeParquet(const std::atomic<bool>* stop) {
  const auto lines = rows->Release();
  if (!lines) return tl::unexpected(lines.error());
  auto status = WriteParquet(*lines, types, temporary, stop);
  close(*lines);
  return status;
}

TableWriter::TableWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TableWriter::~TableWriter() = default;
TableWriter::TableWriter(TableWriter&&) noexcept = default;
TableWriter& TableWriter::operator=(TableWriter&&) noexcept = default;

Status TableWriter::CheckFree(const std::string& path) {
  if (auto status = CheckForm(path); !status) return status;
  const std::string temporary = TemporaryOf(BehindLinks(path));
  const int descriptor = open(temporary.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return {};
  const bool is_held = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(descriptor);
  if (is_held) return BeingWritten(path);
  return {};
}

Result<TableWriter> TableWriter::Open(const std::string& path, NameTaken taken) {
  if (auto status = CheckForm(path); !status) return tl::unexpected(status.error());
  auto impl = std::make_unique<Impl>();
  impl->path = BehindLinks(path);
  impl->temporary = TemporaryOf(impl->path);
  impl->form = FormOf(path);
  if (auto status = impl->OpenFile(taken); !status) return tl::unexpected(status.error());
  if (auto status = impl->OpenCompressor().and_then([&] { return impl->OpenSpool(); }); !status)
    return tl::unexpected(status.error());
  return TableWriter(std::move(impl));
}

Status TableWriter::Write(std::string_view line) {
  if (impl_->form == Form::kParquet) return impl_->AddParquetRow(line);
  impl_->buffer.append(line).push_back('\n');
  return impl_->buffer.size() < kBufferBytes ? Status() : impl_->Flush(false);
}

Status TableWriter::Finish(const std::atomic<bool>* stop) {
  if (impl_->is_finished) return {};
  const bool is_parquet = impl_->form == Form::kParquet;
  if (auto status = is_parquet ? impl_->MakeParquet(stop) : impl_->Flush(true); !status) return status;
  if (fsync(impl_->descriptor) != 0 && errno != EINVAL) return impl_->Failure("cannot be written");
  impl_->is_finished = true;
  return {};
}

Status TableWriter::Commit(const std::atomic<bool>* stop) {
  if (auto status = Finish(stop); !status) return status;
  return impl_->TakeName();
}

}  // namespace tessy
