#include "dataset/style_spans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "base/utf8.h"

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

constexpr std::string_view kWindow = "Okay, let's see. 7 * 3 = 8; wait, let's see.";

std::string ReasonFor(std::string_view answer) {
  const auto spans = LocateStyle(kWindow, answer);
  return spans ? "" : spans.error().message.substr(0, spans.error().message.find(':'));
}

TEST(LocateStyleTest, FindsSpansInOrder) {
  EXPECT_THAT(LocateStyle(kWindow, R"(["Okay, let's see.", "wait,", "let's see."])").value(),
              ElementsAre(ByteRange{0, 16}, ByteRange{28, 33}, ByteRange{34, 44}));
  EXPECT_THAT(LocateStyle(kWindow, R"(["let's see.", "let's see."])").value(),
              ElementsAre(ByteRange{6, 16}, ByteRange{34, 44}));
  EXPECT_THAT(LocateStyle(kWindow, " [] \n").value(), ElementsAre());
  EXPECT_THAT(LocateStyle(kWindow, R"([" wait, "])").value(), ElementsAre(ByteRange{28, 33}));
}

TEST(LocateStyleTest, AFenceAroundTheArrayIsTakenOff) {
  const auto wait = ElementsAre(ByteRange{28, 33});
  EXPECT_THAT(LocateStyle(kWindow, "```json\n[\"wait,\"]\n```").value(), wait);
  EXPECT_THAT(LocateStyle(kWindow, "\n```\r\n[\"wait,\"]\r\n```\n").value(), wait);
  EXPECT_THAT(LocateStyle(kWindow, "```JSON \n[\"wait,\"]```").value(), wait);
  EXPECT_THAT(LocateStyle(kWindow, "```json\n[]\n```").value(), ElementsAre());
}

TEST(LocateStyleTest, RejectsWhateverElse) {
  EXPECT_EQ(ReasonFor(R"(Here you are: ["wait,"])"), "not_json");
  EXPECT_EQ(ReasonFor("Here:\n```json\n[\"wait,\"]\n```"), "not_json");
  EXPECT_EQ(ReasonFor("```json\n[\"wait,\"]"), "not_json");
  EXPECT_EQ(ReasonFor("```json\n[\"hmm\"]\n```"), "not_found");
  EXPECT_EQ(ReasonFor(R"(["wait,"] I hope that helps.)"), "not_json");
  EXPECT_EQ(ReasonFor(""), "not_json");
  EXPECT_EQ(ReasonFor(R"({"spans":["wait,"]})"), "not_an_array");
  EXPECT_EQ(ReasonFor(R"(["wait,", 3])"), "not_texts");
  EXPECT_EQ(ReasonFor(R"([["wait,"]])"), "not_texts");
  EXPECT_EQ(ReasonFor(R"(["wait,", " "])"), "empty_span");
  EXPECT_EQ(ReasonFor(R"(["hmm"])"), "not_found");
  EXPECT_EQ(ReasonFor(R"(["WAIT,"])"), "not_found");
  EXPECT_EQ(ReasonFor(R"(["wait,", "Okay,"])"), "out_of_order");
  EXPECT_EQ(ReasonFor("[\"\xff\"]"), "bad_utf8");
  EXPECT_EQ(ReasonFor(std::string(10 << 20, '[')), "too_long");
  EXPECT_EQ(ReasonFor("\"" + std::string(60000, 'x') + "\""), "not_an_array");
  EXPECT_EQ(ReasonFor(std::string(60000, '[')), "not_texts");
  EXPECT_EQ(ReasonFor(std::string(30000, '[') + std::string(30000, ']')), "not_texts");
}

// Answers are made of everything that could be in one. In every case the spans lie in the window and ascend,
// or there is a reason.
TEST(LocateStyleTest, AnyAnswerIsSpansOrAReason) {
  const std::vector<std::string> parts{"[",     "]",          "\"",  ",",    "wait,",    "Okay, let's see.",
                                       " ",     "\\u0",       "\\n", "\xff", "\xe2\x82", "7",
                                       "{",     "}",          ":",   "null", "[\"",      "\"]",
                                       "\",\"", "let's see.", "😀"};
  size_t accepted = 0;
  for (uint64_t seed = 0; seed < 20000; ++seed) {
    std::string answer = seed % 2 == 0 ? "[\"" : "";
    const auto length = static_cast<uint64_t>(UniformAt(seed, 0, 0) * 8);
    for (uint64_t i = 1; i <= length; ++i) {
      answer += parts[static_cast<size_t>(UniformAt(seed, 0, i) * static_cast<double>(parts.size()))];
    }
    if (seed % 2 == 0) answer += "\"]";
    const auto spans = LocateStyle(kWindow, answer);
    if (!spans) {
      EXPECT_NE(spans.error().message.find(": "), std::string::npos);
      EXPECT_TRUE(IsValidUtf8(spans.error().message)) << seed;
      continue;
    }
    ++accepted;
    size_t end = 0;
    for (const ByteRange& span : *spans) {
      EXPECT_LE(end, span.start);
      EXPECT_LT(span.start, span.end);
      EXPECT_LE(span.end, kWindow.size());
      end = span.end;
    }
  }
  EXPECT_GT(accepted, 50U);
}

}  // namespace
}  // namespace tessy
