#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace tessy {

// The files that a name stands for, ascending: the file itself; the tables in a folder and the folders below
// it (names that end in .jsonl, .ndjson or .parquet, the first two also with .gz or .zst behind; what begins
// with a dot is passed over, and so are run folders: NAME.run, NAME.run.old-1); or what a pattern of *, ? and
// [] matches where there is no file of that name. A folder to which several links lead is read once. "-" is
// standard input. kNotFound: nothing is there, or no table is in it. kIo: a folder that cannot be read.
Result<std::vector<std::string>> TableFiles(const std::string& name);

// True if the name stands for something else than one file: a folder or a pattern.
bool IsSeveralFiles(const std::string& name);

}  // namespace tessy
