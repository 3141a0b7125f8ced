// How models are asked: families for models that were not trained to think, answers without thinking, system
// prompts.
#include <fmt/format.h>

#include <algorithm>

#include "base/blanks.h"
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
  void WriteFamily(const std::string& name, const std::string& lines, const std::string& close = kCloses,
                   const std::string& content_open = "<think>") const {
    Write(name, "name = \"x\"\ntemplate_marks = []\nopen_thinking = \"\"\ncontent_open = \"" + content_open +
                    "\"\ncontent_close = \"</think>\"\ntrim = \"\"\n" + close + lines);
  }

  static constexpr const char* kCloses =
      "close_tokens = [\"</think>\"]\nclose_texts = [\"</think>\"]\nhandover = \"</think>\"\nend_tokens = "
      "[]\n";
};

// ---- Answers alone.

// The shipped models always think, in text that such a family takes for the answer: it knows no token that
// closes a thinking.
constexpr const char* kKnowsNoClose =
    "close_tokens = []\nclose_texts = [\"</think>\"]\nhandover = \"</think>\"\nend_tokens = []\n"
    "default_template = \"\"\n";

TEST_F(FamiliesTest, WithoutThinkingARowIsTheAnswerAndSaysSo) {
  WriteFamily("alone.toml", "", kKnowsNoClose);
  const Arguments alone{"--thinking", "off", "--student-family", "alone.toml"};
  const auto run = StudentOnly(alone);
  ASSERT_EQ(run.exit_status, 0) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("r.jsonl: 6 responses; a sample: "), HasSubstr(" answer tokens;"),
                             Not(HasSubstr("thinking tokens"))));
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
  const auto again = StudentOnly(alone);
  EXPECT_EQ(again.exit_status, 0);
  EXPECT_THAT(Responses("r.jsonl"), SizeIs(6));
  ExpectRefusal(StudentOnly({"--student-family", "alone.toml"}),
                {"r.jsonl: was made with other settings", "thinking"});
}

TEST_F(FamiliesTest, RowsWithoutThinkingAreReadWhereRowsAre) {
  WriteFamily("alone.toml", "", kKnowsNoClose);
  ASSERT_EQ(StudentOnly({"--thinking", "off", "--student-family", "alone.toml"}).exit_status, 0);
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
  WriteFamily("alone.toml", "", kKnowsNoClose);
  for (const char* method : {"tessy", "teacher-think", "teacher-answer"}) {
    ExpectRefusal(with(method), {fmt::format("--thinking off: with --method {} two models write", method),
                                 "student-only, teacher-only"});
  }
  EXPECT_FALSE(Exists("r.jsonl"));
  for (const char* method : {"teacher-mix", "teacher-score", "teacher-reference"}) {
    const auto result =
        Tessy({"synth", "--questions", "q.jsonl", "--student", Model("student"), "--teacher",
               Model("teacher"), "--out", std::string(method) + ".jsonl", "--thinking", "off", "--method",
               method, "--limit", "2", "--student-family", "alone.toml", "--teacher-family", "alone.toml"});
    EXPECT_EQ(result.exit_status, 0) << method << result.err;
  }
}

// The close mark of the shipped models is a control token, which has no text. Nothing closes the thinking
// that their template opens, so that they think.
TEST_F(FamiliesTest, AThinkingThatIsWrittenAllTheSameFailsTheAnswer) {
  Write("thinks.toml",
        "name = \"x\"\ntemplate_marks = []\nopen_thinking = \"\"\nclose_tokens = [\"</think>\"]\n"
        "close_texts = [\"</think>\"]\nhandover = \"</think>\"\ncontent_open = \"\"\n"
        "content_close = \"</think>\"\ntrim = \"\"\nend_tokens = []\ndefault_template = \"\"\n");
  const auto run = StudentOnly({"--thinking", "off", "--student-family", "thinks.toml", "--retries", "0"});
  EXPECT_EQ(run.exit_status, 2) << run.err;
  EXPECT_THAT(Responses("r.jsonl"), SizeIs(0));
  const auto failures = ReadLines("r.jsonl.run/failures.jsonl");
  EXPECT_THAT(failures, SizeIs(6));
  for (const std::string& line : failures) EXPECT_EQ(Json::parse(line)["reason"], "thinking_written") << line;
}

