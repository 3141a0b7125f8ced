#pragma once

#include <string>

#include "base/error.h"

namespace tessy {

// What differs between the settings of a run as it was begun and as it is asked for now, "seed 1 -> 2, …";
// empty if nothing does. Both are JSON objects. Pure.
std::string DifferenceOf(const std::string& recorded_json, const std::string& json);

// Renames a file or folder to the first free "name.old-1", "name.old-2", … and gives that name; empty if
// there is nothing at `path`.
Result<std::string> SetAside(const std::string& path);

}  // namespace tessy
