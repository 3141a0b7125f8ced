#include "dataset/tables/row_source.h"

#include <algorithm>
#include <cstring>

namespace tessy {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kBlank = " \t\r";
constexpr size_t kChunkBytes = 1 << 18;

}  // namespace

Result<std::optional<std::string_view>> LineSource::Next() {
  while (true) {
    const auto line = NextRaw();
    if (!line || !*line) return line;
    if ((*line)->find_first_not_of(kBlank) != std::string_view::npos) return line;
  }
}

Result<std::optional<std::string_view>> LineSource::NextRaw() {
  while (true) {
    const char* from = buffer_.data() + scanned_;
    const void* found = end_ > scanned_ ? std::memchr(from, '\n', end_ - scanned_) : nullptr;
    if (found == nullptr && !at_end_) {
      scanned_ = end_;
      const auto more = Fill();
      if (!more) return tl::unexpected(more.error());
      continue;
    }
    if (found == nullptr && begin_ == end_) return std::optional<std::string_view>();
    const size_t stop =
        found != nullptr ? static_cast<size_t>(static_cast<const char*>(found) - buffer_.data()) : end_;
    std::string_view line(buffer_.data() + begin_, stop - begin_);
    begin_ = scanned_ = found != nullptr ? stop + 1 : end_;
    if (++line_ == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    if (line.ends_with('\r')) line.remove_suffix(1);
    return std::optional(line);
  }
}

// Reads more behind what is there, which moves to the front first.
Result<bool> LineSource::Fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    scanned_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < kChunkBytes) buffer_.resize(std::max(buffer_.size() * 2, end_ + kChunkBytes));
  const auto count = stream_->Read(buffer_.data() + end_, buffer_.size() - end_);
  if (!count) return tl::unexpected(count.error());
  end_ += *count;
  at_end_ = *count == 0;
  return !at_end_;
}

}  // namespace tessy
