#include "dataset/question.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string_view>

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

class QuestionTest : public testing::Test {
 protected:
  QuestionTest() {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    path_ = testing::TempDir() + "question_test_" + test + "_" + std::to_string(::getpid()) + ".jsonl";
  }
  ~QuestionTest() override { std::filesystem::remove_all(path_); }

  Result<Questions> Read(std::string_view content, ReadQuestionsOptions options = {}) {
    std::ofstream(path_, std::ios::binary) << content;
    return ReadQuestions(path_, options);
  }
  // The single question of a file with this row.
  Question ReadOne(std::string_view row) {
    auto read = Read(row);
    EXPECT_TRUE(read) << row << ": " << read.error().message;
    return read ? read->questions.at(0) : Question{};
  }
  std::string ErrorOf(std::string_view content) {
    auto read = Read(content);
    EXPECT_FALSE(read) << content;
    return read ? "" : read.error().message;
  }

  std::string path_;
};

std::vector<std::string> Ids(const Questions& read) {
  std::vector<std::string> ids;
  for (const Question& question : read.questions) ids.push_back(question.id);
  return ids;
}

TEST_F(QuestionTest, EveryShapeOfPromptIsRead) {
  const std::vector<Message> plain = {{"user", "Hi"}};
  const std::vector<Message> with_system = {{"system", "Be brief."}, {"user", "Hi"}};
  const std::vector<Message> several = {{"user", "Hi"}, {"assistant", "Hello."}, {"user", "And?"}};
  const struct {
    std::string_view row;
    std::vector<Message> messages;
  } cases[] = {
      {R"({"prompt": "Hi"})", plain},
      {R"({"prompt": null, "messages": [{"role": "user", "content": "Hi"}]})", plain},
      {R"({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]})",
       with_system},
      {R"({"dialogs": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "old answer"}]})",
       plain},
      {R"({"dialogs": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."},
         {"role": "user", "content": "And?"}, {"role": "assistant", "content": "a"},
         {"role": "assistant", "content": "b"}]})",
       several},
      {R"({"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "old answer"}]})",
       plain},
      {R"({"conversations": [{"from": "system", "value": "Be brief."}, {"from": "user", "value": "Hi"}]})",
       with_system},
      {R"({"conversations": [{"from": "human", "value": "Hi"}, {"from": "assistant", "value": "Hello."},
         {"from": "human", "value": "And?"}]})",
       several},
      {R"({"input": "Hi", "output": "old answer"})", plain},
      {R"({"input": "Hi", "system_prompt": ""})", plain},
      {R"({"input": "Hi", "system_prompt": null})", plain},
      {R"({"input": "Hi", "system_prompt": "Be brief."})", with_system},
      {R"({"input": [{"role": "user", "content": "Hi"}], "system_prompt": "Be brief."})", with_system},
      {R"({"input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
         "system_prompt": "Be long."})",
       with_system},
      {R"({"system": "Be brief.", "messages": [{"role": "user", "content": "Hi"}]})", with_system},
      {R"({"system": "Be brief.", "conversations": [{"from": "human", "value": "Hi"}]})", with_system},
      {R"({"system_prompt": "Be brief.", "dialogs": [{"role": "user", "content": "Hi"}]})", with_system},
      {R"({"system_prompt": "Be brief.", "prompt": "Hi"})", with_system},
      {R"({"instruction": "Be brief.", "input": "Hi", "output": "old"})", with_system},
      {R"({"system": "Be brief.", "system_prompt": "Be brief.", "prompt": "Hi"})", with_system},
      {R"({"system": " ", "prompt": "Hi"})", plain},
      {R"({"prompt": [{"role": "user", "content": "Hi"}], "completion": [{"role": "assistant", "content": "x"}]})",
       plain},
      {R"({"prompt": "", "messages": [{"role": "user", "content": "Hi"}]})", plain},
      {R"({"prompt": " ", "messages": [], "input": "Hi"})", plain},
      {R"({"messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}]})",
       with_system},
      {R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "model", "content": "x"}]})", plain},
      {R"({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]})", plain},
      {R"({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}, "there"]}]})",
       {{"user", "Hi\nthere"}}},
      {R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello.",
         "reasoning_content": "Polite."}, {"role": "user", "content": "And?"}]})",
       {{"user", "Hi"}, {"assistant", "<think>\nPolite.\n</think>\n\nHello."}, {"user", "And?"}}},
  };
  for (const auto& [row, messages] : cases) {
    std::string line(row);
    std::erase(line, '\n');
    EXPECT_EQ(ReadOne(line).messages, messages) << line;
  }
}

