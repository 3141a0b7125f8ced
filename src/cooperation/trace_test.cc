#include "cooperation/trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace tessy {
namespace {

constexpr Role kStudent = Role::kStudent;
constexpr Role kTeacher = Role::kTeacher;
constexpr SpanKind kStyle = SpanKind::kStyle;
constexpr SpanKind kCapability = SpanKind::kCapability;

TEST(Role, OtherIsItsOwnInverse) {
  EXPECT_EQ(Other(kStudent), kTeacher);
  EXPECT_EQ(Other(kTeacher), kStudent);
}

TEST(Role, NamesAreThoseOfTheOutput) {
  EXPECT_EQ(Name(kStudent), "student");
  EXPECT_EQ(Name(kTeacher), "teacher");
  EXPECT_EQ(Name(kStyle), "style");
  EXPECT_EQ(Name(kCapability), "capability");
  EXPECT_EQ(Name(SpanKind::kThinking), "thinking");
  EXPECT_EQ(Name(SpanKind::kAnswer), "answer");
}

TEST(TraceAppend, OpensASpanForEachChangeOfRole) {
  Trace trace;
  trace.Append(kStudent, kStyle, "Okay,", 2);
  trace.Append(kTeacher, kCapability, " x = 2", 4);
  EXPECT_EQ(trace.text, "Okay, x = 2");
  EXPECT_EQ(trace.spans, (std::vector<Span>{{kStudent, kStyle, 0, 5, 2}, {kTeacher, kCapability, 5, 11, 4}}));
}

TEST(TraceAppend, GoesOnWithTheSpanOfTheSameRoleAndKind) {
  Trace trace;
  trace.Append(kStudent, kStyle, "Wait", 1);
  trace.Append(kStudent, kStyle, ", so", 2);
  EXPECT_EQ(trace.spans, (std::vector<Span>{{kStudent, kStyle, 0, 8, 3}}));
}

TEST(TraceAppend, OpensASpanForAnotherKindOfTheSameRole) {
  Trace trace;
  trace.Append(kStudent, SpanKind::kThinking, "hm", 1);
  trace.Append(kStudent, SpanKind::kAnswer, "42", 1);
  EXPECT_EQ(trace.spans, (std::vector<Span>{{kStudent, SpanKind::kThinking, 0, 2, 1},
                                            {kStudent, SpanKind::kAnswer, 2, 4, 1}}));
}

TEST(TraceAppend, EmptyTextOpensNoSpanButItsTokensCountInTheOpenOne) {
  Trace trace;
  trace.Append(kStudent, kStyle, "", 1);
  EXPECT_EQ(trace, Trace{});
  trace.Append(kStudent, kStyle, "So", 1);
  trace.Append(kStudent, kStyle, "", 1);
  trace.Append(kTeacher, kCapability, "", 1);
  EXPECT_EQ(trace.spans, (std::vector<Span>{{kStudent, kStyle, 0, 2, 2}}));
}

TEST(TraceAppend, KeepsAnyBytes) {
  Trace trace;
  trace.Append(kStudent, kStyle, std::string_view("a\0\xE4", 3), 1);
  EXPECT_EQ(trace.text.size(), 3U);
}

Trace ThreeSpans() {
  Trace trace;
  trace.Append(kStudent, kStyle, "Okay,", 2);
  trace.Append(kTeacher, kCapability, " x = 2", 4);
  trace.Append(kStudent, kStyle, ". Hm", 2);
  return trace;
}

TEST(TraceTruncate, ShortensTheSpanItFallsInto) {
  Trace trace = ThreeSpans();
  trace.Truncate(8);
  EXPECT_EQ(trace.text, "Okay, x ");
  EXPECT_EQ(trace.spans, (std::vector<Span>{{kStudent, kStyle, 0, 5, 2}, {kTeacher, kCapability, 5, 8, 4}}));
}

TEST(TraceTruncate, DropsSpansThatBecomeEmpty) {
  Trace trace = ThreeSpans();
  trace.Truncate(5);
  EXPECT_EQ(trace.spans, (std::vector<Span>{{kStudent, kStyle, 0, 5, 2}}));
  trace.Truncate(0);
  EXPECT_EQ(trace, Trace{});
}

TEST(TraceDropFront, MovesTheSpansAndDropsThoseThatBecomeEmpty) {
  Trace trace = ThreeSpans();
  trace.DropFront(2);
  EXPECT_EQ(trace.text, "ay, x = 2. Hm");
  EXPECT_EQ(trace.spans, (std::vector<Span>{{kStudent, kStyle, 0, 3, 2},
                                            {kTeacher, kCapability, 3, 9, 4},
                                            {kStudent, kStyle, 9, 13, 2}}));
  trace.DropFront(3);
  EXPECT_EQ(trace.spans, (std::vector<Span>{{kTeacher, kCapability, 0, 6, 4}, {kStudent, kStyle, 6, 10, 2}}));
  trace.DropFront(100);
  EXPECT_EQ(trace, Trace{});
}

TEST(TraceTruncate, BeyondTheEndChangesNothing) {
  Trace trace = ThreeSpans();
  trace.Truncate(trace.text.size());
  EXPECT_EQ(trace, ThreeSpans());
  trace.Truncate(1000);
  EXPECT_EQ(trace, ThreeSpans());
  Trace empty;
  empty.Truncate(3);
  EXPECT_EQ(empty, Trace{});
}

void ExpectTiled(const Trace& trace) {
  size_t end = 0;
  for (const Span& span : trace.spans) {
    ASSERT_EQ(span.begin, end);
    ASSERT_LT(span.begin, span.end);
    end = span.end;
  }
  ASSERT_EQ(end, trace.text.size());
}

TEST(Trace, SpansTileTheTextWhateverHappens) {
  constexpr std::array<SpanKind, 2> kKinds = {kStyle, kCapability};
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Trace trace;
    std::string expected;
    for (uint64_t step = 0; step < 60; ++step) {
      const auto draw = Philox4x32({static_cast<uint32_t>(step), 0, 0, 0}, {static_cast<uint32_t>(seed), 0});
      if (draw[0] % 4 == 0) {
        const size_t size = draw[1] % (expected.size() + 2);
        trace.Truncate(size);
        expected.resize(std::min(size, expected.size()));
      } else {
        const std::string written(draw[1] % 4, static_cast<char>('a' + draw[1] % 26));
        trace.Append(draw[2] % 2 == 0 ? kStudent : kTeacher, kKinds[draw[3] % 2], written, 1);
        expected += written;
      }
      ASSERT_EQ(trace.text, expected) << "seed " << seed;
      ASSERT_NO_FATAL_FAILURE(ExpectTiled(trace)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace tessy
