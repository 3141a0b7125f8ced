#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tessy {

// A database without a file in this process, for reading and writing Parquet. The library, libduckdb.so, is
// loaded when the first object is made: a program that meets no Parquet does without it. It is looked for as
// TESSY_DUCKDB says, beside an installed program (../lib/tessy), where scripts/setup.sh puts it in a folder
// above the program, and where the system looks for libraries. One thread computes, because the memory that a
// nested column takes grows with the threads. Used by one thread at a time.
class DuckDb {
 public:
  // The rows of an answer, as they come. It must not outlive its database.
  class Rows {
   public:
    ~Rows();
    Rows(Rows&&) noexcept;
    Rows& operator=(Rows&&) noexcept;
    // Goes to the next row; false at the end. Errors hold DuckDB's own words.
    Result<bool> Next();
    // The text of a column of this row, which must be a VARCHAR; empty for NULL. Valid until Next.
    std::optional<std::string_view> Text(size_t column) const;

   private:
    friend class DuckDb;
    struct Impl;
    explicit Rows(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
  };

  // kNotFound: there is no library; the message says where it is looked for.
  static Result<DuckDb> Open();
  ~DuckDb();
  DuckDb(DuckDb&&) noexcept;
  DuckDb& operator=(DuckDb&&) noexcept;

  // Errors of both and of Next: kInvalidData with DuckDB's own words; kResourceLimit: it has not enough
  // memory. kCancelled: `stop` became true, and the work was given up.
  Result<Rows> Query(const std::string& sql, const std::atomic<bool>* stop = nullptr);
  Status Run(const std::string& sql, const std::atomic<bool>* stop = nullptr);

 private:
  struct Impl;
  explicit DuckDb(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A text, or a name, as SQL writes it.
std::string SqlText(std::string_view text);
std::string SqlName(std::string_view name);

}  // namespace tessy
