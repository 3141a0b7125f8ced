// GGUF files: metadata and the list of tensors, and a model opened by them. An input is a file, or lines of
// which one is made: bytes that are changed at random leave the format at once.
//   KEY TYPE VALUE            u32 i32 f32 bool str u64
//   KEY [TYPE] VALUE VALUE…
//   tensor NAME TYPE OFFSET SIZE…
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/target.h"
#include "model/text/gguf_file.h"
#include "weights/gguf_checkpoint.h"

namespace tessy::fuzz {
namespace {

constexpr size_t kDataBytes = 256;
constexpr uint32_t kArray = 9;

struct Type {
  std::string_view name;
  uint32_t number;  // in the format (ggml's docs/gguf.md)
  size_t bytes;     // 0: a text
};
constexpr Type kTypes[] = {{"u8", 0, 1},   {"u32", 4, 4}, {"i32", 5, 4}, {"f32", 6, 4},
                           {"bool", 7, 1}, {"str", 8, 0}, {"u64", 10, 8}};

std::vector<std::string_view> SplitBy(std::string_view text, char c) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(c), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

uint64_t Number(std::string_view text) {
  if (text.starts_with('-')) return 0 - Number(text.substr(1));
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string Bytes(uint64_t number, size_t count) {
  std::string bytes(count, '\0');
  std::memcpy(bytes.data(), &number, count);  // little-endian, as our machines are
  return bytes;
}
std::string Text(std::string_view text) { return Bytes(text.size(), 8).append(text); }

std::string Value(const Type& type, std::string_view text) {
  if (type.bytes == 0) return Text(text);
  if (type.name != "f32") return Bytes(Number(text), type.bytes);
  float number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  uint32_t bits = 0;
  std::memcpy(&bits, &number, sizeof bits);
  return Bytes(bits, sizeof bits);
}

std::string Entry(const std::vector<std::string_view>& words) {
  std::string_view name = words[1];
  const bool is_list = name.starts_with('[') && name.ends_with(']') && name.size() > 2;
  if (is_list) name = name.substr(1, name.size() - 2);
  for (const Type& type : kTypes) {
    if (type.name != name) continue;
    std::string entry = Text(words[0]);
    if (is_list) entry += Bytes(kArray, 4);
    entry += Bytes(type.number, 4);
    if (is_list) entry += Bytes(words.size() - 2, 8);
    for (size_t i = 2; i < words.size() && (is_list || i == 2); ++i) entry += Value(type, words[i]);
    return entry;
  }
  return {};
}

std::string FileOf(std::string_view lines) {
  uint64_t entries = 0;
  uint64_t tensors = 0;
  std::string entry_bytes;
  std::string tensor_bytes;
  for (const std::string_view line : SplitBy(lines, '\n')) {
    const auto words = SplitBy(line, ' ');
    if (words.size() < 3) continue;
    if (words[0] == "tensor" && words.size() >= 4) {
      ++tensors;
      tensor_bytes += Text(words[1]) + Bytes(words.size() - 4, 4);
      for (size_t i = 4; i < words.size(); ++i) tensor_bytes += Bytes(Number(words[i]), 8);
      tensor_bytes += Bytes(Number(words[2]), 4) + Bytes(Number(words[3]), 8);
    } else if (const std::string entry = Entry(words); !entry.empty()) {
      ++entries;
      entry_bytes += entry;
    }
  }
  std::string file =
      "GGUF" + Bytes(3, 4) + Bytes(tensors, 8) + Bytes(entries, 8) + entry_bytes + tensor_bytes;
  file.resize((file.size() + 31) / 32 * 32 + kDataBytes);
  return file;
}

void Open(std::string_view content) {
  const MemoryFile memory(content);
  const auto file = GgufFile::Open(memory.path());
  if (!file) return Note(std::string_view(file.error().message).substr(memory.path().size()));
  for (const auto& [key, text] : file->Describe()) {
    file->Number(key);
    file->Boolean(key);
    file->Strings(key);
    file->Floats(key);
  }
  file->cache_values_per_token();
  file->vocabulary_fingerprint();
  file->content_fingerprint();
  for (const auto& tensor : file->tensors()) {
    Require(tensor.offset <= content.size() && tensor.bytes <= content.size() - tensor.offset,
            "a tensor lies in its file");
    Note(file->ReadFloats(tensor) ? "numbers" : "no numbers");
  }
  const auto checkpoint = OpenGgufCheckpoint(memory.path());
  Note(checkpoint ? "a model" : std::string_view(checkpoint.error().message).substr(memory.path().size()));
}

void Run(std::string_view input) { Open(input.starts_with("GGUF") ? std::string(input) : FileOf(input)); }

constexpr std::string_view kModel =
    "general.architecture str qwen3\nqwen3.block_count u32 1\nqwen3.embedding_length u32 2\n"
    "qwen3.attention.head_count u32 2\nqwen3.attention.head_count_kv u32 1\nqwen3.attention.key_length u32 "
    "2\n"
    "qwen3.attention.value_length u32 2\nqwen3.context_length u64 9\nqwen3.feed_forward_length i32 2\n"
    "qwen3.rope.freq_base f32 10000\nqwen3.attention.layer_norm_rms_epsilon f32 1e-6\n"
    "tokenizer.ggml.tokens [str] a b\ntokenizer.ggml.scores [f32] 0.5 -1\ntokenizer.ggml.add_bos_token bool "
    "1\n"
    "tensor token_embd.weight 0 0 2 2\ntensor output_norm.weight 0 32 2\n";
constexpr std::string_view kExperts =
    "general.architecture str llama\nllama.expert_count u32 8\nllama.expert_used_count u32 2\n"
    "llama.expert_group_count u32 4\nllama.expert_group_used_count u32 2\nllama.rope.scaling.type str yarn\n"
    "llama.attention.head_count_kv [i32] 1 2\nllama.rope.dimension_count u32 2\nsplit.count u32 1\nsplit.no "
    "u32 0\n"
    "tensor a 8 0 32 1\ntensor b 1 64 4 4\n";

constexpr std::string_view kValues[] = {"0",
                                        "1",
                                        "3",
                                        "512",
                                        "1025",
                                        "65536",
                                        "16777217",
                                        "2147483647",
                                        "2147483648",
                                        "4294967295",
                                        "-1",
                                        "4611686018427387904",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "18446744073709551615",
                                        "18446744073709551584",
                                        "u8",
                                        "u32",
                                        "i32",
                                        "f32",
                                        "bool",
                                        "str",
                                        "u64",
                                        "[u32]",
                                        "[i32]",
                                        "[f32]",
                                        "[str]",
                                        "1e38",
                                        "llama",
                                        "qwen3",
                                        "none",
                                        "tensor",
                                        "split.count",
                                        "qwen3.block_count",
                                        "qwen3.attention.head_count",
                                        "qwen3.attention.head_count_kv",
                                        "qwen3.attention.value_length",
                                        "llama.expert_count",
                                        "\n",
                                        " ",
                                        "tensor c 30 0 2 2 2 2 2\n",
                                        "tensor output.weight 0 0 2 2\n"};
constinit const Grammar kLines{kValues, {}};

const Registration kRegistered({.name = "gguf_files",
                                .grammar = kLines,
                                .seeds = {std::string(kModel), std::string(kExperts), FileOf(kModel),
                                          "split.count u64 3\n"},
                                .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