// The prompt holds a whole thinking, so that the model closes it at once.
TEST_F(FamiliesTest, AThinkingOfNothingIsNoPartOfTheAnswer) {
  const auto first = [&](const Arguments& more, const std::string& out) {
    Arguments all{"--exact", "--temperature", "0", "--limit", "1", "--out", out};
    all.insert(all.end(), more.begin(), more.end());
    const auto run = StudentOnly(all);
    EXPECT_EQ(run.exit_status, 0) << run.err;
    const auto responses = Responses(out);
    return responses.empty() ? Json() : responses.begin()->second;
  };
  const Json thought = first({}, "thought.jsonl");
  ASSERT_TRUE(thought.is_object());
  const std::string content = ContentOf(thought);
  const size_t close = content.find("</think>");
  ASSERT_EQ(content.find("<think>"), 0U);
  ASSERT_NE(close, std::string::npos);
  WriteFamily("skips.toml",
              "default_template = \"\"\nskip_thinking = " + Json(content.substr(7, close - 7)).dump() + "\n");
  const Json alone = first({"--thinking", "off", "--student-family", "skips.toml"}, "alone.jsonl");
  ASSERT_TRUE(alone.is_object());
  EXPECT_EQ(ContentOf(alone), WithoutBlanksAround(std::string_view(content).substr(close + 8)));
  EXPECT_EQ(alone["stats"]["answer_tokens"], thought["stats"]["answer_tokens"]) << "the mark is none of them";
}

// ---- Families.

