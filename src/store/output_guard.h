#pragma once

#include <span>
#include <string>

#include "base/error.h"

namespace tessy {

// A file or folder, and what people call it: "--out".
struct NamedPath {
  std::string name;
  std::string path;
};

// True if both names lead to one file, by another spelling, a link or a hard link. It need not be there.
bool IsSameFile(const std::string& a, const std::string& b);

// kInvalidArgument if one of the outputs is one of the inputs, lies in one (a folder of weights), or has one
// in it, by whatever name: another spelling, a link, a hard link. To be asked before anything is written or
// renamed. Outputs need not exist.
Status CheckOutputs(std::span<const NamedPath> outputs, std::span<const NamedPath> inputs);

}  // namespace tessy
