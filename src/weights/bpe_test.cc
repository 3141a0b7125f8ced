#include "weights/bpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "model/text/llama_vocabulary.h"

namespace tessy {
namespace {

using testing::ElementsAre;

const std::vector<std::string> kTexts{"okay, let's see. first, now times, 10 * 6 = 8;",
                                      "wait, let me check, 10 * 6 = 8; yes.", "naïve … 日本語\n\n  x"};

TEST(BpeTest, SplitsAsGpt2) {
  EXPECT_THAT(SplitGpt2("let's see. 10 *6"), ElementsAre("let", "'s", " see", ".", " 10", " *", "6"));
  EXPECT_THAT(SplitGpt2("a  b\n"), ElementsAre("a", " ", " b", "\n"));
  EXPECT_THAT(SplitGpt2("  "), ElementsAre("  "));
  EXPECT_TRUE(SplitGpt2("").empty());
}

// llama.cpp is the judge of what the file means.
TEST(BpeTest, LlamaCppReadsTheVocabularyAndGivesTheTextBack) {
  const BpeTokenizer tokenizer = TrainBpe(kTexts, 290, {"<bos>", "<think>", "</think>", "<eos>"});
  ASSERT_EQ(tokenizer.tokens.size(), 290U);
  EXPECT_EQ(tokenizer.merges.size(), 290U - 256U - 4U);
  const std::string path =
      std::filesystem::temp_directory_path() / ("bpe_test." + std::to_string(getpid()) + ".gguf");
  ASSERT_TRUE(WriteTokenizerGguf(path, tokenizer, "<bos>", "<eos>", "{{ messages }}"));
  const auto vocabulary = LoadVocabulary(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(vocabulary) << vocabulary.error().message;
  EXPECT_EQ((*vocabulary)->size(), 290U);
  for (const std::string& text : kTexts) {
    std::string back;
    for (const TokenId token : (*vocabulary)->Tokenize(text)) back += (*vocabulary)->Piece(token);
    EXPECT_EQ(back, text);
  }
  EXPECT_EQ((*vocabulary)->Tokenize(" 10").size(), 1U);
  EXPECT_EQ((*vocabulary)->TokenizeMarkup("</think>").size(), 1U);
}

TEST(BpeTest, TakesNoMoreTokensThanTheTextsHave) {
  EXPECT_EQ(TrainBpe({"ab"}, 1000, {}).tokens.size(), 257U);
}

}  // namespace
}  // namespace tessy
