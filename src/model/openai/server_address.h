#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace tessy {

// "http://host:port/v1#served-model": the server of a model, and the name that the model has there.
struct ServerAddress {
  std::string base;   // "http://host:port", without /v1
  std::string model;  // may be empty: the server's only one

  // kInvalidArgument names what is wrong with it.
  static Result<ServerAddress> Parse(std::string_view text);
};

// True if a model spec is an address, false if it is a file.
bool IsServerAddress(std::string_view spec);

}  // namespace tessy
