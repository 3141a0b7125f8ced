#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tessy {

// A request as it came over HTTP/1.1.
struct WireRequest {
  std::string method;
  std::string path;   // without a query
  std::string query;  // what stands behind the path's question mark
  std::string authorization;
  std::string body;
  bool keeps_alive = true;
};

// Splits the bytes of a connection into requests. Knows Content-Length alone, which is what libcurl sends.
class WireRequestReader {
 public:
  static constexpr size_t kHeaderMax = 64U << 10;
  static constexpr size_t kBodyMax = 256U << 20;

  void Push(std::string_view bytes) { bytes_ += bytes; }
  // The next request if all of it is there.
  std::optional<WireRequest> Next();
  // True once after the header of a request that waits for "100 Continue" before it sends its body.
  bool TakeExpectation();
  // True if the bytes are no HTTP that this reader knows.
  bool broken() const { return broken_; }

 private:
  bool ReadHeader();

  std::string bytes_;
  std::optional<WireRequest> open_;  // its header is read
  size_t body_bytes_ = 0;
  bool expects_ = false;
  bool broken_ = false;
};

}  // namespace tessy
