#pragma once

#include <string>

#include "model/text/gguf_file.h"

namespace tessy {

// The content of a model file as one JSON object: name, architecture, sizes, vocabulary, family by the chat
// template, its history of training with `tessy train` ("training"), and the head of a boundary predictor.
// With `all_metadata` also every key of the file, as text ("metadata").
std::string DescribeModel(const GgufFile& file, bool all_metadata);

}  // namespace tessy
