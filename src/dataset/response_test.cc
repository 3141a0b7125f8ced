#include "dataset/response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace tessy {
namespace {

using testing::HasSubstr;

Response Sample() {
  return {.id = "q-1/0",
          .question_id = "q-1",
          .sample = 3,
          .method = "tessy",
          .messages = {{"user", "Frage: \"ü\"?"}, {"assistant", "<think>\nOkäy,方 x\n</think>\n\n42"}},
          .spans = {{Role::kStudent, SpanKind::kStyle, 8, 13, 2},
                    {Role::kTeacher, SpanKind::kCapability, 13, 16, 4},
                    {Role::kStudent, SpanKind::kAnswer, 27, 29, 1}},
          .closed_by = "student",
          .stats = {.student_tokens = 2,
                    .teacher_tokens = 4,
                    .answer_tokens = 1,
                    .switches = 1,
                    .drafted_tokens = 8,
                    .discarded_tokens = 1,
                    .attempts = 2,
                    .failed_attempts_tokens = 9,
                    .candidates = 1,
                    .wall_ms = 1234},
          .models = {.student = "s.gguf", .teacher = "http://h:1/v1#t", .student_boundary = "lexicon"},
          .sampling = {.temperature = 0.7, .top_p = 0.8, .top_k = 20, .min_p = 0},
          .seed = 18446744073709551615u,
          .source_json = R"({"difficulty":9.0,"n":1E2})"};
}

constexpr std::string_view kSampleLine =
    R"({"id":"q-1/0","question_id":"q-1","sample":3,"method":"tessy",)"
    R"("messages":[{"role":"user","content":"Frage: \"ü\"?"},)"
    R"({"role":"assistant","content":"<think>\nOkäy,方 x\n</think>\n\n42"}],)"
    R"("spans":[{"role":"student","kind":"style","start":8,"end":13,"tokens":2},)"
    R"({"role":"teacher","kind":"capability","start":13,"end":16,"tokens":4},)"
    R"({"role":"student","kind":"answer","start":27,"end":29,"tokens":1}],"closed_by":"student",)"
    R"("stats":{"thinking_tokens":6,"student_tokens":2,"teacher_tokens":4,"answer_tokens":1,"switches":1,)"
    R"("drafted_tokens":8,"discarded_tokens":1,"attempts":2,"failed_attempts_tokens":9,"wall_ms":1234},)"
    R"("models":{"student":"s.gguf","teacher":"http://h:1/v1#t","student_boundary":"lexicon"},)"
    R"("sampling":{"temperature":0.7,"top_p":0.8,"top_k":20,"min_p":0.0},"seed":18446744073709551615,)"
    R"("source":{"difficulty":9.0,"n":1E2}})";

TEST(ResponseTest, ALineHasTheKeysOfTheContractInItsOrder) { EXPECT_EQ(ToJsonLine(Sample()), kSampleLine); }

TEST(ResponseTest, WhatIsWrittenIsRead) {
  Response bare = Sample();
  bare.closed_by.clear();
  bare.source_json.clear();
  bare.spans.clear();
  bare.models = {};
  for (const Response& response : {Sample(), bare}) {
    const auto read = ParseResponse(ToJsonLine(response));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, response);
  }
  EXPECT_THAT(ToJsonLine(bare), HasSubstr(R"("closed_by":null)"));
  EXPECT_THAT(ToJsonLine(bare), testing::Not(HasSubstr(R"("thinking":)")));
  bare.thinks = false;
  EXPECT_THAT(ToJsonLine(bare), HasSubstr(R"("thinking":"off","closed_by":null)"));
  EXPECT_EQ(*ParseResponse(ToJsonLine(bare)), bare);
  EXPECT_THAT(ToJsonLine(bare), HasSubstr(R"("models":{})"));
}

TEST(ResponseTest, ALineIsAlwaysUtf8) {
  Response response = Sample();
  response.messages[1].content[9] = '\xFF';
  response.models.teacher = "t\xC3";
  const std::string line = ToJsonLine(response);
  EXPECT_TRUE(IsValidUtf8(line));
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_TRUE(ParseResponse(line)) << ParseResponse(line).error().message;
}

TEST(ResponseTest, FailedAttemptsMayBeLeftOutAndUnknownKeysAreIgnored) {
  auto row = nlohmann::ordered_json::parse(kSampleLine);
  row["stats"].erase("failed_attempts_tokens");
  row["new"] = 1;
  const auto read = ParseResponse(row.dump());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->stats.failed_attempts_tokens, 0u);
}

// A table has a column for whatever one of its rows has.
TEST(ResponseTest, WhatNeedNotBeThereMayBeNull) {
  Response bare = Sample();
  bare.source_json.clear();
  bare.models = {.student = "s.gguf"};
  auto row = nlohmann::ordered_json::parse(ToJsonLine(bare));
  row["thinking"] = nullptr;
  row["source"] = nullptr;
  for (const char* key : {"teacher", "student_boundary", "teacher_boundary"}) row["models"][key] = nullptr;
  for (const char* key : {"candidates", "wrong_candidates"}) row["stats"][key] = nullptr;
  const auto read = ParseResponse(row.dump());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, bare);
  row["seed"] = nullptr;
  EXPECT_FALSE(ParseResponse(row.dump()));
}

