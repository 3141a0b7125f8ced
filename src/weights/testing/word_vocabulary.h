#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "weights/bpe.h"

namespace tessy {

// For tests: a vocabulary in which every word of the texts is one token. It is a .gguf file that is removed
// with the object. Its template opens thinking as the models of the lab do.
class WordVocabulary {
 public:
  explicit WordVocabulary(const std::vector<std::string>& texts)
      : path_(std::filesystem::temp_directory_path() /
              ("words." + std::to_string(getpid()) + "." + std::to_string(Count()) + ".gguf")) {
    constexpr size_t kEnough = 10000;
    const BpeTokenizer words = TrainBpe(texts, kEnough, {"<bos>", "<eos>", "<think>", "</think>"});
    const auto status = WriteTokenizerGguf(path_, words, "<bos>", "<eos>",
                                           "{{ '<bos>' }}{% for m in messages %}{% if m.role == 'user' %}{{ "
                                           "' ' + m.content }}{% endif %}{% endfor %}"
                                           "{% if add_generation_prompt %}{{ '<think>' }}{% endif %}");
    if (!status) path_.clear();
  }
  ~WordVocabulary() { std::filesystem::remove(path_); }
  WordVocabulary(const WordVocabulary&) = delete;
  WordVocabulary& operator=(const WordVocabulary&) = delete;

  const std::string& path() const { return path_; }

 private:
  static int Count() {
    static int count = 0;
    return ++count;
  }
  std::string path_;
};

}  // namespace tessy
