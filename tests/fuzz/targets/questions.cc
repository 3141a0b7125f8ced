// Rows of questions.
#include "dataset/json_fields.h"
#include "dataset/question.h"
#include "dataset/question_parser.h"
#include "fuzz/target.h"
#include "judge/answer.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  // One parser keeps its buffers from row to row, another is new for each.
  static QuestionParser old;
  QuestionParser fresh;
  const auto question = old.Parse(input, QuestionParser::Source::kKeep);
  const auto again = fresh.Parse(input, QuestionParser::Source::kKeep);
  Require(question.has_value() == again.has_value(), "a parser that has read rows reads as a new one");
  if (!question) {
    Require(question.error().message == again.error().message,
            "a parser that has read rows says what a new one says");
    return Note(question.error().message);
  }
  Require(*question == *again, "a parser that has read rows reads what a new one reads");
  const auto passed = fresh.Parse(input, QuestionParser::Source::kPassOver);
  Require(passed && passed->messages == question->messages && passed->id == question->id,
          "keeping the other fields does not change what is asked");
  Require(!question->messages.empty() && question->messages.back().role == "user",
          "the last message is the user's");
  const std::string& source = question->source_json;
  if (!source.empty()) {
    Require(ParseObject(source).has_value(), "the fields that are kept are a JSON object");
    Require(source.find('\n') == std::string::npos, "the fields that are kept stand on one line");
    const auto expected = ExpectedAnswer(source);
    Note(expected ? "with an answer" : expected.error().message);
  }
  Note(source.empty() ? "a question" : "a question with more fields");
}

const Registration kRegistered(
    {.name = "questions",
     .grammar = kJson,
     .seeds = {R"({"id":"a","prompt":"What is 1 + 2?","answer":"3","task":{"n":[1,2.50,1e3]}})",
               R"({"id":7.0,"system":"Be brief.","messages":[{"role":"user","content":"1 + 2?"},)"
               R"({"role":"assistant","content":"3","reasoning_content":"Hm."},)"
               R"({"role":"user","content":[{"type":"text","text":"And"},"2?"]}],"instruction":null})",
               R"({"conversations":[{"from":"human","value":"a \ud83d\ude00"},{"from":"gpt","value":"b"}]})",
               R"({"id_ddm":"x","dialogs":[{"role":"system","content":"s"},{"role":"user","content":"u"}],)"
               R"("answer":[1e999,NaN,"\ud83d"]})",
               R"({"prompt":"","messages":[],"input":"a","answer":12345678901234567890123})"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
