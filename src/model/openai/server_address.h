#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace tessy {

// "http://host:port/v1#served-model": where a model is served, and by which name.
struct ServerAddress {
  std::string base;   // "http://host:port", without /v1
  std::string model;  // may be empty: the server's only one

  // kInvalidArgument names what is wrong with it.
  static Result<ServerAddress> Parse(std::string_view text);
};

// Is this model spec an address, rather than a file?
bool IsServerAddress(std::string_view spec);

}  // namespace tessy