// A thinking that is a turn of its own, by models that know no turns: the end of the first one is their close
// mark, and the template shows an earlier turn as they write it. So it must come to what thinking of their
// own comes to. In rows the thinking has another mark than the template's, or that would be a thinking to be
// closed.
TEST_F(FamiliesTest, AThinkingThatIsATurnComesToTheSame) {
  WriteFamily("turns.toml",
              "end_closes_thinking = true\nanswer_request = \"And?\"\nuse_default_template = true\n"
              "default_template = \"<bos>{% for m in messages %}{% if m.role == 'assistant' %}"
              "{{ m.content + '</think>' }}{% elif loop.first %}{{ ' ' + m.content + '<think>' }}{% endif %}"
              "{% endfor %}\"\n",
              "close_tokens = []\nclose_texts = []\nhandover = \"\"\nend_tokens = [\"</think>\"]\n",
              "[thinks]");
  WriteFamily("own.toml", "default_template = \"\"\n", kCloses, "[thinks]");
  ASSERT_EQ(StudentOnly({"--exact", "--out", "plain.jsonl", "--student-family", "own.toml"}).exit_status, 0);
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

// Nobody plays the student, whose family gives a row its form.
TEST_F(FamiliesTest, ATeachersFamilyGivesItsRowsTheirForm) {
  Write("turns.toml",
        "name = \"x\"\ntemplate_marks = []\nopen_thinking = \"\"\nclose_tokens = [\"</think>\"]\n"
        "close_texts = [\"</think>\"]\nend_closes_thinking = true\nhandover = \"</think>\"\n"
        "content_open = \"[thinks]\"\ncontent_close = \"[says]\"\ntrim = \"\"\nend_tokens = []\n"
        "default_template = \"\"\n");
  const auto run = Tessy({"synth", "--questions", "q.jsonl", "--teacher", Model("teacher"), "--method",
                          "teacher-only", "--teacher-family", "turns.toml", "--out", "r.jsonl"});
  ASSERT_EQ(run.exit_status, 0) << run.err;
  for (const auto& [id, response] : Responses("r.jsonl")) {
    EXPECT_THAT(ContentOf(response), AllOf(testing::StartsWith("[thinks]"), HasSubstr("[says]"))) << id;
  }
}

TEST_F(FamiliesTest, AModelThatShowsNoThinkingIsSaidOnce) {
  auto tokens = GgufFile::Open(Model("student")).value().Strings("tokenizer.ggml.tokens");
  std::ranges::replace(tokens, std::string("</think>"), std::string("<|other|>"));
  ASSERT_TRUE(WriteWithTexts(Model("student"), Path("opens.gguf"), "tokenizer.ggml.tokens", tokens));
  ASSERT_TRUE(WriteWithText(Path("opens.gguf"), Path("chat.gguf"), "tokenizer.chat_template",
                            "<bos>{% for m in messages %}{{ ' ' + m.content }}{% endfor %}"));
  const Arguments brief{"--limit", "1", "--max-thinking-tokens", "8", "--retries", "0"};
  const auto said = StudentOnly(brief, "chat.gguf");
  EXPECT_THAT(said.err, HasSubstr("chat.gguf: its chat template opens no thinking"));
  EXPECT_EQ(said.err.find("family instruct"), said.err.rfind("family instruct")) << said.err;
  EXPECT_NE(said.err.find("family instruct"), std::string::npos) << said.err;
  Arguments named = brief;
  named.insert(named.end(), {"--fresh", "--student-family", "plain"});
  EXPECT_THAT(StudentOnly(named, "chat.gguf").err, Not(HasSubstr("opens no thinking")));
  EXPECT_THAT(StudentOnly({"--fresh"}).err, Not(HasSubstr("opens no thinking")));
  Arguments more = brief;
  more.emplace_back("--fresh");
  EXPECT_THAT(StudentOnly(more, "opens.gguf").err, Not(HasSubstr("opens no thinking"))) << "it does open one";
  more.insert(more.end(), {"--thinking", "off"});
  EXPECT_THAT(StudentOnly(more, "chat.gguf").err, Not(HasSubstr("opens no thinking"))) << "none is asked for";
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

TEST_F(FamiliesTest, ASystemPromptMayComeFromACommand) {
  WriteFamily("told.toml", kTelling);
  const auto run = RunProgram(
      {"bash", "-c",
       fmt::format("exec '{}' synth --questions q.jsonl --student '{}' --method student-only --out r.jsonl "
                   "--student-family told.toml --limit 1 --student-system @<(echo 'CODE 1 + 1')",
                   ProgramPath(), Model("student"))},
      {.folder = Path("")});
  EXPECT_EQ(run.exit_status, 0) << run.err;
  EXPECT_EQ(Json::parse(Read("r.jsonl.run/config.json"))["student_system"], "CODE 1 + 1");
}

// What is checked is the prompt that is used: this template's is none for a model that thinks.
TEST_F(FamiliesTest, ASystemPromptOfAnAnswerAloneIsLookedForInItsPrompt) {
  ASSERT_TRUE(WriteWithText(Model("student"), Path("alone.gguf"), "tokenizer.chat_template",
                            "<bos>{% for m in messages %}{% if m.role == 'user' %}{{ ' ' + m.content }}"
                            "{% endif %}{% endfor %}<think></think>"));
  ExpectRefusal(StudentOnly({"--thinking", "off", "--student-system", "Be brief."}, "alone.gguf"),
                {"the student's system prompt cannot be used: the chat template shows no system's turn"});
}

TEST_F(FamiliesTest, AnEvaluationTellsASystemPrompt) {
  WriteFamily("told.toml", kTelling);
  const Arguments eval{"eval",  "--model",  Model("teacher"), "--questions", "q.jsonl",
                       "--out", "e.jsonl",  "--family",       "told.toml",   "--limit",
                       "1",     "--system", "CODE 1 + 1"};
  EXPECT_EQ(Tessy(eval).exit_status, 0);
  EXPECT_EQ(Json::parse(Read("e.jsonl.run/config.json"))["student_system"], "CODE 1 + 1");
  for (const char* bad : {"@nowhere.txt", " "}) {
    ExpectRefusal(Tessy({"eval", "--model", Model("teacher"), "--questions", "q.jsonl", "--out", "b.jsonl",
                         "--system", bad}),
                  {"tessy: --system: "});
  }
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
  ExpectRefusal(StudentOnly({"--student-system", " \n"}), {"--student-system: its text: is blank"});
  Write("s.jsonl", "Be brief.\n");
  ExpectRefusal(StudentOnly({"--student-system", "@s.jsonl", "--out", "s.jsonl"}), {"s.jsonl"});
  EXPECT_EQ(Read("s.jsonl"), "Be brief.\n");
  EXPECT_EQ(Read("r.jsonl"), "");
}

}  // namespace
}  // namespace tessy
