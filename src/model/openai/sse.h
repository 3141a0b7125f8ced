#pragma once

#include <string>
#include <string_view>

namespace tessy {

// Splits a stream of server-sent events (WHATWG HTML, section 9.2) into the data of its events; the stream
// may arrive in any pieces. Lines that are no data (comments, names, retries) and events without data, both
// of which keep connections open, are passed over. Not thread-safe.
class SseReader {
 public:
  // Calls `event(std::string_view data)` for each event that is complete by now.
  template <class F>
  void Push(std::string_view bytes, F&& event) {
    const size_t known = open_.size();  // no line ends before it
    open_.append(bytes);
    size_t begin = 0;
    for (size_t end = open_.find('\n', known); end != std::string::npos; end = open_.find('\n', begin)) {
      std::string_view line(open_.data() + begin, end - begin);
      if (line.ends_with('\r')) line.remove_suffix(1);
      begin = end + 1;
      if (line.empty()) {
        if (!data_.empty()) event(std::string_view(data_));
        data_.clear();
        has_data_ = false;
      } else if (line.starts_with("data:")) {
        line.remove_prefix(5);
        if (line.starts_with(' ')) line.remove_prefix(1);
        if (has_data_) data_ += '\n';
        data_ += line;
        has_data_ = true;
      }
    }
    open_.erase(0, begin);
  }
  // Bytes that came and are not a complete event yet, or are a comment without an end.
  size_t open_bytes() const { return open_.size() + data_.size(); }

 private:
  std::string open_;
  std::string data_;
  bool has_data_ = false;
};

}  // namespace tessy