TEST(ResponseTest, EveryOtherKeyIsRequired) {
  const auto whole = nlohmann::ordered_json::parse(kSampleLine);
  for (const auto& [key, unused] : whole.items()) {
    if (key == "source") continue;
    auto row = whole;
    row.erase(key);
    const auto read = ParseResponse(row.dump());
    ASSERT_FALSE(read) << key;
    EXPECT_EQ(read.error().message, "not a response: has no " + key);
  }
  for (const char* outer : {"stats", "sampling"}) {
    for (const auto& [key, unused] : whole[outer].items()) {
      if (key == "failed_attempts_tokens") continue;
      auto row = whole;
      row[outer].erase(key);
      const auto read = ParseResponse(row.dump());
      ASSERT_FALSE(read) << key;
      EXPECT_EQ(read.error().message, "not a response: has no " + std::string(outer) + "." + key);
    }
  }
  for (const char* key : {"role", "kind", "start", "end", "tokens"}) {
    auto row = whole;
    row["spans"][1].erase(key);
    const auto read = ParseResponse(row.dump());
    ASSERT_FALSE(read) << key;
    EXPECT_EQ(read.error().message, "not a response: has no spans[1]." + std::string(key));
  }
}

TEST(ResponseTest, WhatIsNotAsItShouldBeIsAnErrorThatSaysSo) {
  const struct {
    const char* pointer;
    const char* value;
    const char* error;
  } cases[] = {
      {"/id", "1", "id is a number, not a string"},
      {"/id", "\"\"", "its id is empty"},
      {"/sample", "-1", "sample is not a whole number from 0 to 4294967295"},
      {"/sample", "4294967296", "sample is not a whole number from 0 to 4294967295"},
      {"/sample", "1.0", "sample is not a whole number"},
      {"/sample", "\"1\"", "sample is not a whole number"},
      {"/seed", "1e30", "seed is not a whole number"},
      {"/closed_by", "false", "closed_by is a truth value, not a string"},
      {"/messages", "{}", "messages is an object, not a list"},
      {"/messages", "[]", "the last of its messages is not the assistant's"},
      {"/messages", "[{\"role\":\"user\",\"content\":\"x\"}]",
       "the last of its messages is not the assistant's"},
      {"/messages/0", "5", "messages[0] is not an object"},
      {"/messages/0/content", "null", "messages[0].content is null, not a string"},
      {"/spans", "null", "spans is null, not a list"},
      {"/spans/0", "[]", "spans[0] is not an object"},
      {"/spans/0/role", "\"user\"", "spans[0].role is \"user\", neither student nor teacher"},
      {"/spans/0/kind", "\"tone\"", "spans[0].kind is \"tone\""},
      {"/spans/0/start", "-1", "spans[0].start is not a whole number"},
      {"/spans/0/start", "14", "spans[0] ends before it starts"},
      {"/spans/1/start", "12", "spans[1] starts before the span before it ends"},
      {"/spans/2/end", "30", "spans[2] ends at 30, past the content's 29 characters"},
      {"/stats/wall_ms", "0.5", "stats.wall_ms is not a whole number"},
      {"/stats", "[]", "stats is a list, not an object"},
      {"/models/teacher", "7", "models.teacher is a number, not a string"},
      {"/sampling/top_p", "\"1\"", "sampling.top_p is a string, not a number"},
      {"/sampling/top_k", "0.5", "sampling.top_k is not a whole number"},
      {"/source", "1", "source is a number, not an object"},
  };
  for (const auto& [pointer, value, error] : cases) {
    auto row = nlohmann::ordered_json::parse(kSampleLine);
    row[nlohmann::ordered_json::json_pointer(pointer)] = nlohmann::ordered_json::parse(value);
    const auto read = ParseResponse(row.dump());
    ASSERT_FALSE(read) << pointer << " = " << value;
    EXPECT_THAT(read.error().message, HasSubstr(std::string("not a response: ") + error)) << pointer;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidData);
  }
  EXPECT_EQ(ParseResponse("{\"id\":").error().message, "not valid JSON: the line ends too early");
  EXPECT_EQ(ParseResponse("7").error().message, "a number, not a JSON object");
}

TEST(ResponseTest, ANumberInThePlaceOfAKeyIsNoJson) {
  std::string line = ToJsonLine(Sample());
  line.insert(1, "1e999:0,");
  const auto response = ParseResponse(line);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().message, "not valid JSON: at byte 6");
}

TEST(ResponseTest, AFileIsReadOneByOneAndErrorsNameThePlace) {
  const std::string path = testing::TempDir() + "response_test_" + std::to_string(::getpid()) + ".jsonl";
  const std::string line = ToJsonLine(Sample());
  std::ofstream(path) << line << "\n\n" << line << "\n" << line.substr(0, 100) << "\n" << line << "\n";

  auto reader = ResponseReader::Open(path);
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->Next(), Sample());
  EXPECT_EQ(reader->Next(), Sample());
  const auto torn = reader->Next();
  ASSERT_FALSE(torn);
  EXPECT_THAT(torn.error().message, HasSubstr(path + ":4: not valid JSON"));
  EXPECT_EQ(reader->Next(), Sample());
  const auto end = reader->Next();
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);

  EXPECT_FALSE(ReadResponses(path));
  std::ofstream(path) << line << "\n" << line;
  const auto all = ReadResponses(path);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 2u);
  EXPECT_FALSE(ReadResponses(path + ".missing"));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace tessy
