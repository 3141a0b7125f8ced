#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace tessy {

// The kind of an error, in the caller's terms. Errors are values wherever a caller can act on them. The
// numbers are stable because the program's exit status follows from them (see cli/exit_status.h).
enum class ErrorCode {
  kInvalidArgument,  // a flag, key or call that cannot be served as given
  kNotFound,         // a file or record that is not there
  kInvalidData,      // a file or reply whose content is not what it should be
  kIo,               // the operating system refused a read or write
  kConflict,         // another process holds it, or it was made with other settings
  kResourceLimit,    // does not fit: memory, context
  kBackend,          // a model backend failed
  kCancelled,        // the user or the caller asked to stop
  kUnavailable,      // a backend cannot be reached, and has been given up
  kRefused,          // a backend is well and refuses this request; the same request would be refused again
};

struct Error {
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message;  // one line: what, where, how to mend
  bool retryable = false;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = tl::expected<void, Error>;

inline tl::unexpected<Error> Fail(ErrorCode code, std::string message, bool retryable = false) {
  return tl::unexpected<Error>(Error{code, std::move(message), retryable});
}

}  // namespace tessy
