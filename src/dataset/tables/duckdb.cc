#include "dataset/tables/duckdb.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "base/machine.h"

namespace tessy {
namespace {

// The part of DuckDB's C interface that is used here. It is stable from version 1.0 on; its own header comes
// with a package of a hundred megabytes.
using Handle = void*;
using State = int;  // 0: success

struct ResultHandle {
  std::array<uint64_t, 3> unused;
  void* unused_columns;
  char* unused_message;
  void* data;
};

struct StringHandle {  // 16 bytes: a short text stands inside
  uint32_t size;
  char begin[4];
  union {
    char* text;
    char rest[8];
  };
};
constexpr uint32_t kInside = 12;

struct Library {
  State (*create_config)(Handle*);
  State (*set_config)(Handle, const char*, const char*);
  void (*destroy_config)(Handle*);
  State (*open_ext)(const char*, Handle*, Handle, char**);
  void (*close)(Handle*);
  State (*connect)(Handle, Handle*);
  void (*disconnect)(Handle*);
  void (*free)(void*);
  State (*prepare)(Handle, const char*, Handle*);
  const char* (*prepare_error)(Handle);
  void (*destroy_prepare)(Handle*);
  State (*pending_prepared_streaming)(Handle, Handle*);
  int (*pending_execute_task)(Handle);
  bool (*pending_execution_is_finished)(int);
  void (*interrupt)(Handle);
  const char* (*pending_error)(Handle);
  void (*destroy_pending)(Handle*);
  State (*execute_pending)(Handle, ResultHandle*);
  Handle (*fetch_chunk)(ResultHandle);
  const char* (*result_error)(ResultHandle*);
  void (*destroy_result)(ResultHandle*);
  uint64_t (*data_chunk_get_size)(Handle);
  Handle (*data_chunk_get_vector)(Handle, uint64_t);
  void* (*vector_get_data)(Handle);
  uint64_t* (*vector_get_validity)(Handle);
  void (*destroy_data_chunk)(Handle*);
};

template <class Function>
bool Load(void* library, const char* name, Function& function) {
  void* symbol = dlsym(library, fmt::format("duckdb_{}", name).c_str());
  std::memcpy(&function, &symbol, sizeof function);
  return symbol != nullptr;
}

bool LoadAll(void* file, Library& library) {
  return Load(file, "create_config", library.create_config) && Load(file, "set_config", library.set_config) &&
         Load(file, "destroy_config", library.destroy_config) && Load(file, "open_ext", library.open_ext) &&
         Load(file, "close", library.close) && Load(file, "connect", library.connect) &&
         Load(file, "disconnect", library.disconnect) && Load(file, "free", library.free) &&
         Load(file, "prepare", library.prepare) && Load(file, "prepare_error", library.prepare_error) &&
         Load(file, "destroy_prepare", library.destroy_prepare) &&
         Load(file, "pending_prepared_streaming", library.pending_prepared_streaming) &&
         Load(file, "pending_execute_task", library.pending_execute_task) &&
         Load(file, "pending_execution_is_finished", library.pending_execution_is_finished) &&
         Load(file, "interrupt", library.interrupt) && Load(file, "pending_error", library.pending_error) &&
         Load(file, "destroy_pending", library.destroy_pending) &&
         Load(file, "execute_pending", library.execute_pending) &&
         Load(file, "fetch_chunk", library.fetch_chunk) && Load(file, "result_error", library.result_error) &&
         Load(file, "destroy_result", library.destroy_result) &&
         Load(file, "data_chunk_get_size", library.data_chunk_get_size) &&
         Load(file, "data_chunk_get_vector", library.data_chunk_get_vector) &&
         Load(file, "vector_get_data", library.vector_get_data) &&
         Load(file, "vector_get_validity", library.vector_get_validity) &&
         Load(file, "destroy_data_chunk", library.destroy_data_chunk);
}

// The places in which the library may be, best first.
std::vector<std::string> LibraryPlaces() {
  namespace fs = std::filesystem;
  if (const char* named = std::getenv("TESSY_DUCKDB"); named != nullptr && *named != '\0') return {named};
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  std::vector<std::string> places{(program.parent_path().parent_path() / "lib/tessy/libduckdb.so").string()};
  for (fs::path folder = program.parent_path(); folder.has_relative_path(); folder = folder.parent_path()) {
    for (const char* package : {"node-bindings-linux-x64", "node-bindings-linux-arm64"}) {
      const fs::path path = folder / "build/deps" / package / "libduckdb.so";
      if (fs::exists(path, error)) places.push_back(path.string());
    }
  }
  places.emplace_back("libduckdb.so");
  return places;
}

Result<Library> LoadLibrary() {
  const auto places = LibraryPlaces();
  for (const std::string& place : places) {
    void* file = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed: it starts threads of its own
    if (file == nullptr) continue;
    Library library{};
    if (LoadAll(file, library)) return library;
    return Fail(
        ErrorCode::kNotFound,
        fmt::format("{}: is no DuckDB library of version 1.0 or later; run scripts/setup.sh, or name one "
                    "in TESSY_DUCKDB",
                    place));
  }
  return Fail(
      ErrorCode::kNotFound,
      fmt::format("Parquet needs libduckdb.so, which is not at {}; run scripts/setup.sh, or name it in "
                  "TESSY_DUCKDB",
                  places.front()));
}

const Result<Library>& TheLibrary() {
  static const Result<Library> kLibrary = LoadLibrary();
  return kLibrary;
}

std::string MemoryLimit() {
  constexpr uint64_t kMost = uint64_t{4} << 30;
  constexpr uint64_t kLeast = uint64_t{1} << 30;
  const uint64_t most = std::clamp(MemoryAvailable() / 4 * 3, kLeast, kMost);
  return fmt::format("{}MiB", most >> 20);
}

std::string FirstLine(const char* message) {
  if (message == nullptr) return "no reason is given";
  const std::string_view text(message);
  return std::string(text.substr(0, text.find('\n')));
}

tl::unexpected<Error> Failure(const char* message) {
  if (message != nullptr && std::string_view(message).starts_with("Out of Memory")) {
    return Fail(ErrorCode::kResourceLimit,
                fmt::format("its rows need more memory than there is ({}); write it with smaller row groups, "
                            "or give this machine more",
                            FirstLine(message)));
  }
  return Fail(ErrorCode::kInvalidData, FirstLine(message));
}

}  // namespace

struct DuckDb::Impl {
  const Library* library = nullptr;
  Handle database = nullptr;
  Handle connection = nullptr;

