#include "weights/bpe.h"

#include <fmt/format.h>
#include <ggml.h>
#include <gguf.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>

namespace tessy {
namespace {

bool IsLetter(unsigned char c) { return c >= 0x80 || std::isalpha(c); }
bool IsDigit(unsigned char c) { return c < 0x80 && std::isdigit(c); }
bool IsSpace(unsigned char c) { return c < 0x80 && std::isspace(c); }

// GPT-2 writes printable bytes as themselves, and the others as characters from U+0100 on.
std::string Shown(unsigned char byte) {
  const auto prints = [](int b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174; };
  int code = byte;
  if (!prints(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += prints(b) ? 0 : 1;
  }
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
}

struct Word {
  std::vector<int> parts;
  uint64_t count = 0;
};

using Pair = std::pair<int, int>;

// The most frequent pair. Among equal ones it is the smallest by token number, which is the same on every
// machine.
std::pair<Pair, uint64_t> MostFrequent(const std::vector<Word>& words) {
  std::map<Pair, uint64_t> counts;
  for (const Word& word : words) {
    for (size_t i = 1; i < word.parts.size(); ++i) counts[{word.parts[i - 1], word.parts[i]}] += word.count;
  }
  std::pair<Pair, uint64_t> best{{0, 0}, 0};
  for (const auto& [pair, count] : counts) {
    if (count > best.second) best = {pair, count};
  }
  return best;
}

void Merge(std::vector<int>& parts, Pair pair, int merged) {
  size_t kept = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool found = i + 1 < parts.size() && parts[i] == pair.first && parts[i + 1] == pair.second;
    parts[kept++] = found ? merged : parts[i];
    i += found ? 1 : 0;
  }
  parts.resize(kept);
}

}  // namespace

std::vector<std::string_view> SplitGpt2(std::string_view text) {
  constexpr std::string_view kContractions[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
  std::vector<std::string_view> words;
  const auto kind_of = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return IsSpace(byte) ? 0 : IsLetter(byte) ? 1 : IsDigit(byte) ? 2 : 3;
  };
  while (!text.empty()) {
    size_t end = 0;
    for (const std::string_view contraction : kContractions) {
      if (text.starts_with(contraction)) end = contraction.size();
    }
    if (end == 0) {
      const size_t start = text[0] == ' ' && text.size() > 1 && kind_of(text[1]) != 0 ? 1 : 0;
      const int kind = kind_of(text[start]);
      end = start + 1;
      while (end < text.size() && kind_of(text[end]) == kind) ++end;
      // The last of the spaces before a word belongs to the word.
      if (kind == 0 && end < text.size() && end > 1) --end;
    }
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

BpeTokenizer TrainBpe(const std::vector<std::string>& texts, size_t size,
                      const std::vector<std::string>& specials) {
  BpeTokenizer tokenizer{.specials = specials, .tokens = specials, .merges = {}};
  const int first_byte = static_cast<int>(tokenizer.tokens.size());
  for (int byte = 0; byte < 256; ++byte) tokenizer.tokens.push_back(Shown(static_cast<unsigned char>(byte)));

  std::map<std::string_view, uint64_t> counts;
  for (const std::string& text : texts) {
    for (const std::string_view word : SplitGpt2(text)) ++counts[word];
  }
  std::vector<Word> words;
  for (const auto& [text, count] : counts) {
    Word word{.parts = {}, .count = count};
    for (const char c : text) word.parts.push_back(first_byte + static_cast<unsigned char>(c));
    words.push_back(std::move(word));
  }
  while (tokenizer.tokens.size() < size) {
    const auto [pair, count] = MostFrequent(words);
    if (count == 0) break;
    const std::string& left = tokenizer.tokens[static_cast<size_t>(pair.first)];
    const std::string& right = tokenizer.tokens[static_cast<size_t>(pair.second)];
    tokenizer.merges.push_back(left + " " + right);
    tokenizer.tokens.push_back(left + right);
    const int merged = static_cast<int>(tokenizer.tokens.size()) - 1;
    for (Word& word : words) Merge(word.parts, pair, merged);
  }
  return tokenizer;
}

Status WriteTokenizerGguf(const std::string& path, const BpeTokenizer& tokenizer, std::string_view bos,
                          std::string_view eos, std::string_view chat_template) {
  const std::unique_ptr<gguf_context, decltype(&gguf_free)> gguf(gguf_init_empty(), gguf_free);
  const auto id_of = [&](std::string_view text) {
    return static_cast<uint32_t>(std::find(tokenizer.tokens.begin(), tokenizer.tokens.end(), text) -
                                 tokenizer.tokens.begin());
  };
  const auto set_all = [&](const char* key, const std::vector<std::string>& texts) {
    std::vector<const char*> pointers;
    for (const std::string& text : texts) pointers.push_back(text.c_str());
    gguf_set_arr_str(gguf.get(), key, pointers.data(), pointers.size());
  };
  constexpr int32_t kNormal = 1;  // llama.cpp's token types
  constexpr int32_t kControl = 3;
  std::vector<int32_t> types(tokenizer.tokens.size(), kNormal);
  std::fill_n(types.begin(), tokenizer.specials.size(), kControl);
  gguf_set_val_str(gguf.get(), "general.architecture", "qwen3");
  gguf_set_val_str(gguf.get(), "tokenizer.ggml.model", "gpt2");
  gguf_set_val_str(gguf.get(), "tokenizer.ggml.pre", "gpt-2");
  set_all("tokenizer.ggml.tokens", tokenizer.tokens);
  set_all("tokenizer.ggml.merges", tokenizer.merges);
  gguf_set_arr_data(gguf.get(), "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(), types.size());
  gguf_set_val_u32(gguf.get(), "tokenizer.ggml.bos_token_id", id_of(bos));
  gguf_set_val_u32(gguf.get(), "tokenizer.ggml.eos_token_id", id_of(eos));
  gguf_set_val_bool(gguf.get(), "tokenizer.ggml.add_bos_token", false);
  gguf_set_val_str(gguf.get(), "tokenizer.chat_template", std::string(chat_template).c_str());
  if (!gguf_write_to_file(gguf.get(), path.c_str(), /*only_meta=*/true)) {
    return Fail(ErrorCode::kIo, fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
  }
  return {};
}

}  // namespace tessy
