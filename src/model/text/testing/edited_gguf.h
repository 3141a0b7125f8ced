#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace tessy {

// GGUF files for tests, made from others.

// Writes the model of a file anew in several, PREFIX-00001-of-00003.gguf and so on, each with a share of the
// tensors; with `empty_first` the first has none, as gguf-split --no-tensor-first-split makes it. Returns the
// paths.
Result<std::vector<std::string>> WriteSplitModel(const std::string& path, const std::string& prefix,
                                                 int parts, bool empty_first);

// Writes the file anew with one more value, or with another one for a key that is there.
Status WriteWithNumber(const std::string& path, const std::string& to, const std::string& key,
                       uint32_t value);
// With a list of numbers, one for each layer.
Status WriteWithNumbers(const std::string& path, const std::string& to, const std::string& key,
                        const std::vector<uint32_t>& values);
Status WriteWithText(const std::string& path, const std::string& to, const std::string& key,
                     const std::string& text);
Status WriteWithTexts(const std::string& path, const std::string& to, const std::string& key,
                      const std::vector<std::string>& texts);

}  // namespace tessy