  ~Impl() {
    if (connection != nullptr) library->disconnect(&connection);
    if (database != nullptr) library->close(&database);
  }
};

struct DuckDb::Rows::Impl {
  const Library* library = nullptr;
  Handle statement = nullptr;
  ResultHandle result{};
  bool has_result = false;
  Handle chunk = nullptr;
  uint64_t rows = 0;  // of the chunk
  uint64_t row = 0;

  ~Impl() {
    if (chunk != nullptr) library->destroy_data_chunk(&chunk);
    if (has_result) library->destroy_result(&result);
    if (statement != nullptr) library->destroy_prepare(&statement);
  }
};

DuckDb::Rows::Rows(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DuckDb::Rows::~Rows() = default;
DuckDb::Rows::Rows(Rows&&) noexcept = default;
DuckDb::Rows& DuckDb::Rows::operator=(Rows&&) noexcept = default;

Result<bool> DuckDb::Rows::Next() {
  if (impl_->chunk != nullptr && ++impl_->row < impl_->rows) return true;
  do {
    if (impl_->chunk != nullptr) impl_->library->destroy_data_chunk(&impl_->chunk);
    impl_->chunk = impl_->library->fetch_chunk(impl_->result);
    if (impl_->chunk == nullptr) {
      const char* error = impl_->library->result_error(&impl_->result);
      if (error != nullptr && *error != '\0') return Failure(error);
      return false;
    }
    impl_->rows = impl_->library->data_chunk_get_size(impl_->chunk);
  } while (impl_->rows == 0);
  impl_->row = 0;
  return true;
}

std::optional<std::string_view> DuckDb::Rows::Text(size_t column) const {
  const Handle vector = impl_->library->data_chunk_get_vector(impl_->chunk, column);
  const uint64_t* valid = impl_->library->vector_get_validity(vector);
  if (valid != nullptr && (valid[impl_->row / 64] >> (impl_->row % 64) & 1U) == 0) return std::nullopt;
  const auto* texts = static_cast<const StringHandle*>(impl_->library->vector_get_data(vector));
  const StringHandle& text = texts[impl_->row];
  if (text.size > kInside) return std::string_view(text.text, text.size);
  return std::string_view(reinterpret_cast<const char*>(&text) + sizeof text.size, text.size);
}

DuckDb::DuckDb(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DuckDb::~DuckDb() = default;
DuckDb::DuckDb(DuckDb&&) noexcept = default;
DuckDb& DuckDb::operator=(DuckDb&&) noexcept = default;

Result<DuckDb> DuckDb::Open() {
  const auto& found = TheLibrary();
  if (!found) return tl::unexpected(found.error());
  const Library& library = *found;
  auto impl = std::make_unique<Impl>();
  impl->library = &library;
  Handle settings = nullptr;
  if (library.create_config(&settings) != 0) return Fail(ErrorCode::kResourceLimit, "DuckDB has no memory");
  const std::string memory = MemoryLimit();
  for (const auto& [key, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"threads", "1"},
           {"memory_limit", memory.c_str()},
           {"temp_directory", ""},  // nothing is left in the working folder
           {"autoinstall_known_extensions", "false"},
           {"autoload_known_extensions", "false"}}) {
    library.set_config(settings, key, value);
  }
  char* error = nullptr;
  const State opened = library.open_ext(nullptr, &impl->database, settings, &error);
  library.destroy_config(&settings);
  if (opened != 0) {
    const std::string message = FirstLine(error);
    if (error != nullptr) library.free(error);
    return Fail(ErrorCode::kResourceLimit, fmt::format("DuckDB does not start: {}", message));
  }
  if (library.connect(impl->database, &impl->connection) != 0) {
    return Fail(ErrorCode::kResourceLimit, "DuckDB does not start: it takes no connection");
  }
  DuckDb made(std::move(impl));
  // What is computed ahead is bounded by bytes, of which a text counts 16, whatever its length: by default
  // 60,000 rows would be held. With less than a chunk of them, one chunk is.
  if (auto status = made.Run("SET streaming_buffer_size='1KB'"); !status)
    return tl::unexpected(status.error());
  return made;
}

Result<DuckDb::Rows> DuckDb::Query(const std::string& sql, const std::atomic<bool>* stop) {
  const Library& library = *impl_->library;
  auto rows = std::make_unique<Rows::Impl>();
  rows->library = &library;
  if (library.prepare(impl_->connection, sql.c_str(), &rows->statement) != 0) {
    return Failure(library.prepare_error(rows->statement));
  }
  Handle pending = nullptr;
  if (library.pending_prepared_streaming(rows->statement, &pending) != 0) {
    const auto failure = Failure(library.pending_error(pending));
    library.destroy_pending(&pending);
    return failure;
  }
  constexpr int kFailed = 2;
  int step = 0;
  while (stop != nullptr &&
         !library.pending_execution_is_finished(step = library.pending_execute_task(pending))) {
    if (!*stop) continue;
    library.interrupt(impl_->connection);
    // It frees its plan only when it has seen the interrupt.
    while (!library.pending_execution_is_finished(library.pending_execute_task(pending))) continue;
    library.destroy_pending(&pending);
    return Fail(ErrorCode::kCancelled, "stopped");
  }
  if (step == kFailed) {
    const auto failure = Failure(library.pending_error(pending));
    library.destroy_pending(&pending);
    return failure;
  }
  rows->has_result = true;
  const State state = library.execute_pending(pending, &rows->result);
  library.destroy_pending(&pending);
  if (state != 0) return Failure(library.result_error(&rows->result));
  return Rows(std::move(rows));
}

Status DuckDb::Run(const std::string& sql, const std::atomic<bool>* stop) {
  auto rows = Query(sql, stop);
  if (!rows) return tl::unexpected(rows.error());
  while (true) {
    const auto more = rows->Next();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return {};
  }
}

std::string SqlText(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out + '\'';
}

std::string SqlName(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

}  // namespace tessy
