#include "dataset/reference_format.h"

#include <gtest/gtest.h>

#include "dataset/json_fields.h"
#include "dataset/question_parser.h"

namespace tessy {
namespace {

Response Answered(Role answered_by = Role::kStudent) {
  Response response;
  response.messages = {{"user", "Hi"}, {"assistant", "<think>\nOk \"ü\"\n</think>\n\n42"}};
  response.spans = {{Role::kStudent, SpanKind::kStyle, 8, 11, 2},
                    {Role::kTeacher, SpanKind::kCapability, 11, 14, 5},
                    {answered_by, SpanKind::kAnswer, 26, 28, 3}};
  response.stats.student_tokens = 2;
  response.stats.teacher_tokens = 5;
  response.stats.answer_tokens = 3;
  return response;
}

constexpr std::string_view kContent = R"("<think>\nOk \"ü\"\n</think>\n\n42")";
constexpr std::string_view kCounts = R"("n_tokens_total":10,"n_tokens_teacher":5,"n_tokens_student":5})";

std::string Expected(std::string_view before, std::string_view after) {
  return std::string(before) + std::string(kContent) + std::string(after) + std::string(kCounts);
}

TEST(ReferenceFormatTest, ARowWithAPromptGetsItsContentBehindItsOwnFields) {
  EXPECT_EQ(ToReferenceLine(R"({ "id_ddm": "a-1", "prompt" : "Hi", "n": 1.50 , "x":[1, {"a": "b c"}]})",
                            Answered()),
            Expected(R"({"id_ddm":"a-1","prompt":"Hi","n":1.50,"x":[1,{"a":"b c"}],"content":)", ","));
  EXPECT_EQ(ToReferenceLine(R"({"input":"Hi"})", Answered()), Expected(R"({"input":"Hi","content":)", ","));
}

TEST(ReferenceFormatTest, WhatStandsInTheWayIsReplaced) {
  EXPECT_EQ(ToReferenceLine(R"({"content":"old","n_tokens_total":1,"prompt":"Hi","n_tokens_student":null})",
                            Answered()),
            Expected(R"({"prompt":"Hi","content":)", ","));
}

TEST(ReferenceFormatTest, ADialogGetsATurnOrHasItsAnswerReplaced) {
  EXPECT_EQ(ToReferenceLine(R"({"dialogs":[{"role":"user","content":"Hi"}],"id_ddm":7})", Answered()),
            Expected(R"({"dialogs":[{"role":"user","content":"Hi"},{"role":"assistant","content":)",
                     R"(}],"id_ddm":7,)"));
  EXPECT_EQ(ToReferenceLine(
                R"({"dialogs":[{"role":"user","content":"Hi"},{"role":"assistant","content":"old","w":1},)"
                R"({"role":"assistant","content":"older"}],"content":"kept"})",
                Answered()),
            Expected(R"({"dialogs":[{"role":"user","content":"Hi"},{"role":"assistant","content":)",
                     R"(,"w":1}],"content":"kept",)"));
  EXPECT_EQ(ToReferenceLine(R"({"dialogs":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},)"
                            R"({"role":"user","content":"Hi"}]})",
                            Answered()),
            Expected(R"({"dialogs":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},)"
                     R"({"role":"user","content":"Hi"},{"role":"assistant","content":)",
                     "}],"));
}

TEST(ReferenceFormatTest, OtherListsOfTurnsKeepTheirNames) {
  EXPECT_EQ(
      ToReferenceLine(R"({"prompt":null,"conversations":[{"from":"human","value":"Hi"}]})", Answered()),
      Expected(R"({"prompt":null,"conversations":[{"from":"human","value":"Hi"},{"from":"gpt","value":)",
               "}],"));
}

TEST(ReferenceFormatTest, AnAnswerIsCountedWithItsWriter) {
  const std::string line = ToReferenceLine(R"({"prompt":"Hi"})", Answered(Role::kTeacher));
  EXPECT_TRUE(line.ends_with(R"("n_tokens_total":10,"n_tokens_teacher":8,"n_tokens_student":2})")) << line;
}

// A run must recognise the samples that it has finished.
TEST(ReferenceFormatTest, WhatIsWrittenAsksWhatWasAsked) {
  QuestionParser parser;
  for (const std::string_view row :
       {R"({"prompt":"Hi","id_ddm":"a"})",
        R"({"dialogs":[{"role":"system","content":"s"},{"role":"user","content":"Hi"}]})",
        R"({"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"x"}],"id":5})",
        R"({"conversations":[{"from":"human","value":"Hi"}]})", R"({"input":"Hi","system_prompt":"s"})",
        R"({"input":[{"role":"user","content":"Hi"}]})"}) {
    const auto before = parser.Parse(row, QuestionParser::Source::kPassOver);
    const auto after = parser.Parse(ToReferenceLine(row, Answered()), QuestionParser::Source::kPassOver);
    ASSERT_TRUE(before && after) << row;
    EXPECT_EQ(*after, *before) << row;
  }
}

}  // namespace
}  // namespace tessy
