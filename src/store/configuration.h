#pragma once

#include <string>

#include "base/error.h"

namespace tessy {

// The difference between the settings with which a run began and those it is given now, "seed 1 -> 2, …";
// empty if there is none. Both are JSON objects. Pure.
std::string DifferenceOf(const std::string& recorded_json, const std::string& json);

// The first of "path.old-1", "path.old-2", … that is free.
std::string FreeNameAside(const std::string& path);

// Renames a file or folder to the first free "name.old-1", "name.old-2", … and gives that name; empty if
// there is nothing at `path`.
Result<std::string> SetAside(const std::string& path);

// Copies a file under the first of these names that is free, and gives that name.
Result<std::string> CopyAside(const std::string& path);

}  // namespace tessy