TEST_F(QuestionTest, IdsMayBeTextsOrNumbers) {
  EXPECT_EQ(ReadOne(R"({"prompt": "p", "id": "a/1"})").id, "a/1");
  EXPECT_EQ(ReadOne(R"({"prompt": "p", "id": 17})").id, "17");
  EXPECT_EQ(ReadOne(R"({"prompt": "p", "id": 123456789012345678901234567890})").id,
            "123456789012345678901234567890");
  EXPECT_EQ(ReadOne(R"({"prompt": "p", "id_ddm": "d-1"})").id, "d-1");
  EXPECT_EQ(ReadOne(R"({"prompt": "p", "id": null, "id_ddm": 5})").id, "5");
  EXPECT_EQ(ReadOne(R"({"prompt": "p", "id": "a", "id_ddm": "b"})").source_json, R"({"id_ddm":"b"})");
}

TEST_F(QuestionTest, OtherFieldsAreCarriedOverToTheLetter) {
  const auto question = ReadOne(
      R"({ "z" : 1.50, "prompt":"p", "a":[1, {"b": " x  \" y\\"}], "big": 123456789012345678901234567890,)"
      R"( "id":"q", "e\u00e9": 1E+2, "t":true , "n": null, "empty": {}})");
  EXPECT_EQ(question.source_json,
            R"({"z":1.50,"a":[1,{"b":" x  \" y\\"}],"big":123456789012345678901234567890,)"
            R"("e\u00e9":1E+2,"t":true,"n":null,"empty":{}})");
  EXPECT_EQ(ReadOne(R"({"prompt":"p","id":"q"})").source_json, "");
}

TEST_F(QuestionTest, PromptsWithoutAnIdAreNamedAfterThePromptAndItsOccurrence) {
  const auto read = Read(R"({"prompt": "one"})"
                         "\n"
                         R"({"prompt": "two"})"
                         "\n"
                         R"({"messages": [{"role": "user", "content": "one"}]})"
                         "\n"
                         R"({"prompt": "one", "x": 1})"
                         "\n");
  ASSERT_TRUE(read) << read.error().message;
  const std::string one = read->questions[0].id;
  EXPECT_THAT(one, MatchesRegex("q-[0-9a-f]{16}"));
  EXPECT_NE(read->questions[1].id, one);
  EXPECT_EQ(read->questions[2].id, one + "-2");
  EXPECT_EQ(read->questions[3].id, one + "-3");
  EXPECT_EQ(ReadOne(R"({"prompt": "one"})").id, one);
}

TEST_F(QuestionTest, AMadeIdNeverMeetsAGivenOne) {
  const std::string made = ReadOne(R"({"prompt": "one"})").id;
  const auto read = Read("{\"prompt\": \"one\"}\n{\"prompt\": \"two\", \"id\": \"" + made + "\"}\n");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(Ids(*read), ElementsAre(made + "-2", made));
}

TEST_F(QuestionTest, TheTurnsOfAPromptAreToldApart) {
  const auto a =
      ReadOne(R"({"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "y"}]})");
  const auto b =
      ReadOne(R"({"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}]})");
  EXPECT_NE(a.id, b.id);
}

TEST_F(QuestionTest, BlankLinesCarriageReturnsAndAByteOrderMarkAreAccepted) {
  const auto read = Read(
      "\xEF\xBB\xBF{\"prompt\":\"a\",\"id\":1}\r\n\r\n  "
      "\n{\"prompt\":\"b\",\"id\":2}\r\n{\"prompt\":\"c\",\"id\":3}");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(Ids(*read), ElementsAre("1", "2", "3"));
  EXPECT_EQ(read->questions[0].line, 1u);
  EXPECT_EQ(read->questions[1].line, 4u);
  EXPECT_EQ(read->questions[2].line, 5u);
}

TEST_F(QuestionTest, LinesMayBeVeryLong) {
  const std::string text(3'000'000, 'x');
  EXPECT_EQ(ReadOne("{\"prompt\":\"" + text + "\",\"output\":\"" + text + "\"}").messages[0].content, text);
}

