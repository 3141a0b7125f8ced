#include "report/failure_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(RenderFailure, SaysWhyAndShowsWhatWasWritten) {
  const Failure failure{.id = "q-7",
                        .sample = 2,
                        .reason = "thinking_not_closed",
                        .attempts = 3,
                        .reasons = {"repetition", "thinking_not_closed", "thinking_not_closed"},
                        .failed_attempts_tokens = 24576,
                        .text_end = "so 4.\nWait, 2 + 2 is\n"};
  EXPECT_EQ(RenderFailure(failure, false),
            "q-7/2  repetition; thinking_not_closed, 2 times (24,576 tokens)\n"
            "    so 4.\n"
            "    Wait, 2 + 2 is\n\n");
}

TEST(RenderFailure, AWindowHasNoNumberAndALineOfAnOlderProgramNoText) {
  const std::string text = RenderFailure({.id = "q-1/0#12", .reason = "not_found"}, false);
  EXPECT_THAT(text, StartsWith("q-1/0#12  not_found\n"));
  EXPECT_THAT(text, HasSubstr("its text is not on record"));
  EXPECT_THAT(RenderFailure({.id = "q", .sample = 0, .reason = "empty_generation", .text_end = ""}, false),
              HasSubstr("it wrote nothing"));
}

TEST(RenderFailure, LongTextIsMarkedAsCut) {
  EXPECT_THAT(RenderFailure({.id = "a", .text_end = std::string(kFailedTextCharacters, 'x')}, false),
              HasSubstr("    …xxx"));
}

TEST(RenderFailure, NothingOfTheModelDrivesTheTerminal) {
  const Failure failure{
      .id = "a\x1b[31m", .reason = "b\x07", .reasons = {"b\x07"}, .text_end = "c\x1b]0;title\x07\u202e"};
  const std::string plain = RenderFailure(failure, false);
  for (const char* control : {"\x1b", "\x07", "\u202e"}) EXPECT_THAT(plain, Not(HasSubstr(control)));
  EXPECT_THAT(RenderFailure(failure, true), HasSubstr("\x1b[1m"));
}

}  // namespace
}  // namespace tessy
