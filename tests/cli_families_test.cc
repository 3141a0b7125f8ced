// How models are asked: families for models that were not trained to think, answers without thinking, system
// prompts.
#include <fmt/format.h>

#include <algorithm>

#include "cli_fixture.h"
#include "model/text/gguf_file.h"
#include "model/text/testing/edited_gguf.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

std::string ContentOf(const Json& response) {
  return response["messages"].back()["content"].get<std::string>();
}

class FamiliesTest : public CliTest {
 protected:
  FamiliesTest() { WriteQuestions("q.jsonl", 6); }

  ProgramResult StudentOnly(const Arguments& more, const std::string& student = Model("student")) const {
    Arguments all{"synth", "--student", student, "--method", "student-only", "--progress", "none"};
    const auto unless_told = [&](const char* flag, const char* value) {
      if (std::ranges::find(more, flag) == more.end()) all.insert(all.end(), {flag, value});
    };
    unless_told("--questions", "q.jsonl");
    unless_told("--out", "r.jsonl");
    all.insert(all.end(), more.begin(), more.end());
    return Tessy(all);
  }
  // The family of the shipped models with other lines in it.
  void WriteFamily(const std::string& name, const std::string& lines,
                   const std::string& close =
                       "close_tokens = [\"</think>\"]\nclose_texts = [\"</think>\"]\n"
                       "handover = \"</think>\"\nend_tokens = []\n") const {
    Write(name,
          "name = \"x\"\ntemplate_marks = []\nopen_thinking = \"\"\ncontent_open = \"<think>\"\n"
          "content_close = \"</think>\"\ntrim = \"\"\n" +
              close + lines);
  }
};

// ---- Answers alone.

TEST_F(FamiliesTest, WithoutThinkingARowIsTheAnswerAndSaysSo) {
  ASSERT_EQ(StudentOnly({"--thinking", "off"}).exit_status, 0);
  const auto responses = Responses("r.jsonl");
  EXPECT_THAT(responses, SizeIs(6));
  for (const auto& [id, response] : responses) {
    EXPECT_NE(ContentOf(response), "") << id;
    EXPECT_THAT(ContentOf(response), Not(HasSubstr("think>"))) << id;
    EXPECT_EQ(response["thinking"], "off");
    EXPECT_TRUE(response["closed_by"].is_null());
    ASSERT_THAT(response["spans"], SizeIs(1));
    EXPECT_EQ(response["spans"][0]["kind"], "answer");
    EXPECT_EQ(response["spans"][0]["end"], ContentOf(response).size());
    EXPECT_EQ(response["spans"][0]["tokens"], response["stats"]["answer_tokens"]);
    EXPECT_EQ(response["stats"]["thinking_tokens"], 0);
  }
  EXPECT_EQ(Json::parse(Read("r.jsonl.run/config.json"))["thinking"], "off");
  const auto again = StudentOnly({"--thinking", "off"});
  EXPECT_EQ(again.exit_status, 0);
  EXPECT_THAT(Responses("r.jsonl"), SizeIs(6));
  ExpectRefusal(StudentOnly({}), {"r.jsonl: was made with other settings", "thinking"});
}

TEST_F(FamiliesTest, RowsWithoutThinkingAreReadWhereRowsAre) {
  ASSERT_EQ(StudentOnly({"--thinking", "off"}).exit_status, 0);
  EXPECT_THAT(Tessy({"show", "r.jsonl"}).out,
              AllOf(HasSubstr("answer by student"), HasSubstr("the answer is")));
  EXPECT_EQ(Tessy({"show", "r.jsonl", "--html", "page.html"}).exit_status, 0);
  EXPECT_THAT(Read("page.html"), Not(HasSubstr("<h2>Thinking</h2>")));
  EXPECT_EQ(Tessy({"runs", "show", "r.jsonl"}).exit_status, 0);
  EXPECT_EQ(Tessy({"eval", "--responses", "r.jsonl", "--questions", "q.jsonl"}).exit_status, 0);
  ExpectRefusal(Tessy({"annotate", "--responses", "r.jsonl", "--annotator", "lexicon", "--out", "a.jsonl"}),
                {"r.jsonl:1: there is no thinking in it"});
}

