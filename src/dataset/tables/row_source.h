#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "dataset/tables/byte_stream.h"

namespace tessy {

// The rows of one file of a table. Not thread-safe.
class RowSource {
 public:
  virtual ~RowSource() = default;
  // As TableReader::Next.
  virtual Result<std::optional<std::string_view>> Next() = 0;
  virtual size_t row() const = 0;  // as TableReader::row
};

// The lines of a text that are not blank, without a byte-order mark and line ends.
class LineSource final : public RowSource {
 public:
  explicit LineSource(std::unique_ptr<ByteStream> stream) : stream_(std::move(stream)) {}
  Result<std::optional<std::string_view>> Next() override;
  size_t row() const override { return line_; }

 private:
  Result<std::optional<std::string_view>> NextRaw();
  Result<bool> Fill();

  std::unique_ptr<ByteStream> stream_;
  std::string buffer_;
  size_t begin_ = 0;    // of what is not handed out yet
  size_t end_ = 0;      // of what has been read
  size_t scanned_ = 0;  // where no line end has been found so far
  bool at_end_ = false;
  size_t line_ = 0;
};

}  // namespace tessy
