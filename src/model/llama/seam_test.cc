#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/random.h"
#include "base/testing/source_tree.h"
#include "base/utf8.h"
#include "cooperation/cut.h"
#include "model/llama/testing/json_vocabulary.h"
#include "model/llama/testing/tiny_model.h"
#include "model/text/llama_vocabulary.h"

// Do texts that are parted at our seams tokenise as the whole does? On vocabularies of real models.

namespace tessy {
namespace {

using Tokens = std::vector<TokenId>;

// These tests run on one thread, and the vocabularies differ in data alone: ThreadSanitizer learns from one
// vocabulary and a few texts what it learns from all.
#ifdef __SANITIZE_THREAD__
constexpr bool kFew = true;
#else
constexpr bool kFew = false;
#endif

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string Sample(const std::string& name) {
  return ReadFile(std::filesystem::path(InSource("src/model/llama/testdata")) / name);
}

// ---- Vocabularies. llama.cpp brings some; scripts/setup.sh --tests fetches the others.

struct Source {
  const char* name;
  const char* path;  // in llama.cpp's models, or beside it where a pre-tokenizer is given
  const char* pre;

  friend void PrintTo(const Source& source, std::ostream* out) { *out << source.name; }
};

// Loaded once each: the large ones take a second.
std::shared_ptr<const Vocabulary> VocabularyOf(const Source& source) {
  static std::map<std::string, std::shared_ptr<const Vocabulary>> loaded;
  auto& vocabulary = loaded[source.name];
  if (vocabulary) return vocabulary;
  std::filesystem::path path = std::filesystem::path(InLlamaSource("models")) / source.path;
  if (source.pre != nullptr) {
    const auto json = std::filesystem::path(InSource("build/deps")) / source.path;
    if (!std::filesystem::exists(json)) return nullptr;
    path = std::filesystem::path(testing::TempDir()) / fmt::format("tessy_seam_test_{}.gguf", source.name);
    EXPECT_TRUE(WriteVocabularyFile(path, FromTokenizerJson(json, source.pre)).has_value());
  }
  auto result = LoadVocabulary(path);
  if (!result) {
    ADD_FAILURE() << result.error().message;
    return nullptr;
  }
  return vocabulary = *result;
}

class SeamTest : public testing::TestWithParam<Source> {
 protected:
  void SetUp() override {
    vocabulary_ = VocabularyOf(GetParam());
    ASSERT_TRUE(vocabulary_) << "not fetched: run scripts/setup.sh --tests, as make test does";
  }

  Tokens InPieces(std::string_view text) const {
    Tokens tokens;
    const auto feed = [&](std::string_view piece) {
      const Tokens more = vocabulary_->Tokenize(piece);
      tokens.insert(tokens.end(), more.begin(), more.end());
    };
    PieceSplitter splitter;
    splitter.Push(text, feed);
    splitter.Finish(feed);
    return tokens;
  }

  // Compares a few words around the place only: no tokenizer looks further.
  bool TokenisesAlike(std::string_view text, size_t at) const {
    constexpr size_t kReach = 80;
    size_t begin = at < kReach ? 0 : at - kReach;
    while (begin < at && (text[begin] & 0xC0) == 0x80) ++begin;
    text = text.substr(begin, 2 * kReach);
    text.remove_suffix(IncompleteTail(text));
    at -= begin;
    const Tokens whole = vocabulary_->Tokenize(text);
    Tokens parted = vocabulary_->Tokenize(text.substr(0, at));
    const Tokens rest = vocabulary_->Tokenize(text.substr(at));
    parted.insert(parted.end(), rest.begin(), rest.end());
    return parted == whole;
  }

  // Every place in the text of this kind, and how many of them change the tokens.
  struct Count {
    size_t places = 0;
    size_t differ = 0;
    std::string examples;
  };
  template <class IsPlace>
  Count CountPlaces(std::string_view text, IsPlace&& is_place) const {
    Count count;
    for (size_t at = 1; at < text.size(); ++at) {
      if (IncompleteTail(text.substr(0, at)) != 0 || !is_place(text.substr(0, at), text.substr(at))) continue;
      ++count.places;
      if (TokenisesAlike(text, at)) continue;
      const size_t begin = at < 8 ? 0 : at - 8;
      if (++count.differ <= 5) {
        const nlohmann::json sides{std::string(text.substr(begin, at - begin)),
                                   std::string(text.substr(at, 8))};
        count.examples += sides.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
      }
    }
    return count;
  }

