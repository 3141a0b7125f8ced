#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace tessy {

// "http://host:port/v1#served-model": the server of a model, and the name that the model has there. The
// scheme may be written in capitals; "host:port" alone is one of http.
struct ServerAddress {
  std::string base;   // "http://host:port", without /v1; scheme and host in small letters
  std::string model;  // may be empty: the server's only one

  // kInvalidArgument names what is wrong with it, and shows nothing that may be secret.
  static Result<ServerAddress> Parse(std::string_view text);
};

// True if a model spec is an address, false if it is a file: it holds ://, or is a host and the number of a
// port ("localhost:8000/v1#small"), with a name and a password before it or not. What is an address by this
// is not always one that Parse takes.
bool IsServerAddress(std::string_view spec);

}  // namespace tessy