TEST_F(FamiliesTest, AnEvaluationAsksForAnswersAlone) {
  const auto result = Tessy({"eval", "--model", Model("teacher"), "--questions", "q.jsonl", "--out",
                             "e.jsonl", "--thinking", "off", "--json"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(Json::parse(result.out)["all"]["samples"], 6);
  for (const auto& [id, response] : Responses("e.jsonl")) EXPECT_EQ(response["thinking"], "off") << id;
}

TEST_F(FamiliesTest, TwoWritersNeedThinking) {
  const auto with = [&](const char* method) {
    return Tessy({"synth", "--questions", "q.jsonl", "--student", Model("student"), "--teacher",
                  Model("teacher"), "--out", "r.jsonl", "--thinking", "off", "--method", method});
  };
  for (const char* method : {"tessy", "teacher-think", "teacher-answer"}) {
    ExpectRefusal(with(method), {fmt::format("--thinking off: with --method {} two models write", method),
                                 "student-only, teacher-only"});
  }
  EXPECT_FALSE(Exists("r.jsonl"));
  for (const char* method : {"teacher-mix", "teacher-score", "teacher-reference"}) {
    const auto result = Tessy({"synth", "--questions", "q.jsonl", "--student", Model("student"), "--teacher",
                               Model("teacher"), "--out", std::string(method) + ".jsonl", "--thinking", "off",
                               "--method", method, "--limit", "2"});
    EXPECT_EQ(result.exit_status, 0) << method << result.err;
  }
}

// ---- Families.

// A thinking that is a turn of its own, by models that know no turns: the end of the first one is their close
// mark, and the template shows an earlier turn as they write it. So it must come to what "plain" comes to.
TEST_F(FamiliesTest, AThinkingThatIsATurnComesToTheSame) {
  WriteFamily("turns.toml",
              "end_closes_thinking = true\nanswer_request = \"And?\"\nuse_default_template = true\n"
              "default_template = \"<bos>{% for m in messages %}{% if m.role == 'assistant' %}"
              "{{ m.content + '</think>' }}{% elif loop.first %}{{ ' ' + m.content + '<think>' }}{% endif %}"
              "{% endfor %}\"\n",
              "close_tokens = []\nclose_texts = []\nhandover = \"\"\nend_tokens = [\"</think>\"]\n");
  ASSERT_EQ(StudentOnly({"--exact", "--out", "plain.jsonl"}).exit_status, 0);
  const auto turns = StudentOnly({"--exact", "--out", "turns.jsonl", "--student-family", "turns.toml"});
  ASSERT_EQ(turns.exit_status, 0) << turns.err;
  EXPECT_EQ(Essence("turns.jsonl"), Essence("plain.jsonl"));
  EXPECT_THAT(Essence("turns.jsonl"), SizeIs(6));
}

TEST_F(FamiliesTest, StopsEndThinkingAndAnswer) {
  WriteFamily("stops.toml",
              "thinking_stops = [\" so it must\"]\nanswer_stops = [\" is\"]\n"
              "default_template = \"{{ messages[0].content }}\"\n");
  const auto run = StudentOnly({"--student-family", "stops.toml"});
  ASSERT_EQ(run.exit_status, 0) << run.err;
  for (const auto& [id, response] : Responses("r.jsonl")) {
    EXPECT_THAT(ContentOf(response), testing::EndsWith("</think> the answer")) << id;
    EXPECT_THAT(ContentOf(response), Not(HasSubstr("so it must"))) << id;
    EXPECT_EQ(response["stats"]["answer_tokens"], 2) << id;
  }
}

TEST_F(FamiliesTest, WhereInstructCannotWorkALineSaysSo) {
  ExpectRefusal(StudentOnly({"--student-family", "instruct"}),
                {"student.gguf: the chat template does not show an assistant's earlier turn", "instruct"});
  ASSERT_TRUE(WriteWithText(Model("student"), Path("bare.gguf"), "tokenizer.chat_template", ""));
  ExpectRefusal(StudentOnly({"--student-family", "instruct"}, "bare.gguf"),
                {"bare.gguf: no chat template is known", "as the family few-shot"});
}

TEST_F(FamiliesTest, AModelThatShowsNoThinkingIsSaidOnce) {
  auto tokens = GgufFile::Open(Model("student")).value().Strings("tokenizer.ggml.tokens");
  std::ranges::replace(tokens, std::string("</think>"), std::string("<|other|>"));
  ASSERT_TRUE(WriteWithTexts(Model("student"), Path("chat.gguf"), "tokenizer.ggml.tokens", tokens));
  const Arguments brief{"--limit", "1", "--max-thinking-tokens", "8", "--retries", "0"};
  const auto said = StudentOnly(brief, "chat.gguf");
  EXPECT_THAT(said.err, HasSubstr("chat.gguf: its chat template opens no thinking"));
  EXPECT_EQ(said.err.find("family instruct"), said.err.rfind("family instruct")) << said.err;
  EXPECT_NE(said.err.find("family instruct"), std::string::npos) << said.err;
  Arguments named = brief;
  named.insert(named.end(), {"--fresh", "--student-family", "plain"});
  EXPECT_THAT(StudentOnly(named, "chat.gguf").err, Not(HasSubstr("opens no thinking")));
  EXPECT_THAT(StudentOnly({"--fresh"}).err, Not(HasSubstr("opens no thinking")));
}

// ---- System prompts.

constexpr const char* kTelling =
    "use_default_template = true\n"
    "default_template = \"<bos>{% for m in messages %}{{ ' ' + m.content }}{% endfor %}<think>\"\n";

TEST_F(FamiliesTest, ASystemPromptIsToldAndBindsTheRun) {
  WriteFamily("told.toml", kTelling);
  const auto told = [&](const std::string& out, const Arguments& more) {
    Arguments all{"--exact", "--student-family", "told.toml", "--out", out};
    all.insert(all.end(), more.begin(), more.end());
    return StudentOnly(all);
  };
  ASSERT_EQ(told("bare.jsonl", {}).exit_status, 0);
  ASSERT_EQ(told("told.jsonl", {"--student-system", "CODE 1 + 1"}).exit_status, 0);
  EXPECT_NE(Essence("told.jsonl"), Essence("bare.jsonl")) << "the model has heard nothing";
  for (const auto& [id, response] : Responses("told.jsonl")) {
    EXPECT_EQ(response["messages"][0]["role"], "user") << id;
  }
  EXPECT_EQ(Json::parse(Read("told.jsonl.run/config.json"))["student_system"], "CODE 1 + 1");
  EXPECT_FALSE(Json::parse(Read("bare.jsonl.run/config.json")).contains("student_system"));
  Write("system.txt", "CODE 1 + 1\n");
  EXPECT_EQ(told("told.jsonl", {"--student-system", "@system.txt"}).exit_status, 0) << "it is the same text";
  ExpectRefusal(told("told.jsonl", {"--student-system", "CODE 2"}),
                {"student_system", "CODE 1 + 1", "CODE 2"});

  // A system's turn of the question's own is heard instead.
  const Json first = Json::parse(ReadLines("q.jsonl")[0]);
  Write("own.jsonl",
        Json{{"id", first["id"]}, {"system", "CODE 1 + 1"}, {"prompt", first["prompt"]}}.dump() + "\n");
  ASSERT_EQ(told("own-out.jsonl", {"--questions", "own.jsonl", "--student-system", "MAX 1"}).exit_status, 0);
  const std::string id = first["id"].get<std::string>() + "/0";
  EXPECT_EQ(ContentOf(Responses("own-out.jsonl").at(id)), ContentOf(Responses("told.jsonl").at(id)));
}

TEST_F(FamiliesTest, AnEvaluationTellsASystemPrompt) {
  WriteFamily("told.toml", kTelling);
  const Arguments eval{"eval",  "--model",  Model("teacher"), "--questions", "q.jsonl",
                       "--out", "e.jsonl",  "--family",       "told.toml",   "--limit",
                       "1",     "--system", "CODE 1 + 1"};
  EXPECT_EQ(Tessy(eval).exit_status, 0);
  EXPECT_EQ(Json::parse(Read("e.jsonl.run/config.json"))["student_system"], "CODE 1 + 1");
}

TEST_F(FamiliesTest, SystemPromptsThatCannotBeToldAreRefused) {
  ExpectRefusal(StudentOnly({"--student-system", "Be brief."}),
                {"the student's system prompt cannot be used: the chat template shows no system's turn"});
  ASSERT_TRUE(
      WriteWithText(Model("student"), Path("strict.gguf"), "tokenizer.chat_template",
                    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('System role "
                    "not supported') }}{% endif %}{{ ' ' + m.content }}{% endfor %}<think>"));
  ExpectRefusal(StudentOnly({"--student-system", "Be brief."}, "strict.gguf"),
                {"the student's system prompt cannot be used: the chat template refuses the messages",
                 "System role not supported; leave it out"});
  ExpectRefusal(StudentOnly({"--teacher-system", "Be brief."}),
                {"--teacher-system: with --method student-only the teacher is asked nothing"});
  ExpectRefusal(StudentOnly({"--student-system", "@nowhere.txt"}), {"--student-system: ", "nowhere.txt"});
  Write("blank.txt", "\n");
  ExpectRefusal(StudentOnly({"--student-system", "@blank.txt"}), {"--student-system: blank.txt: is blank"});
  Write("s.jsonl", "Be brief.\n");
  ExpectRefusal(StudentOnly({"--student-system", "@s.jsonl", "--out", "s.jsonl"}), {"s.jsonl"});
  EXPECT_EQ(Read("s.jsonl"), "Be brief.\n");
  EXPECT_EQ(Read("r.jsonl"), "");
}

}  // namespace
}  // namespace tessy
