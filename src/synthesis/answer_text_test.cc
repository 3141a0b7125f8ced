#include "synthesis/answer_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

using testing::ElementsAre;

struct Written {
  std::string text;
  uint64_t tokens = 0;
  std::string end;  // "whole", "goes on", or why it failed
};

// The pieces as tokens of drafts of `draft` tokens; "$" ends the sequence, "^" is a close token without text.
Written Write(const AnswerRules& rules, const std::vector<std::string>& pieces, size_t draft = 2) {
  Written written;
  AnswerText answer(rules, written.text, written.tokens);
  written.end = "goes on";
  for (size_t at = 0; at < pieces.size() && written.end == "goes on"; at += draft) {
    Draft next;
    for (size_t i = at; i < std::min(at + draft, pieces.size()); ++i) {
      const bool ends = pieces[i] == "$";
      const bool closes = pieces[i] == "^";
      next.tokens.push_back({.id = static_cast<TokenId>(i),
                             .text = ends || closes ? "" : pieces[i],
                             .end = ends     ? DraftToken::End::kSequence
                                    : closes ? DraftToken::End::kThinking
                                             : DraftToken::End::kNone});
    }
    const auto end = answer.Take(next);
    if (!end) written.end = Name(end.error());
    if (end && *end) written.end = "whole";
  }
  return written;
}

std::string Shown(const Written& written) {
  return written.text + "|" + std::to_string(written.tokens) + "|" + written.end;
}

TEST(AnswerText, EndsWithItsSequence) {
  EXPECT_EQ(Shown(Write({}, {" It", " is", " 42", ".", "$"})), " It is 42.|4|whole");
  EXPECT_EQ(Shown(Write({}, {" It", " is"})), " It is|2|goes on");
  EXPECT_EQ(Shown(Write({}, {" ", "\n", "$"})), " \n|2|empty_generation");
}

TEST(AnswerText, AStopEndsItHoweverItComes) {
  const std::vector<std::string> stops{"\nQuestion:"};
  const AnswerRules rules{.stops = stops};
  const std::vector<std::string> pieces{"4", "2", "\n\n", "Quest", "ion", ":", " What"};
  for (size_t draft = 1; draft < 8; ++draft) EXPECT_EQ(Shown(Write(rules, pieces, draft)), "42|2|whole");
  EXPECT_EQ(Shown(Write(rules, {"4", "2.\nQuestion: And?"})), "42.|2|whole") << "one token with both";
  EXPECT_EQ(Shown(Write(rules, {"\nQuestion:", " What"})), "|0|empty_generation");
}

constexpr const char* kThought = "thinking_written";

AnswerRules Alone() { return {.alone = true, .openers = {"<think>"}, .closers = {"</think>", "<|end|>"}}; }

TEST(AnswerText, BlankThinkingIsDroppedWhereNoneIsAskedFor) {
  EXPECT_EQ(Shown(Write(Alone(), {"<think>", "\n\n", "</think>", "\n\n", "4", "2", "$"})), "42|2|whole");
  EXPECT_EQ(Shown(Write(Alone(), {"\n", "</think>", "\n\n42", "$"})), "42|1|whole");
  EXPECT_EQ(Shown(Write(Alone(), {"<thi", "nk></", "think> 42", "$"})), "42|1|whole");
  EXPECT_EQ(Shown(Write(Alone(), {" 42", "$"})), " 42|1|whole") << "what is no thinking stays";
  EXPECT_EQ(Shown(Write(Alone(), {"<think>", "</think>", "<think>", "</think>", "$"})),
            "|0|empty_generation");
}

TEST(AnswerText, ThinkingFailsTheAnswerWhereNoneIsAskedFor) {
  for (size_t draft = 1; draft < 5; ++draft) {
    EXPECT_EQ(Write(Alone(), {"<think>", "\n", "Okay", ", so"}, draft).end, kThought);
    EXPECT_EQ(Write(Alone(), {"Okay", ", so", "</th", "ink>", " 42", "$"}, draft).end, kThought);
  }
  EXPECT_EQ(Write(Alone(), {"<think>", "$"}).end, kThought);
  // Where thinking is asked for, the answer may speak of it.
  AnswerRules rules = Alone();
  rules.alone = false;
  EXPECT_EQ(Shown(Write(rules, {"<think>", " and", "</think>", "$"})), "<think> and</think>|3|whole");
}

TEST(AnswerText, ACloseTokenWithoutTextIsReadAsAMark) {
  for (size_t draft = 1; draft < 5; ++draft) {
    EXPECT_EQ(Shown(Write(Alone(), {"\n\n", "^", "\n\n", "4", "2", "$"}, draft)), "42|2|whole");
    EXPECT_EQ(Shown(Write(Alone(), {"<think>", "^", "42", "$"}, draft)), "42|1|whole");
    EXPECT_EQ(Shown(Write(Alone(), {"Okay", ", so", "^", " 42", "$"}, draft)),
              "Okay, so</think>|3|thinking_written");
  }
}

TEST(AnswerText, LoopsAreFound) {
  EXPECT_EQ(Write({}, std::vector<std::string>(64, " so it is")).end, "repetition");
}

TEST(AnswerText, TheNextDraftStandsBehindTheText) {
  std::string text;
  uint64_t tokens = 7;
  AnswerText answer({}, text, tokens);
  EXPECT_EQ(tokens, 0U);
  ASSERT_TRUE(answer.Take({.tokens = {{.id = 1, .text = " a"}, {.id = 2, .text = ""}}}));
  const DraftPosition at = answer.Position(5);
  EXPECT_THAT((std::vector{at.stream, at.offset, at.zero_byte_tokens}), ElementsAre(5U, 2U, 1U));
}

}  // namespace
}  // namespace tessy
