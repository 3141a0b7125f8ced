#include "model/openai/testing/wire_request.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace tessy {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool WireRequestReader::ReadHeader() {
  const size_t end = bytes_.find("\r\n\r\n");
  if (end == std::string::npos) {
    broken_ = broken_ || bytes_.size() > kHeaderMax;
    return false;
  }
  std::string_view header(bytes_.data(), end);
  WireRequest request;
  body_bytes_ = 0;
  bool first = true;
  while (!header.empty()) {
    const size_t line_end = std::min(header.find("\r\n"), header.size());
    const std::string_view line = header.substr(0, line_end);
    header.remove_prefix(std::min(header.size(), line_end + 2));
    if (std::exchange(first, false)) {
      const size_t method_end = line.find(' ');
      const size_t path_end = line.rfind(' ');
      if (method_end == std::string_view::npos || path_end <= method_end ||
          !line.substr(path_end + 1).starts_with("HTTP/1.")) {
        broken_ = true;
        return false;
      }
      request.method = line.substr(0, method_end);
      const std::string_view target = line.substr(method_end + 1, path_end - method_end - 1);
      const size_t path_bytes = std::min(target.find('?'), target.size());
      request.path = target.substr(0, path_bytes);
      request.query = target.substr(std::min(path_bytes + 1, target.size()));
      request.keeps_alive = line.ends_with("1.1");
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string name = Lower(line.substr(0, colon));
    const std::string_view value = Trimmed(line.substr(colon + 1));
    if (name == "content-length") {
      const auto [stop, error] = std::from_chars(value.begin(), value.end(), body_bytes_);
      broken_ = broken_ || error != std::errc() || stop != value.end() || body_bytes_ > kBodyMax;
    } else if (name == "transfer-encoding") {
      broken_ = true;
    } else if (name == "authorization") {
      request.authorization = value;
    } else if (name == "connection") {
      request.keeps_alive = Lower(value) != "close";
    } else if (name == "expect") {
      expects_ = Lower(value) == "100-continue";
    }
  }
  if (broken_) return false;
  bytes_.erase(0, end + 4);
  open_ = std::move(request);
  return true;
}

std::optional<WireRequest> WireRequestReader::Next() {
  if (broken_ || (!open_ && !ReadHeader())) return std::nullopt;
  if (bytes_.size() < body_bytes_) return std::nullopt;
  std::optional<WireRequest> request = std::exchange(open_, std::nullopt);
  expects_ = false;
  if (bytes_.size() == body_bytes_) {
    request->body = std::exchange(bytes_, {});  // the buffer goes with it: thousands wait here
  } else {
    request->body = bytes_.substr(0, body_bytes_);
    bytes_.erase(0, body_bytes_);
  }
  return request;
}

bool WireRequestReader::TakeExpectation() { return open_ && std::exchange(expects_, false); }

}  // namespace tessy
