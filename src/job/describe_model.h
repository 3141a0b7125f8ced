#pragma once

#include <string>

#include "model/text/gguf_file.h"

namespace tessy {

// What a model file holds, as one JSON object: name, architecture, sizes, vocabulary, family by the chat
// template, how `tessy train` made it ("training"), the head of a boundary predictor. With `all_metadata`
// every key of the file, too, as text ("metadata").
std::string DescribeModel(const GgufFile& file, bool all_metadata);

}  // namespace tessy
