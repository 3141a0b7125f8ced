#include "select/source_question.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tessy {
namespace {

using testing::HasSubstr;

SourceQuestion Read(std::string_view row) { return SourceParser(SourceColumns()).Parse(row); }

TEST(SourceQuestion, QuestionsAreFoundInTheFormsOfTheReleases) {
  const std::pair<const char*, const char*> cases[] = {
      // OpenThoughts3
      {R"({"difficulty":7,"source":"s","domain":"code","conversations":[{"from":"human","value":"Q1"},{"from":"gpt","value":"A"}]})",
       "Q1"},
      // OpenThoughts-114k
      {R"({"system":"Think.","conversations":[{"from":"user","value":"Q2"},{"from":"assistant","value":"A"}]})",
       "Q2"},
      // OpenCodeReasoning
      {R"({"id":"x","input":"Q3","output":"A","solution":"B","dataset":"taco"})", "Q3"},
      // Nemotron post-training
      {R"({"messages":[{"role":"system","content":""},{"role":"user","content":"Q4","tool_calls":[]},{"role":"assistant","content":"A"}]})",
       "Q4"},
      // Llama-Nemotron, version 1: the markup of its model
      {R"({"input":"<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nQ5<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n","output":"A"})",
       "Q5"},
      {R"({"input":[{"role":"user","content":"Q6"}],"output":"A"})", "Q6"},
      // rStar-Coder, mathematics
      {R"({"question_id":1,"question":"Q7"})", "Q7"},
      {R"({"problem":"Q8","answer":"3"})", "Q8"},
      {R"({"prompt":[{"content":[{"type":"text","text":"Q"},{"type":"text","text":"9"}],"role":"user"}]})",
       "Q\n9"},
      // The first column that says something
      {R"({"question":"-","messages":[],"conversations":null,"prompt":" ","input":"Q10"})", "Q10"},
  };
  for (const auto& [row, text] : cases) {
    const auto question = Read(row);
    EXPECT_EQ(question.reason, "") << row << ": " << question.detail;
    EXPECT_EQ(question.text, text) << row;
  }
}

TEST(SourceQuestion, RowsWithoutAQuestionSayWhy) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"question":"-","dataset":"taco"})", "placeholder"},
      {R"({"input":"  "})", "placeholder"},
      {R"({"answer":"3"})", "no_question"},
      {R"({"messages":[{"role":"assistant","content":"A"}]})", "no_question"},
      {R"({"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"},{"role":"user","content":"R"}]})",
       "multi_turn"},
      {R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":"x"},{"type":"text","text":"Q"}]}]})",
       "image"},
      {R"({"question":"What is seen?","images":["a.png"]})", "image"},
      {R"({"question":7})", "not_text"},
      {R"({"question":)", "bad_line"},
      {R"([1])", "bad_line"},
      {R"({"question":"a \u0000 b"})", "not_text"},
      {R"({"question":"a \ud800 b"})", "not_text"},
      {R"({"messages":[{"role":"user","content":"a \udc00 b"}]})", "not_text"},
  };
  for (const auto& [row, reason] : cases) EXPECT_EQ(Read(row).reason, reason) << row;
  EXPECT_EQ(Read(R"({"question":"Q","images":[],"image":null})").reason, "");
  EXPECT_EQ(Read(R"({"question":"a \ufffd and \ud83d\ude00"})").reason, "");
  EXPECT_EQ(Read(R"({"question":"Q","note":"\ud800"})").reason, "");
}

TEST(SourceQuestion, ResponsesAreDroppedAndOtherFieldsStay) {
  const auto question = Read(
      R"({"id": "a-1", "conversations":[{"from":"human","value":"Q"},{"from":"gpt","value":"A"}], "output":"A",)"
      R"( "solution":"B","difficulty":1.50,"metadata":{"x" : [1, 2]},"answer":"3","source":null,"count":9})");
  EXPECT_EQ(question.rest_json, R"({"difficulty":1.50,"metadata":{"x":[1,2]},"answer":"3"})");
  EXPECT_EQ(question.id, "a-1");
  EXPECT_FALSE(question.has_system);
  EXPECT_TRUE(Read(R"({"question":"Q","system_prompt":"Be brief."})").has_system);
  EXPECT_TRUE(
      Read(R"({"messages":[{"role":"system","content":"B"},{"role":"user","content":"Q"}]})").has_system);
  EXPECT_EQ(Read(R"({"question":"Q"})").rest_json, "");
}

TEST(SourceQuestion, ASourceIdIsAFieldOfTheRowItself) {
  EXPECT_TRUE(Read(R"({"question":"Q","source_id":"s"})").has_source_id);
  EXPECT_FALSE(Read(R"({"question":"Q","source_id":null})").has_source_id);
  EXPECT_FALSE(Read(R"({"question":"Q","metadata":{"source_id":"s"}})").has_source_id);
}

TEST(SourceQuestion, PlaceholdersTellWhereTheirTextIs) {
  const auto question =
      Read(R"({"question":"-","dataset":"open-r1/codeforces","split":"train","index":"17"})");
  EXPECT_EQ(question.dataset, "open-r1/codeforces");
  EXPECT_EQ(question.split, "train");
  EXPECT_EQ(question.index, "17");
  EXPECT_EQ(Read(R"({"question":"-","dataset":"taco","split":"test","index":3})").index, "3");
}

TEST(SourceQuestion, WhatPythonWritesIsTaken) {
  const auto question = Read(R"({"question":"Q","score":NaN,"big":123456789012345678901234567890})");
  EXPECT_EQ(question.text, "Q");
  EXPECT_EQ(question.rest_json, R"({"big":123456789012345678901234567890})");
}

TEST(SourceQuestion, AColumnMayBeNamed) {
  SourceParser parser({"instruction"});
  EXPECT_EQ(parser.Parse(R"({"instruction":"Q","question":"R"})").text, "Q");
  EXPECT_TRUE(parser.CheckColumns(R"({"instruction":"Q"})"));
  const auto missing = parser.CheckColumns(R"({"question":"Q","x":1})");
  ASSERT_FALSE(missing);
  EXPECT_THAT(
      missing.error().message,
      HasSubstr("no column of questions in it (instruction); it has question, x; name the right one"));
}

}  // namespace
}  // namespace tessy
