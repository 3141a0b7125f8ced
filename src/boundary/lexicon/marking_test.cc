#include "boundary/lexicon/marking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> Texts(std::string_view text, const std::vector<ByteRange>& spans) {
  std::vector<std::string> texts;
  for (const ByteRange& span : spans) texts.emplace_back(text.substr(span.start, span.end - span.start));
  return texts;
}

TEST(MarkStyleTest, MarksWhatTheLexiconGivesToTheStudent) {
  const std::string_view text = "Okay, let's see. The sum is 12.\nWait, for example, 7 * 3 = 21.";
  EXPECT_THAT(Texts(text, MarkStyle(Lexicon::BuiltIn(), text)),
              ElementsAre("Okay, let's see.", "Wait, for example,"));
  EXPECT_TRUE(MarkStyle(Lexicon::BuiltIn(), "").empty());
}

TEST(MarkStyleTest, TakesWholeMarkersAlone) {
  const auto marked = [](std::string_view text) { return Texts(text, MarkStyle(Lexicon::BuiltIn(), text)); };
  EXPECT_THAT(marked("Okay, let me eat the cake."), ElementsAre("Okay,"));
  EXPECT_THAT(marked("The. Let me. Wait, so the sum"), ElementsAre("Wait, so"));
  EXPECT_THAT(marked("Hmm. Wait. However, the sum is 3"), ElementsAre("Hmm. Wait. However,"));
  EXPECT_THAT(marked("to start the sum is odd; wait"), ElementsAre());
  EXPECT_THAT(marked("7 * 3 = 8; wait, no"), ElementsAre("wait, no"));
  EXPECT_THAT(marked("To start\n\nThe sum is 3"), ElementsAre("To start"));
  EXPECT_THAT(marked("```\nwait, so\n```\n\nSo yes."), ElementsAre("So yes."));
}

TEST(PhrasesTest, LongestPhrasesOfWholeWordsAndNumbers) {
  const Phrases phrases = Phrases::Parse("step # :\nwe\nwe have\n\nso\n", "p.txt").value();
  const auto marked = [&](std::string_view text) { return Texts(text, phrases.Mark(text)); };
  EXPECT_THAT(marked(" step 12 : we have 7 so web we"), ElementsAre("step 12 : we have", "so", "we"));
  EXPECT_THAT(marked("step x : wehave"), ElementsAre());
  EXPECT_THAT(marked("step 1"), ElementsAre());
  EXPECT_THAT(marked(""), ElementsAre());
}

TEST(PhrasesTest, NoPhraseIsAnError) {
  EXPECT_THAT(Phrases::Parse(" \n\n", "p.txt").error().message, HasSubstr("p.txt: holds no phrase"));
}

}  // namespace
}  // namespace tessy
