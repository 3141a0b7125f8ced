#include "dataset/failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

using testing::ElementsAre;

TEST(Failure, IsReadAsItWasWritten) {
  const Failure written{.id = "q",
                        .sample = 3,
                        .reason = "repetition",
                        .attempts = 2,
                        .reasons = {"context_full", "repetition"},
                        .failed_attempts_tokens = 17,
                        .text_end = "and so on, and so on"};
  const auto read = ParseFailure(ToJsonLine(written));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->id, "q");
  EXPECT_EQ(read->sample, 3U);
  EXPECT_EQ(read->reason, "repetition");
  EXPECT_EQ(read->attempts, 2U);
  EXPECT_THAT(read->reasons, ElementsAre("context_full", "repetition"));
  EXPECT_EQ(read->failed_attempts_tokens, 17U);
  EXPECT_EQ(read->text_end, "and so on, and so on");
}

TEST(Failure, OlderAndMendedLinesLackFields) {
  const auto read =
      ParseFailure(R"({"question_id": "q", "sample": 0, "reasons": [1, "x"], "attempts": "two"})");
  ASSERT_TRUE(read);
  EXPECT_THAT(read->reasons, ElementsAre("x"));
  EXPECT_EQ(read->attempts, 0U);
  EXPECT_FALSE(read->text_end) << "it was not recorded";
  EXPECT_EQ(NameOf(*read), "q/0");
}

TEST(Failure, RejectedWindowHasAnIdAlone) {
  const auto read = ParseFailure(R"({"id": "q-1/0#12", "reason": "not_found", "text_end": "[]"})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, "q-1/0#12");
  EXPECT_FALSE(read->sample);
  EXPECT_EQ(read->text_end, "[]");
  EXPECT_EQ(NameOf(*read), "q-1/0#12");
}

TEST(Failure, OtherLinesAreRefused) {
  for (const char* line : {"", "[]", "5", "{}", R"({"question_id": "q"})",
                           R"({"question_id": 5, "sample": 0})", R"({"question_id": "q", "sample": -1})",
                           R"({"question_id": "q", "sample": 4294967296})", R"({"id": 5})", R"({"id")"}) {
    EXPECT_FALSE(ParseFailure(line)) << line;
  }
}

}  // namespace
}  // namespace tessy
