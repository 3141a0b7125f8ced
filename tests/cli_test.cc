// The output of the program for its user: responses, pages, lists, help. Errors are in cli_errors_test.cc,
// interrupted runs in cli_resume_test.cc.
#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

#include "base/utf8.h"
#include "cli_fixture.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";

std::string ContentOf(const Json& response) {
  return response["messages"].back()["content"].get<std::string>();
}

// The code points [start, end).
std::string Slice(const std::string& text, size_t start, size_t end) {
  const size_t from = ByteOffset(text, start);
  return text.substr(from, ByteOffset(text, end) - from);
}

std::string LastNumber(std::string_view text) {
  size_t end = text.size();
  while (end > 0 && std::isdigit(static_cast<unsigned char>(text[end - 1])) == 0) --end;
  size_t begin = end;
  while (begin > 0 && std::isdigit(static_cast<unsigned char>(text[begin - 1])) != 0) --begin;
  return std::string(text.substr(begin, end - begin));
}

// Markers and spans, in order, joined.
std::string Joined(const Json& response) {
  const std::string content = ContentOf(response);
  std::string joined(kOpen);
  for (const Json& span : response["spans"]) {
    if (span["kind"] == "answer") joined += kClose;
    joined += Slice(content, span["start"], span["end"]);
  }
  return joined;
}

// "student:thinking", …: who wrote what, each pair once.
std::set<std::string> Writers(const Json& response) {
  std::set<std::string> writers;
  for (const Json& span : response["spans"]) {
    writers.insert(span["role"].get<std::string>() + ":" + span["kind"].get<std::string>());
  }
  return writers;
}

void ExpectWellFormed(const Json& response) {
  SCOPED_TRACE(response["id"].get<std::string>());
  const std::string content = ContentOf(response);
  EXPECT_THAT(content, StartsWith(std::string(kOpen)));
  const size_t close = content.find(kClose);
  ASSERT_NE(close, std::string::npos) << "thinking is not closed: " << content;
  EXPECT_EQ(content.find(kClose, close + 1), std::string::npos) << content;
  EXPECT_EQ(Joined(response), content);
  const Json& stats = response["stats"];
  EXPECT_EQ(stats["student_tokens"].get<int>() + stats["teacher_tokens"].get<int>(),
            stats["thinking_tokens"].get<int>());
  std::map<std::string, int> spoken;
  for (const Json& span : response["spans"]) {
    const bool answer = span["kind"] == "answer";
    spoken[answer ? "answer" : span["role"].get<std::string>()] += span["tokens"].get<int>();
  }
  EXPECT_EQ(spoken["student"], stats["student_tokens"].get<int>());
  EXPECT_EQ(spoken["teacher"], stats["teacher_tokens"].get<int>());
  EXPECT_EQ(spoken["answer"], stats["answer_tokens"].get<int>());
}

using SynthTest = CliTest;

