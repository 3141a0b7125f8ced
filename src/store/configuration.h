#pragma once

#include <map>
#include <string>

#include "base/error.h"

namespace tessy {

// The meaning of settings that were not given, by their key in a record ("context", "weights/style").
using UnsetTexts = std::map<std::string, std::string>;

// The difference between the settings with which a run began and those it is given now, "seed 1 -> 2, …";
// empty if there is none. Both are JSON objects. A setting that was not given (absent, 0 or an empty text) is
// shown as `unset` says, "(none)" or its value where that says nothing; one that is absent does not differ
// from one that has the value which `unset` says. Pure.
std::string DifferenceOf(const std::string& recorded_json, const std::string& json,
                         const UnsetTexts& unset = {});

// The first of "path.old-1", "path.old-2", … that is free.
std::string FreeNameAside(const std::string& path);

// Renames a file or folder to the first free "name.old-1", "name.old-2", … and gives that name; empty if
// there is nothing at `path`.
Result<std::string> SetAside(const std::string& path);

// Copies a file under the first of these names that is free, and gives that name.
Result<std::string> CopyAside(const std::string& path);

}  // namespace tessy
