#pragma once

#include <string>

#include "base/error.h"
#include "model/llama/testing/tiny_model.h"

namespace tessy {

// A Hugging Face tokenizer.json in the form that GGUF has. `pre`: llama.cpp's name of its pre-tokenizer. Ends
// the program where the file is no such JSON.
TinyVocabulary FromTokenizerJson(const std::string& path, const std::string& pre);

// Qwen3's own vocabulary and chat template in a GGUF file without weights. kNotFound: not fetched
// (scripts/setup.sh --tests).
Status WriteQwen3Vocabulary(const std::string& path);

}  // namespace tessy