TEST_F(SynthTest, WhereVocabulariesAreOneNothingIsDiscarded) {
  WriteQuestions("q.jsonl", 4);
  const std::string boundary = Model("boundary-teacher");
  const auto result =
      Tessy({"synth", "--questions", "q.jsonl", "--student", Model("teacher"), "--teacher", Model("teacher"),
             "--student-boundary", boundary, "--teacher-boundary", boundary, "--out", "r.jsonl"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  for (const auto& [id, response] : Responses("r.jsonl")) {
    EXPECT_EQ(response["stats"]["discarded_tokens"], 0) << id;
    EXPECT_GT(response["stats"]["switches"], 3) << id;
  }
}

TEST_F(SynthTest, ThePairAnswersRightAndEveryResponseIsWellFormed) {
  const size_t questions = kSanitized ? 12 : 40;
  WriteQuestions("q.jsonl", questions);
  const auto result = RunSynth({"--out", "r.jsonl"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(result.out, "");
  const auto responses = Responses("r.jsonl");
  ASSERT_THAT(responses, SizeIs(questions));
  size_t right = 0;
  for (const auto& [id, response] : responses) {
    ExpectWellFormed(response);
    // To learn that a word is complete takes one token more (cut complete_word: the vocabularies differ).
    EXPECT_LE(response["stats"]["discarded_tokens"], response["stats"]["switches"]) << id;
    EXPECT_EQ(response["method"], "tessy");
    EXPECT_EQ(response["models"]["teacher_boundary"], "boundary-teacher.gguf");
    EXPECT_EQ(response["sampling"]["temperature"].dump(), "0.7");
    const std::string content = ContentOf(response);
    const bool is_right =
        LastNumber(content.substr(content.find(kClose))) == response["source"]["answer"].get<std::string>();
    right += is_right ? 1 : 0;
  }
  EXPECT_GE(static_cast<double>(right), 0.85 * static_cast<double>(questions)) << right << " are right";
  EXPECT_THAT(result.err, HasSubstr(std::to_string(questions) + " responses"));
}

TEST_F(SynthTest, OtherFieldsOfTheRowAreCarriedToTheLetter) {
  Write("q.jsonl", R"({"weight": 1.50e3, "id": 7, "prompt": "CODE 3 * 4 + 2", "tags": ["é", {"deep": null}]})"
                   "\n");
  ASSERT_EQ(RunSynth({"--out", "r.jsonl"}).exit_status, 0);
  const auto lines = ReadLines("r.jsonl");
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], HasSubstr(R"("source":{"weight":1.50e3,"tags":["é",{"deep":null}]})"));
  EXPECT_THAT(lines[0], HasSubstr(R"("id":"7/0","question_id":"7","sample":0)"));
}

struct MethodCase {
  const char* name;
  Arguments flags;
  std::set<std::string> writers;  // each of these writers occurs in every response
};

class MethodTest : public CliTest, public testing::WithParamInterface<MethodCase> {};

TEST_P(MethodTest, TellsWhoWroteWhat) {
  WriteQuestions("q.jsonl", 4);
  Arguments arguments{"synth", "--questions", "q.jsonl", "--out", "r.jsonl"};
  arguments.insert(arguments.end(), GetParam().flags.begin(), GetParam().flags.end());
  // Only the models that the method needs are given.
  const auto needs = [&](const std::string& role) {
    return std::ranges::any_of(GetParam().writers,
                               [&](const std::string& writer) { return writer.starts_with(role); });
  };
  for (const std::string role : {"student", "teacher"}) {
    if (needs(role)) arguments.insert(arguments.end(), {"--" + role, Model(role)});
  }
  const auto result = Tessy(arguments);
  ASSERT_EQ(result.exit_status, 0) << result.err;
  for (const auto& [id, response] : Responses("r.jsonl")) {
    ExpectWellFormed(response);
    EXPECT_EQ(Writers(response), GetParam().writers);
    EXPECT_EQ(response["models"].value("student", "") == "student.gguf", needs("student"));
    EXPECT_EQ(response["models"].value("teacher", "") == "teacher.gguf", needs("teacher"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Methods, MethodTest,
    testing::Values(
        MethodCase{"student_only", {"--method", "student-only"}, {"student:thinking", "student:answer"}},
        MethodCase{"teacher_only", {"--method", "teacher-only"}, {"teacher:thinking", "teacher:answer"}},
        MethodCase{"teacher_think", {"--method", "teacher-think"}, {"teacher:thinking", "student:answer"}},
        MethodCase{"teacher_answer", {"--method", "teacher-answer"}, {"student:thinking", "teacher:answer"}},
        MethodCase{"answer_by_teacher",
                   {"--answer-by", "teacher", "--student-boundary", ShippedModel("boundary-student"),
                    "--teacher-boundary", ShippedModel("boundary-teacher")},
                   {"student:style", "teacher:capability", "teacher:answer"}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(SynthTest, ExactRunsAreTheSameWhateverTheDraftLength) {
  WriteQuestions("q.jsonl", kSanitized ? 3 : 12);
  ASSERT_EQ(RunSynth({"--exact", "--out", "stop.jsonl"}).exit_status, 0);
  const auto expected = Essence("stop.jsonl");
  for (const std::string k : {"1", "5", "20", "64"}) {
    const std::string out = "k" + k + ".jsonl";
    const auto result = RunSynth({"--exact", "--draft", "rollback", "--k", k, "--out", out});
    ASSERT_EQ(result.exit_status, 0) << result.err;
    EXPECT_EQ(Essence(out), expected) << "--k " << k;
  }
}

TEST_F(SynthTest, ExactRunsAreTheSameWhateverTheConcurrency) {
  WriteQuestions("q.jsonl", kSanitized ? 2 : 10);
  // Enough samples to fill the widest batch except for a few places.
  const std::string samples = kSanitized ? "2" : "8";
  std::map<std::string, Json> expected;
  for (const std::string n : {"1", "8", "64", "256"}) {
    const std::string out = "c" + n + ".jsonl";
    const auto result =
        RunSynth({"--exact", "--concurrency", n, "--samples-per-question", samples, "--out", out});
    ASSERT_EQ(result.exit_status, 0) << result.err;
    if (expected.empty()) expected = Essence(out);
    EXPECT_EQ(Essence(out), expected) << "--concurrency " << n;
  }
}

TEST_F(SynthTest, SamplesOfAQuestionDiffer) {
  WriteQuestions("q.jsonl", 2);
  ASSERT_EQ(RunSynth({"--samples-per-question", "3", "--temperature", "1.5", "--top-k", "0", "--top-p", "1",
                      "--out", "r.jsonl"})
                .exit_status,
            0);
  const auto responses = Responses("r.jsonl");
  ASSERT_THAT(responses, SizeIs(6));
  std::map<std::string, std::set<std::string>> contents;
  std::map<std::string, std::set<int>> samples;
  for (const auto& [id, response] : responses) {
    const auto question = response["question_id"].get<std::string>();
    contents[question].insert(ContentOf(response));
    samples[question].insert(response["sample"].get<int>());
  }
  for (const auto& [question, different] : contents) EXPECT_THAT(different, SizeIs(3)) << question;
  for (const auto& [question, numbers] : samples) EXPECT_THAT(numbers, ElementsAre(0, 1, 2)) << question;
}

TEST_F(SynthTest, WithoutOutOnlyResponsesAreOnStandardOutput) {
  WriteQuestions("q.jsonl", 3);
  const auto result = RunSynth({"--progress", "plain", "--log-level", "debug"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  const auto lines = Lines(result.out);
  ASSERT_THAT(lines, SizeIs(3));
  for (const std::string& line : lines) {
    const Json response = Json::parse(line, nullptr, false);
    ASSERT_TRUE(response.is_object()) << line;
    ExpectWellFormed(response);
  }
  EXPECT_FALSE(Exists(".run"));
}

TEST_F(SynthTest, FreshSetsTheOldFilesAside) {
  WriteQuestions("q.jsonl", 2);
  ASSERT_EQ(RunSynth({"--out", "r.jsonl"}).exit_status, 0);
  const std::string before = Read("r.jsonl");
  const auto result = RunSynth({"--out", "r.jsonl", "--seed", "1", "--fresh"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("r.jsonl.old-1"), HasSubstr("r.jsonl.run.old-1")));
  EXPECT_EQ(Read("r.jsonl.old-1"), before);
  EXPECT_TRUE(Exists("r.jsonl.run.old-1/config.json"));
  EXPECT_THAT(ReadLines("r.jsonl"), AllOf(SizeIs(2), Each(HasSubstr(R"("seed":1)"))));
  ASSERT_EQ(RunSynth({"--out", "r.jsonl", "--seed", "2", "--fresh"}).exit_status, 0);
  EXPECT_TRUE(Exists("r.jsonl.old-2"));
  EXPECT_EQ(Read("r.jsonl.old-1"), before);
}

TEST_F(SynthTest, RunFolderMayBeNamed) {
  WriteQuestions("q.jsonl", 2);
  ASSERT_EQ(RunSynth({"--run", "runs/first"}).exit_status, 0);
  EXPECT_THAT(ReadLines("runs/first/responses.jsonl"), SizeIs(2));
  EXPECT_TRUE(Exists("runs/first/config.json"));
  EXPECT_TRUE(Exists("runs/first/failures.jsonl"));
}

TEST_F(SynthTest, PlainProgressIsLinesAndABarStaysInItsLine) {
  WriteQuestions("q.jsonl", 2);
  const auto plain = RunSynth({"--progress", "plain", "--out", "a.jsonl"});
  EXPECT_THAT(plain.err, AllOf(Not(HasSubstr("\r")), Not(HasSubstr("\x1b"))));
  const auto none = RunSynth({"--progress", "none", "--out", "b.jsonl"});
  EXPECT_THAT(none.err, Not(HasSubstr("\r")));
  const auto bar = RunSynth({"--progress", "bar", "--out", "c.jsonl"});
  EXPECT_THAT(bar.err, AllOf(HasSubstr("\r"), HasSubstr("2/2 samples")));
  // The output is not a terminal, so it is plain.
  const auto by_itself = RunSynth({"--out", "d.jsonl"});
  EXPECT_THAT(by_itself.err, AllOf(Not(HasSubstr("\r")), Not(HasSubstr("\x1b"))));
}

TEST_F(SynthTest, RunFileDescribesTheRunAndFlagsWin) {
  WriteQuestions("q.jsonl", 5);
  Write("run.toml", "questions = \"q.jsonl\"\nstudent = \"" + Model("student") + "\"\nteacher = [\"" +
                        Model("teacher") +
                        "\"]\nout = \"r.jsonl\"\nsamples_per_question = 2\nlimit = 4\nexact = true\n"
                        "temperature = 0.5\ntemplate-date = 2026-01-02\n");
  const auto result = Tessy({"synth", "--seed", "9", "run.toml", "--limit", "1"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(ReadLines("r.jsonl"),
              AllOf(SizeIs(2), Each(HasSubstr(R"("seed":9)")), Each(HasSubstr(R"("temperature":0.5)"))));
  EXPECT_THAT(Read("r.jsonl.run/config.json"),
              AllOf(HasSubstr(R"("exact":true)"), HasSubstr(R"("template_date":"2026-01-02")")));
  // After a model comes the run's file, not another model.
  const auto behind =
      Tessy({"synth", "--seed", "9", "--student", Model("student"), "run.toml", "--limit", "2"});
  ASSERT_EQ(behind.exit_status, 0) << behind.err;
  EXPECT_THAT(ReadLines("r.jsonl"), SizeIs(4));
}

using HelpTest = CliTest;

TEST_F(CliTest, TheHelpOfSynthBeginsWithWhatEverybodyNeedsAndEndsWithServers) {
  const std::string help = Tessy({"synth", "--help"}).out;
  const auto lines = Lines(help);
  ASSERT_GT(lines.size(), 5U);
  std::string first;
  for (size_t i = 0; i < 4; ++i) first += lines[i] + "\n";
  EXPECT_THAT(first, AllOf(HasSubstr("--questions FILE"), HasSubstr("--student MODEL"),
                           HasSubstr("--teacher MODEL"), HasSubstr("--out FILE")));
  size_t at = 0;
  for (const char* group :
       {"Input and output:", "Models:", "Method:", "Sampling:", "Engine:", "Messages:", "Servers:"}) {
    const size_t next = help.find(std::string("\n") + group);
    ASSERT_NE(next, std::string::npos) << group;
    EXPECT_GT(next, at) << group;
    at = next;
  }
}

TEST_F(CliTest, AManualPageHasTheFlagsOfItsCommand) {
  const auto synth = Tessy({"man", "synth"});
  EXPECT_EQ(synth.exit_status, 0) << synth.err;
  EXPECT_THAT(synth.out, StartsWith(".TH TESSY\\-SYNTH 1 "));
  EXPECT_THAT(synth.out,
              AllOf(HasSubstr(".SS Input and output\n"), HasSubstr("\\fB\\-\\-questions\\fR \\fIFILE\\fR"),
                    HasSubstr("tessy synth run.toml")));
  EXPECT_THAT(Tessy({"man", "train", "sft"}).out, StartsWith(".TH TESSY\\-TRAIN\\-SFT 1 "));
  const std::string program = Tessy({"man"}).out;
  for (const char* command : {"synth", "annotate", "train", "runs"}) {
    EXPECT_THAT(program, HasSubstr(std::string("\\fB") + command + "\\fR\n"));
  }
  ExpectRefusal(Tessy({"man", "nonsense"}), {"tessy has no command \"nonsense\""});
  std::filesystem::create_directory(Path("man1"));
  ASSERT_EQ(Tessy({"man", "--all", Path("man1")}).exit_status, 0);
  EXPECT_EQ(Read("man1/tessy-synth.1"), synth.out);
  EXPECT_EQ(Read("man1/tessy.1"), program);
  EXPECT_TRUE(std::filesystem::exists(Path("man1/tessy-model-inspect.1")));
  Write("file", "no folder");
  ExpectRefusal(Tessy({"man", "--all", Path("file")}), {"file/tessy.1"});
  // If there is a man(1), it finds nothing to complain of.
  Write("tessy-synth.1", synth.out);
  const auto checked = RunProgram(
      {"sh", "-c", "command -v groff >/dev/null || exit 0; groff -man -ww -z -Tutf8 tessy-synth.1 2>&1"},
      {.folder = Path("")});
  EXPECT_EQ(checked.out, "");
}

// The commands that a help text lists, with what leads to them.
std::vector<Arguments> CommandsIn(const std::string& help, const Arguments& path) {
  std::vector<Arguments> commands;
  bool listed = false;
  for (const std::string& line : Lines(help)) {
    if (line == "Subcommands:") {
      listed = true;
    } else if (listed && line.starts_with("  ") && line[2] != ' ') {
      commands.push_back(path);
      commands.back().push_back(line.substr(2, line.find(' ', 2) - 2));
    } else if (!line.starts_with("  ")) {
      listed = false;
    }
  }
  return commands;
}

TEST_F(HelpTest, EveryCommandHelpsAndTellsItsVersion) {
  const auto version = Tessy({"--version"});
  EXPECT_EQ(version.out, "tessy " TESSY_VERSION "\n");
  std::vector<Arguments> commands{{}};
  for (size_t i = 0; i < commands.size(); ++i) {
    Arguments arguments = commands[i];
    SCOPED_TRACE(testing::PrintToString(arguments));
    arguments.emplace_back("--help");
    const auto help = Tessy(arguments);
    EXPECT_EQ(help.exit_status, 0);
    EXPECT_EQ(help.err, "");
    EXPECT_THAT(help.out, AllOf(HasSubstr("Usage: tessy"), HasSubstr("Example")));
    arguments.back() = "--version";
    const auto told = Tessy(arguments);
    EXPECT_EQ(told.exit_status, 0) << told.err;
    EXPECT_EQ(told.out, version.out);
    for (Arguments& command : CommandsIn(help.out, commands[i])) commands.push_back(std::move(command));
  }
  EXPECT_GE(commands.size(), 4U);
}

TEST_F(HelpTest, CompletionScriptsAreValid) {
  const std::map<std::string, Arguments> checkers{
      {"bash", {"bash", "-n"}}, {"zsh", {"zsh", "-n"}}, {"fish", {"fish", "-n"}}};
  for (const auto& [shell, checker] : checkers) {
    const auto script = Tessy({"completion", shell});
    ASSERT_EQ(script.exit_status, 0) << script.err;
    EXPECT_THAT(script.out, HasSubstr("synth"));
    if (RunProgram({"sh", "-c", "command -v " + shell}).exit_status != 0) continue;
    Write("script", script.out);
    Arguments check = checker;
    check.push_back(Path("script"));
    const auto checked = RunProgram(check);
    EXPECT_EQ(checked.exit_status, 0) << shell << ": " << checked.err;
  }
}

class ShowProgramTest : public CliTest {
 protected:
  ShowProgramTest() {
    WriteQuestions("q.jsonl", 3);
    EXPECT_EQ(RunSynth({"--out", "r.jsonl"}).exit_status, 0);
  }
};

TEST_F(ShowProgramTest, ListsEveryResponse) {
  const auto result = Tessy({"show", "r.jsonl", "--list"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(Lines(result.out), SizeIs(4));
  for (const auto& [id, response] : Responses("r.jsonl")) EXPECT_THAT(result.out, HasSubstr(id));
}

TEST_F(ShowProgramTest, ShowsTheResponseThatWasAskedFor) {
  for (const std::string id : {"CODE-5-0001/0", "CODE-5-0001"}) {
    const auto result = Tessy({"show", "r.jsonl", "--id", id});
    ASSERT_EQ(result.exit_status, 0) << result.err;
    EXPECT_THAT(result.out,
                AllOf(HasSubstr("CODE-5-0001/0"), HasSubstr("‹S"), HasSubstr("‹T"), Not(HasSubstr("\x1b"))));
  }
  const auto first = Tessy({"show", "r.jsonl"});
  EXPECT_EQ(first.exit_status, 0);
  ExpectRefusal(Tessy({"show", "r.jsonl", "--id", "CODE-5-0009/0"}), {"r.jsonl", "CODE-5-0009/0", "--list"});
  ExpectRefusal(Tessy({"show", "nowhere.jsonl"}), {"nowhere.jsonl"});
}

TEST_F(ShowProgramTest, ColoursATerminalUnlessToldNotTo) {
  ProgramOptions terminal{.environment = {"TERM=xterm-256color", "NO_COLOR="}, .output_is_terminal = true};
  EXPECT_THAT(Tessy({"show", "r.jsonl"}, terminal).out, HasSubstr("\x1b["));
  terminal.environment = {"TERM=xterm-256color", "NO_COLOR=1"};
  EXPECT_THAT(Tessy({"show", "r.jsonl"}, terminal).out, AllOf(HasSubstr("‹S"), Not(HasSubstr("\x1b["))));
}

TEST_F(ShowProgramTest, WritesAPageOnce) {
  const auto result = Tessy({"show", "r.jsonl", "--html", "page.html"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  const std::string page = Read("page.html");
  EXPECT_THAT(page, AllOf(StartsWith("<!doctype html>"), HasSubstr("</html>"), HasSubstr("CODE")));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("src=\"http")), Not(HasSubstr("href=\"http"))));
  ExpectRefusal(Tessy({"show", "r.jsonl", "--html", "page.html"}), {"page.html", "--force"});
  EXPECT_EQ(Tessy({"show", "r.jsonl", "--html", "page.html", "--force"}).exit_status, 0);
}

}  // namespace
}  // namespace tessy
