#include "model/llama/testing/json_vocabulary.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/testing/source_tree.h"

namespace tessy {

TinyVocabulary FromTokenizerJson(const std::string& path, const std::string& pre) {
  const auto json = nlohmann::json::parse(std::ifstream(path, std::ios::binary));
  TinyVocabulary vocabulary{.pre = pre, .tokens = {}, .types = {}, .merges = {}};
  const auto put = [&](size_t id, std::string text, TinyVocabulary::Type type) {
    constexpr int32_t kUnused = 5;
    while (vocabulary.tokens.size() <= id) {
      vocabulary.tokens.push_back(fmt::format("[PAD{}]", vocabulary.tokens.size()));
      vocabulary.types.push_back(kUnused);
    }
    vocabulary.tokens[id] = std::move(text);
    vocabulary.types[id] = type;
  };
  for (const auto& [text, id] : json.at("model").at("vocab").items()) {
    put(id.get<size_t>(), text, TinyVocabulary::kNormal);
  }
  for (const auto& token : json.at("added_tokens")) {
    const bool special = token.at("special").get<bool>();
    put(token.at("id").get<size_t>(), token.at("content").get<std::string>(),
        special ? TinyVocabulary::kControl : TinyVocabulary::kUserDefined);
  }
  for (const auto& merge : json.at("model").at("merges")) {
    vocabulary.merges.push_back(merge.is_string()
                                    ? merge.get<std::string>()
                                    : merge[0].get<std::string>() + " " + merge[1].get<std::string>());
  }
  return vocabulary;
}

Status WriteQwen3Vocabulary(const std::string& path) {
  const std::string folder = InSource("build/deps/tokenizer-qwen3/models");
  if (!std::filesystem::exists(folder)) {
    return Fail(ErrorCode::kNotFound,
                folder + ": not fetched: run scripts/setup.sh --tests, as make test does");
  }
  TinyVocabulary vocabulary = FromTokenizerJson(folder + "/tokenizer.json", "qwen2");
  vocabulary.bos = 151643;  // <|endoftext|>
  vocabulary.eos = 151645;  // <|im_end|>
  const auto config =
      nlohmann::json::parse(std::ifstream(folder + "/tokenizer_config.json", std::ios::binary));
  return WriteVocabularyFile(path, vocabulary, config.at("chat_template").get<std::string>());
}

}  // namespace tessy