  std::shared_ptr<const Vocabulary> vocabulary_;
};

TEST_P(SeamTest, PiecesTokeniseAsTheWholeDoes) {
  for (const char* name : {"prose.txt", "code.txt", "markdown.txt"}) {
    const std::string text = Sample(name);
    EXPECT_EQ(InPieces(text), vocabulary_->Tokenize(text)) << name;
  }
}

TEST_P(SeamTest, EverySeamIsOne) {
  for (const char* name : {"prose.txt", "code.txt", "markdown.txt", "chinese.txt", "japanese.txt"}) {
    const Count count = CountPlaces(Sample(name), IsSeam);
    EXPECT_EQ(count.differ, 0U) << name << ", of " << count.places << ":\n" << count.examples;
    const bool spaceless =
        std::string_view(name) == "chinese.txt" || std::string_view(name) == "japanese.txt";
    EXPECT_GT(count.places, spaceless ? 25U : 150U) << name;
  }
}

// Random short texts of every character that tokenizers treat in a way of its own.
TEST_P(SeamTest, EverySeamOfAnyTextIsOne) {
  const std::vector<std::string> parts{" ",       " ",  "\n", "\n", "\t",     "\r\n", "/",  ".",      "a",
                                       "Is",      "'s", "12", "=",  "\u00A0", "中",   "。", "\u3000", "é",
                                       "e\u0301", "😀",  "_",  "#",  "{",      "-",    "\r", "ß",      "٣"};
  size_t places = 0;
  // llama.cpp takes a millisecond for each call here, however short the text.
  const uint64_t texts = kFew ? 30 : std::string_view(GetParam().name) == "gpt_oss" ? 300 : 3000;
  for (uint64_t seed = 0; seed < texts; ++seed) {
    std::string text;
    for (uint64_t i = 0; i < 10; ++i) {
      text += parts[static_cast<size_t>(UniformAt(21, seed, i) * static_cast<double>(parts.size()))];
    }
    const Count count = CountPlaces(text, IsSeam);
    places += count.places;
    ASSERT_EQ(count.differ, 0U) << nlohmann::json(text) << "\n" << count.examples;
  }
  EXPECT_GT(places, texts);
}

// Between characters of scripts without spaces the tokens may differ: prints how often.
TEST_P(SeamTest, CountsPlacesBetweenCharacters) {
  for (const char* name : {"chinese.txt", "japanese.txt"}) {
    const std::string text = Sample(name);
    const Count count = CountPlaces(text, [](std::string_view before, std::string_view after) {
      return IsCutPlace(before, after) && !IsSeam(before, after);
    });
    EXPECT_GT(count.places, 200U);
    const double share = 100.0 * static_cast<double>(count.differ) / static_cast<double>(count.places);
    RecordProperty(fmt::format("{}_places", name), static_cast<int>(count.places));
    RecordProperty(fmt::format("{}_differ", name), static_cast<int>(count.differ));
    fmt::print("{}, {}: {} of {} cuts between characters change the tokens ({:.1f} %)\n", GetParam().name,
               name, count.differ, count.places, share);
  }
}

// Engines and runs share one vocabulary among their threads.
TEST_P(SeamTest, ThreadsThatTokeniseAtOnceGetTheSameTokens) {
  const std::string text = Sample("markdown.txt").substr(0, 1000);
  std::vector<Tokens> together(4);
  std::vector<std::thread> threads;
  for (Tokens& tokens : together) threads.emplace_back([&] { tokens = InPieces(text); });
  for (std::thread& thread : threads) thread.join();
  const Tokens alone = InPieces(text);
  for (const Tokens& tokens : together) EXPECT_EQ(tokens, alone);
}

std::vector<Source> Sources() {
  const std::vector<Source> all{{"qwen2", "ggml-vocab-qwen2.gguf", nullptr},
                                {"qwen35", "ggml-vocab-qwen35.gguf", nullptr},
                                {"llama_bpe", "ggml-vocab-llama-bpe.gguf", nullptr},
                                {"llama_spm", "ggml-vocab-llama-spm.gguf", nullptr},
                                {"gpt_oss", "tokenizer-gptoss/models/tokenizer.json", "gpt-4o"},
                                {"qwen3", "tokenizer-qwen3/models/tokenizer.json", "qwen2"}};
  return kFew ? std::vector<Source>{all.front()} : all;
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, SeamTest, testing::ValuesIn(Sources()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace tessy
