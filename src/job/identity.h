#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/error.h"

namespace tessy {

// The last part of a path, be it a file's or a folder's.
std::string FileName(const std::string& path);

// The name of a model in results: a file by its name, a served model by its address.
std::string ModelName(const std::string& spec);

// The name and content of a model file, {"file","fingerprint"}, so that a changed model is noticed wherever
// it lies.
Result<nlohmann::ordered_json> IdentityOfModel(const std::string& path);

// The same of any other file; all of it is read.
Result<nlohmann::ordered_json> IdentityOfData(const std::string& path);

// The same of a table: of a folder or a pattern (dataset/tables/table_files.h) the fingerprint is that of the
// names and contents of its files, in their order; of one file that of IdentityOfData.
Result<nlohmann::ordered_json> IdentityOfTable(const std::string& name);

}  // namespace tessy