TEST_F(QuestionTest, NestingIsCarriedOverToALimit) {
  const auto row = [](size_t levels) {
    return "{\"prompt\":\"p\",\"deep\":" + std::string(levels, '[') + std::string(levels, ']') + "}";
  };
  EXPECT_EQ(ReadOne(row(199)).source_json.size(), std::string("{\"deep\":}").size() + 2 * 199);
  EXPECT_THAT(ErrorOf("{\"prompt\":\"a\"}\n" + row(200)), HasSubstr(":2: nested more than 200 levels deep"));
  EXPECT_THAT(ErrorOf(row(100'000)), HasSubstr(":1: nested more than 200 levels deep"));
}

// What Python and tables write, in fields that nobody reads.
TEST_F(QuestionTest, ValuesThatAreNoStrictJsonAreCarriedOverAsSuch) {
  EXPECT_EQ(ReadOne(R"({"prompt":"p","a":NaN,"b":-Infinity,"c":[1,NaN],"d":"NaN"})").source_json,
            R"({"a":null,"b":null,"c":[1,null],"d":"NaN"})");
  EXPECT_EQ(ReadOne(R"({"prompt":"p","n":1e999,"m":-0.0,"k":12345678901234567890123})").source_json,
            R"({"n":"1e999","m":-0.0,"k":12345678901234567890123})");
  EXPECT_EQ(ReadOne(R"({"prompt":"p","note":"half \ud83d pair, \ud83d\ude00 \ude00"})").source_json,
            R"({"note":"half \ufffd pair, \ud83d\ude00 \ufffd"})");
  EXPECT_EQ(ReadOne(R"({"prompt":"p","id":NaN,"id_ddm":"b","answer":Infinity})").id, "b");
}

TEST_F(QuestionTest, ANumberInThePlaceOfAKeyIsNoJson) {
  for (const char* row :
       {R"({"prompt":"p",1e999:1})", R"({"id":"a","system":"s",-1e999 : [],"prompt":"p"})"}) {
    EXPECT_THAT(ErrorOf(row), HasSubstr(":1: not valid JSON: at byte")) << row;
  }
}

TEST_F(QuestionTest, ABadLineIsAnErrorThatNamesThePlaceAndWhatIsWrong) {
  using namespace std::string_view_literals;
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"{\"prompt\": ", "not valid JSON: the line ends too early"},
      {"{\"prompt\" \"x\"}", "not valid JSON: at byte 13"},
      {"{\"prompt\": \"x\"} {}", "not valid JSON"},
      {"{\"prompt\": \"x\", \"n\": NAN}", "not valid JSON"},
      {"\"text\"", "a string, not a JSON object"},
      {"[]", "a list, not a JSON object"},
      {"[", "JSON spread over several lines"},
      {"PAR1\x15\x04", "a Parquet file"},
      {"version https://git-lfs.github.com/spec/v1", "a Git-LFS pointer, not the file itself"},
      {"\x1F\x8B\x08", "compressed with gzip"},
      {"{\"prompt\": \"a\xFFz\"}", "not UTF-8 at byte 14"},
      {"{\"prompt\": \"\\ud800\"}", "prompt holds half of a surrogate pair"},
      {"{\"id\": \"\\ud800\", \"prompt\": \"x\"}", "id holds half of a surrogate pair"},
      {"{\"system\": \"\\ud800\", \"prompt\": \"x\"}", "system holds half of a surrogate pair"},
      {"{\"prompt\": \"x\", \"system\": \"a\", \"instruction\": \"b\"}",
       "prompt has both system and instruction, and they differ"},
      {"{\"instruction\": \"x\", \"input\": \"\"}", "input is empty"},
      {"{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}]}",
       "messages turn 1 has a part of the type \"image_url\", and only text can be asked"},
      {"{\"question\": \"x\"}", "no prompt, messages, dialogs, conversations or input in it"},
      {"{\"prompt\": 5}", "prompt is a number, not a text"},
      {"{\"prompt\": [\"x\"]}", "prompt turn 1 is a string, not an object"},
      {"{\"prompt\": \"\"}", "prompt is empty"},
      {"{\"prompt\": \" \\n\\u3000\"}", "prompt is empty"},
      {"{\"prompt\": \"a\\u0000b\"}", "prompt holds a NUL character"},
      {"{\"prompt\": \"a\0b\"}"sv, "not valid JSON"},
      {"{\"messages\": \"x\"}", "messages is a string, not a list of turns"},
      {"{\"input\": true}", "input is a truth value, not a text or a list of turns"},
      {"{\"input\": \"x\", \"system_prompt\": 1}", "input has a number for its system_prompt"},
      {"{\"messages\": []}", "messages holds no turn of the user"},
      {"{\"messages\": [{\"role\": \"system\", \"content\": \"x\"}]}", "messages holds no turn of the user"},
      {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"system\", \"content\": "
       "\"y\"}]}",
       "messages ends in a turn of the system"},
      {"{\"messages\": [{\"role\": \"user\", \"content\": \"\"}]}", "messages is empty"},
      {"{\"messages\": [5]}", "messages turn 1 is a number, not an object"},
      {"{\"messages\": [{\"content\": \"x\"}]}", "messages turn 1 has no role"},
      {"{\"messages\": [{\"role\": \"user\"}]}", "messages turn 1 has no content"},
      {"{\"messages\": [{\"role\": 1, \"content\": \"x\"}]}", "messages turn 1 has a number for its role"},
      {"{\"messages\": [{\"role\": \"user\", \"content\": {}}]}",
       "messages turn 1 has an object for its content"},
      {"{\"messages\": [{\"role\": \"user\", \"content\": []}]}", "messages is empty"},
      {"{\"messages\": [{\"role\": \"tool\", \"content\": \"x\"}]}",
       "messages turn 1 is of the unknown role \"tool\""},
      {"{\"prompt\": \"x\", \"id\": \"\"}", "id is empty"},
      {"{\"prompt\": \"x\", \"id\": {}}", "id is an object, not a text or number"},
      {"{\"prompt\": \"x\", \"id_ddm\": \"a\\nb\"}", "id_ddm holds a control character"},
  };
  for (const auto& [line, reason] : cases) {
    const std::string content = "{\"prompt\":\"fine\"}\n" + std::string(line) + "\n";
    const std::string error = ErrorOf(content);
    EXPECT_THAT(error, HasSubstr(path_ + ":2: ")) << line;
    EXPECT_THAT(error, HasSubstr(reason)) << line;
    EXPECT_THAT(error, HasSubstr("(--skip-bad-lines skips such lines)")) << line;

    const auto read = Read(content + "{\"prompt\":\"fine as well\"}", {.skip_bad_lines = true});
    ASSERT_TRUE(read) << line << ": " << read.error().message;
    EXPECT_EQ(read->questions.size(), 2u) << line;
    ASSERT_EQ(read->bad_lines.size(), 1u) << line;
    EXPECT_EQ(read->bad_lines[0].line, 2u);
    EXPECT_THAT(read->bad_lines[0].reason, HasSubstr(reason));
  }
}

TEST_F(QuestionTest, AFieldIsNamedOnce) {
  const auto read = Read("{\"prompt\": \"\\ud800\"}\n{\"prompt\": \"fine\"}\n", {.skip_bad_lines = true});
  ASSERT_TRUE(read);
  ASSERT_EQ(read->bad_lines.size(), 1U);
  EXPECT_THAT(read->bad_lines[0].reason, testing::StartsWith("prompt holds half"));
}

TEST_F(QuestionTest, AnIdThatStandsTwiceIsAnErrorThatNamesBothLines) {
  const std::string content = "{\"prompt\":\"a\",\"id\":7}\n\n{\"prompt\":\"b\",\"id\":\"7\"}\n";
  EXPECT_THAT(ErrorOf(content), HasSubstr("the id \"7\" stands in line 1 and in line 3"));
  EXPECT_FALSE(Read(content, {.skip_bad_lines = true}));
}

TEST_F(QuestionTest, AFileWithoutQuestionsIsAnError) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("is empty: no questions in it"));
  EXPECT_THAT(ErrorOf("\n \r\n"), HasSubstr("is empty: no questions in it"));
  const auto read = Read("x\ny\n", {.skip_bad_lines = true});
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("all 2 lines are bad, line 1: not valid JSON"));
}

TEST_F(QuestionTest, AFileThatCannotBeReadIsAnError) {
  const auto missing = ReadQuestions("/no/such/file.jsonl");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().message, "/no/such/file.jsonl: cannot be read: No such file or directory");
  std::filesystem::create_directories(path_ + ".d");
  const auto folder = ReadQuestions(path_ + ".d");
  std::filesystem::remove_all(path_ + ".d");
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().message, HasSubstr("is a folder, and no table is in it"));
  const auto unreadable = ReadQuestions("/proc/self/mem");  // opens, but reading fails
  ASSERT_FALSE(unreadable);
  EXPECT_EQ(unreadable.error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace tessy
