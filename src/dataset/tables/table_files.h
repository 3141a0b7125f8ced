#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace tessy {

// The files that a name stands for, ascending: the file itself; the tables in a folder and the folders below
// it (names that end in .jsonl, .ndjson or .parquet, the first two also with .gz or .zst behind; what begins
// with a dot is passed over); or what a pattern of *, ? and [] matches where there is no file of that name.
// "-" is standard input. kNotFound: nothing is there, or no table is in it.
Result<std::vector<std::string>> TableFiles(const std::string& name);

// True if the name stands for something else than one file: a folder or a pattern.
bool IsSeveralFiles(const std::string& name);

}  // namespace tessy
