// Errors are one line: what, where, how to mend. Samples may fail for good.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "cli_fixture.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using Pieces = std::vector<std::string>;

class ErrorTest : public CliTest {
 protected:
  ErrorTest() { WriteQuestions("q.jsonl", 4); }

  // Runs with the shipped pair and the built-in lexicon, except for what `arguments` say.
  ProgramResult Try(const Arguments& arguments) const {
    Arguments all{"synth"};
    const auto told = [&](const std::string& flag) {
      return std::find(arguments.begin(), arguments.end(), flag) != arguments.end();
    };
    const std::pair<std::string, std::string> usual[] = {{"--questions", "q.jsonl"},
                                                         {"--student", Model("student")},
                                                         {"--teacher", Model("teacher")},
                                                         {"--out", "r.jsonl"}};
    for (const auto& [flag, value] : usual) {
      if (!told(flag)) all.insert(all.end(), {flag, value});
    }
    all.insert(all.end(), arguments.begin(), arguments.end());
    return Tessy(all);
  }
  void ExpectRefused(const Arguments& arguments, const Pieces& pieces) const {
    SCOPED_TRACE(testing::PrintToString(arguments));
    ExpectRefusal(Try(arguments), pieces);
    EXPECT_EQ(Read("r.jsonl"), "");
  }
};

TEST_F(ErrorTest, ModelsThatCannotBeLoaded) {
  Write("text.gguf", "hello\n");
  std::ifstream model(Model("student"), std::ios::binary);
  std::string bytes(300000, '\0');
  model.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  Write("cut.gguf", bytes);
  ExpectRefused({"--student", "nowhere.gguf"}, {"nowhere.gguf: no such model file"});
  ExpectRefused({"--teacher", "text.gguf"}, {"text.gguf: not a GGUF file", "convert"});
  ExpectRefused({"--student", "cut.gguf"}, {"cut.gguf: truncated GGUF file", "300000", "fetch it again"});
  ExpectRefused({"--student", "."}, {".: is a folder"});
  ExpectRefused({"--student-boundary", "nowhere.gguf"}, {"nowhere.gguf: no such model file"});
  ExpectRefused({"--student-boundary", Model("student")},
                {"student.gguf: no classification head", "a boundary predictor is needed"});
  ExpectRefused({"--teacher", Model("boundary-teacher")},
                {"boundary-teacher.gguf: a boundary predictor", "--teacher-boundary"});
  // llama.cpp has a message of its own for this, but only ours is shown.
  Write("short.gguf", "GGUF");
  ExpectRefused({"--student", "short.gguf"}, {"short.gguf: damaged GGUF file"});
  const auto unreachable = Try({"--student", "http://localhost:1/v1#served"});
  EXPECT_EQ(unreachable.exit_status, 4);
  EXPECT_THAT(unreachable.err, AllOf(HasSubstr("http://localhost:1/props: "), HasSubstr("is the server up")));
  EXPECT_THAT(Lines(unreachable.err), SizeIs(1));
  ExpectRefused({"--student", "http://me:secret@localhost/v1"}, {"--student", "environment"});
  ExpectRefused({"--student", "http:///v1"}, {"--student", "names no host"});
  ExpectRefused({"--student", "http://localhost:1/v1", "--exact"}, {"--exact", "--student"});
  ExpectRefused({"--teacher", "http://localhost:1/v1", "--method", "teacher-score"},
                {"--score-by likelihood", "--teacher", "--score-by judge"});
  const auto no_predictor = Try({"--teacher-boundary", "http://localhost:1/v1#served"});
  EXPECT_EQ(no_predictor.exit_status, 4);
  EXPECT_THAT(no_predictor.err,
              AllOf(HasSubstr("http://localhost:1/props: "), HasSubstr("is the server up")));
}

TEST_F(ErrorTest, WhatIsMissingIsNamed) {
  ExpectRefusal(Tessy({"synth", "--questions", "q.jsonl", "--student", Model("student")}),
                {"--teacher is missing", "--method tessy"});
  ExpectRefusal(
      Tessy({"synth", "--questions", "q.jsonl", "--teacher", Model("teacher"), "--method", "teacher-answer"}),
      {"--student is missing", "--method teacher-answer"});
  ExpectRefusal(Tessy({"synth", "--student", Model("student"), "--teacher", Model("teacher")}),
                {"--questions is missing", "prompt"});
  ExpectRefusal(Tessy({}), {"no command", "tessy --help"});
  ExpectRefusal(Tessy({"snyth"}), {"\"snyth\"", "did you mean synth?"});
}

TEST_F(ErrorTest, QuestionsThatCannotBeRead) {
  WriteQuestions("broken.jsonl", 3);
  Write("broken.jsonl", Read("broken.jsonl") + "{\"prompt\": \"CODE\n");
  Write("empty.jsonl", "");
  Write("twice.jsonl", Read("q.jsonl") + Lines(Read("q.jsonl"))[1] + "\n");
  Write("alien.jsonl", "{\"question\": \"CODE 1 + 1\"}\n");
  ExpectRefused({"--questions", "nowhere.jsonl"}, {"nowhere.jsonl: cannot be read: No such file"});
  std::filesystem::create_directories(Path("empty"));
  ExpectRefused({"--questions", "empty"}, {"empty: is a folder, and no table is in it"});
  ExpectRefused({"--questions", "broken.jsonl"}, {"broken.jsonl:4: not valid JSON", "--skip-bad-lines"});
  ExpectRefused({"--questions", "empty.jsonl"}, {"empty.jsonl: is empty"});
  ExpectRefused({"--questions", "twice.jsonl"}, {"twice.jsonl", "\"CODE-5-0001\"", "line 2", "line 5"});
  ExpectRefused({"--questions", "alien.jsonl"}, {"alien.jsonl:1: no prompt, messages"});

  const auto skipped = Try({"--questions", "broken.jsonl", "--skip-bad-lines"});
  EXPECT_EQ(skipped.exit_status, 0) << skipped.err;
  EXPECT_THAT(skipped.err, HasSubstr("broken.jsonl:4: skipped: not valid JSON"));
  EXPECT_THAT(ReadLines("r.jsonl"), SizeIs(3));
}

TEST_F(ErrorTest, OutputsThatCannotBeWritten) {
  std::filesystem::create_directory(Path("folder"));
  ExpectRefused({"--out", "q.jsonl/r.jsonl"}, {"q.jsonl/r.jsonl", "Not a directory"});
  ExpectRefused({"--out", "folder"}, {"folder: ", "Is a directory"});
  ExpectRefused({"--out", "/proc/r.jsonl"}, {"/proc/r.jsonl", "cannot be opened for writing"});
  const std::string questions = Read("q.jsonl");
  for (const Arguments& arguments :
       {Arguments{"--out", "q.jsonl"}, Arguments{"--out", "./q.jsonl", "--fresh"}}) {
    ExpectRefused(arguments, {"q.jsonl: is the file of --questions, q.jsonl"});
    EXPECT_EQ(Read("q.jsonl"), questions);
  }
  // Whatever the input, and whatever its name.
  Write("prompt.txt", "{question} {response}");
  std::filesystem::copy_file(Model("student"), Path("S.gguf"));
  const std::string model = Read("S.gguf");
  std::filesystem::create_symlink("S.gguf", Path("link"));
  ExpectRefused({"--student", "S.gguf", "--out", "link", "--fresh"},
                {"--out link: is the file of --student, S.gguf"});
  ExpectRefused({"--student", "link", "--out", "S.gguf", "--fresh"},
                {"--out S.gguf: is the file of --student, link"});
  ExpectRefused({"--judge-prompt", "prompt.txt", "--out", "prompt.txt", "--fresh"},
                {"--out prompt.txt: is the file of --judge-prompt"});
  EXPECT_EQ(Read("S.gguf"), model);
  Write("notes.jsonl", "{\"note\": \"mine\"}\n");
  ExpectRefused({"--out", "notes.jsonl"},
                {"notes.jsonl: is there already", "notes.jsonl.run/config.json", "another --out", "--fresh"});
  EXPECT_EQ(Read("notes.jsonl"), "{\"note\": \"mine\"}\n");
  EXPECT_FALSE(Exists("notes.jsonl.run"));
}

TEST_F(ErrorTest, WhereNothingIsKeptNothingIsPromised) {
  const std::string command = ProgramPath() + " synth --questions q.jsonl --student " + Model("student") +
                              " --teacher " + Model("teacher") + " >/dev/full";
  const auto result = RunProgram({"bash", "-c", command}, {.folder = Path("")});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("standard output cannot be written: No space left"),
                                Not(HasSubstr("the same command"))));
}

// A program whose results nobody gets has not done what it was asked for.
TEST_F(ErrorTest, ResultsThatCannotBePrintedAreAFailure) {
  ASSERT_EQ(Try({}).exit_status, 0);
  const std::string responses = Read("r.jsonl");
  const std::string models = " --student " + Model("student") + " --teacher " + Model("teacher");
  const std::string commands[] = {"synth --questions q.jsonl" + models,
                                  "eval --questions q.jsonl --responses r.jsonl",
                                  "show r.jsonl",
                                  "show r.jsonl --list",
                                  "runs .",
                                  "model inspect " + Model("student"),
                                  "--version",
                                  "synth --help"};
  for (const std::string& command : commands) {
    for (const auto& [where, reason] :
         {std::pair(" >&-", "it is closed"), std::pair(" >/dev/full", "No space left")}) {
      SCOPED_TRACE(command + where);
      const auto result =
          RunProgram({"bash", "-c", ProgramPath() + " " + command + where}, {.folder = Path("")});
      ExpectRefusal(result, {"standard output cannot be written: ", reason});
    }
  }
  EXPECT_EQ(Read("r.jsonl"), responses);
}

// Its results are in a file, so that nothing is lost.
TEST_F(ErrorTest, AClosedOutputHarmsNoRunThatPrintsNothing) {
  const std::string command = ProgramPath() + " synth --questions q.jsonl --out closed.jsonl --student " +
                              Model("student") + " --teacher " + Model("teacher") + " >&-";
  const auto result = RunProgram({"bash", "-c", command}, {.folder = Path("")});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(ReadLines("closed.jsonl"), SizeIs(4));
}

TEST_F(ErrorTest, AnotherConfigurationIsRefusedWithTheDifference) {
  ASSERT_EQ(Try({"--seed", "1", "--limit", "2"}).exit_status, 0);
  const std::string before = Read("r.jsonl");
  const auto refused = [&](const Arguments& arguments, const Pieces& pieces) {
    SCOPED_TRACE(testing::PrintToString(arguments));
    ExpectRefusal(Try(arguments), pieces);
    EXPECT_EQ(Read("r.jsonl"), before);
  };
  refused({"--seed", "2"}, {"r.jsonl: ", "other settings: seed 1 -> 2;", "--fresh", "--out"});
  refused({"--seed", "1", "--temperature", "0.6"}, {"temperature 0.7 -> 0.6;"});
  refused({"--seed", "1", "--method", "student-only"}, {"method tessy -> student-only"});
  refused({"--seed", "1", "--context", "200"},
          {"context default (what the models know, at most 40960) -> 200;"});
  refused({"--seed", "1", "--close-thinking", "force"}, {"close_thinking fail -> force;"});
  refused({"--seed", "1", "--teacher", Model("student")}, {"teacher/file teacher.gguf -> student.gguf"});
  refused({"--seed", "1", "--student-boundary", Model("boundary-student")},
          {"student_boundary", "lexicon", "boundary-student.gguf"});

  std::string changed = Read("q.jsonl");
  changed.replace(changed.find("CODE 2 + 9"), 10, "CODE 3 + 9");
  Write("changed.jsonl", changed);
  refused({"--seed", "1", "--questions", "changed.jsonl"},
          {"r.jsonl:", "question CODE-5-0000 was another one", "another id"});
}

TEST_F(ErrorTest, FlagsOutOfTheirRange) {
  const std::pair<Arguments, Pieces> cases[] = {
      {{"--method", "tesy"}, {"--method tesy", "tessy, student-only"}},
      {{"--k", "0"}, {"--k", "1 to 100000"}},
      {{"--k", "many"}, {"--k", "many"}},
      {{"--draft", "stopp"}, {"--draft", "stop", "rollback"}},
      {{"--cut", "word"}, {"--cut", "complete_word"}},
      {{"--seed", "-1"}, {"--seed", "-1 is not a whole number"}},
      {{"--seed", "99999999999999999999"}, {"--seed", "18446744073709551615"}},
      {{"--seed", "1.5"}, {"--seed", "1.5"}},
      {{"--limit", "-3"}, {"--limit", "-3 is not a whole number"}},
      {{"--samples-per-question", "0"}, {"--samples-per-question", "1 to"}},
      {{"--temperature", "-1"}, {"--temperature", "-1 is not a number from 0 to 100"}},
      {{"--temperature", "nan"}, {"--temperature", "nan is not a number"}},
      {{"--temperature", "0.5x"}, {"--temperature", "0.5x is not a number"}},
      {{"--top-p", "0"}, {"--top-p", "0.0001 to 1"}},
      {{"--style-threshold", "nan"}, {"--style-threshold"}},
      {{"--memory", "-1"}, {"--memory", "0 to"}},
      {{"--concurrency", "0"}, {"--concurrency", "1 to 1000000"}},
      {{"--context", "1"}, {"--context", "16 to"}},
      {{"--template-date", "yesterday"}, {"--template-date", "YYYY-MM-DD"}},
      {{"--student-family", "qwen"}, {"qwen", "qwen3"}},
      {{"--progress", "dots"}, {"--progress", "plain"}},
      {{"--log-level", "loud"}, {"--log-level", "warning"}},
      {{"--method", "student-only", "--answer-by", "teacher"}, {"--answer-by teacher", "--method tessy"}},
      {{"--student", Model("student"), "--student", Model("student")}, {"--student", "is given 2 times"}},
      {{"--sede", "3"}, {"--sede", "did you mean --seed?"}},
      {{"--cut", "token"}, {"--cut token", "vocabulary", "complete_word"}},
      {{"--seed"}, {"--seed"}},
  };
  for (const auto& [arguments, pieces] : cases) ExpectRefused(arguments, pieces);
}

TEST_F(ErrorTest, WhatDoesNotFitInMemoryIsSaidInFigures) {
  ExpectRefused({"--memory", "0.001"}, {"does not fit in memory", "student", "teacher", "MiB",
                                        "not even one sample fits", "--memory"});
  // Samples share the caches of the models, but each has windows of its own in the predictors.
  ExpectRefused(
      {"--memory", "0.01", "--concurrency", "64", "--samples-per-question", "16", "--student-boundary",
       Model("boundary-student"), "--teacher-boundary", Model("boundary-teacher")},
      {"does not fit in memory", "MiB", "--concurrency (at most ", "--memory"});
}

TEST_F(ErrorTest, SamplesThatDoNotFitAllAtOnceShareWhatThereIs) {
  const auto result =
      Try({"--memory", "0.005", "--concurrency", "16", "--samples-per-question", "4", "--progress", "none"});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_THAT(result.err, HasSubstr("16 samples at a time, context 256, which share room for "));
  EXPECT_EQ(Responses("r.jsonl").size(), 16U);
}

// Cards that the machine may have are hidden.
TEST_F(ErrorTest, LayersForACardThatIsNotThereAreRefused) {
  for (const char* flag : {"--gpu-layers", "--teacher-gpu-layers", "--student-boundary-gpu-layers"}) {
    for (const char* layers : {"all", "2"}) {
      Arguments arguments{"synth", "--questions", "q.jsonl", "--out", "r.jsonl", flag, layers};
      for (const char* model : {"student", "teacher", "boundary-student"}) {
        const std::string name = model;
        arguments.push_back(name == "boundary-student" ? "--student-boundary" : "--" + name);
        arguments.push_back(Model(name));
      }
      ExpectRefusal(Tessy(arguments, {.environment = {"GGML_VK_VISIBLE_DEVICES=", "CUDA_VISIBLE_DEVICES="}}),
                    {std::string(flag) + " " + layers + ": ", "leave the flag out"});
    }
  }
  ExpectRefused({"--gpu-layers", "some"}, {"--gpu-layers: ", "\"all\""});
}

TEST_F(ErrorTest, CacheTypesThatAModelDoesNotAllowAreRefused) {
  ExpectRefused({"--cache-type", "q8_0"}, {"--cache-type q8_0: ", "student.gguf", "--cache-type f16"});
  ExpectRefused({"--cache-type", "q8_0", "--exact"}, {"--cache-type q8_0: ", "--exact"});
  ExpectRefused({"--cache-type", "f32"}, {"--cache-type", "f16"});
}

TEST_F(ErrorTest, RunFileErrorsNameFileAndLine) {
  const std::pair<std::string, Pieces> cases[] = {
      {"seed = 1\ntemprature = 0.5\n", {"run.toml:2: ", "\"temprature\"", "did you mean temperature?"}},
      {"seed = 1\ntop_q = 0.5\n", {"run.toml:2: ", "\"top-q\"", "did you mean top-p or top-k"}},
      {"\n\ntemperature = \"hot\"\n", {"run.toml:3: --temperature", "hot is not a number"}},
      {"temperature = [0.1, 0.2]\n", {"run.toml:1: --temperature", "1"}},
      {"temperature = {a = 1}\n", {"run.toml:1: ", "\"temperature\"", "not a table"}},
      {"exact = \"yes\"\n", {"run.toml:1: \"exact\" takes true or false"}},
      {"exact = 3\n", {"run.toml:1: \"exact\" takes true or false"}},
      {"\nfresh = true\n", {"run.toml:2: \"fresh\" belongs on the command line"}},
      {"out = true\n", {"run.toml:1: \"out\" takes a value, not true or false"}},
      {"samples-per-question = 2.5\n", {"run.toml:1: --samples-per-question", "2.5"}},
      {"seed = -1\n", {"run.toml:1: --seed", "-1 is not a whole number"}},
      {"draft = \"stopp\"\n", {"run.toml:1: --draft", "rollback"}},
      {"[sampling]\ntemperature = 1\n", {"run.toml:1: ", "\"sampling\""}},
      {"seed = 1\nlimit =\n", {"run.toml:2: ", "expected value"}},
      {"seed = 1\nseed = 2\n", {"run.toml:2: ", "'seed'"}},
      {"help = true\n", {"run.toml:1: there is no setting \"help\""}},
      {"version = true\n", {"run.toml:1: there is no setting \"version\""}},
      {"seed = \"\xff\"\n", {"run.toml:1: ", "utf-8"}},
  };
  for (const auto& [text, pieces] : cases) {
    SCOPED_TRACE(text);
    Write("run.toml", text);
    ExpectRefusal(Tessy({"synth", "run.toml"}), pieces);
  }
  ExpectRefusal(Tessy({"synth", "nowhere.toml"}), {"nowhere.toml: cannot be read: No such file"});
  ExpectRefusal(Tessy({"synth", "."}), {".: is a folder"});
}

// The records of a run's failures, by question.
class FailureTest : public ErrorTest {
 protected:
  std::map<std::string, Json> Failures() const {
    std::map<std::string, Json> failures;
    for (const std::string& line : ReadLines("r.jsonl.run/failures.jsonl")) {
      Json record = Json::parse(line, nullptr, false);
      const auto question = record["question_id"].get<std::string>();
      EXPECT_TRUE(failures.emplace(question, std::move(record)).second) << question << " failed twice";
    }
    return failures;
  }
};

TEST_F(FailureTest, SamplesThatFailForGoodAreOnRecordAndNotTriedAgain) {
  const Arguments arguments{"--max-thinking-tokens", "5", "--retries", "1"};
  const auto result = Try(arguments);
  EXPECT_EQ(result.exit_status, 2) << result.err;
  EXPECT_THAT(result.err,
              HasSubstr("4 of 4 samples failed for good; reasons are in r.jsonl.run/failures.jsonl"));
  const auto failures = Failures();
  EXPECT_THAT(failures, SizeIs(4));
  for (const auto& [question, record] : failures) {
    EXPECT_EQ(record["reason"], "thinking_not_closed");
    EXPECT_EQ(record["attempts"], 2);
    EXPECT_EQ(record["reasons"].size(), 2U);
    EXPECT_THAT(record["text_end"].get<std::string>(), testing::Not(testing::IsEmpty()));
  }
  EXPECT_EQ(Read("r.jsonl"), "");

  const auto again = Try(arguments);
  EXPECT_EQ(again.exit_status, 2) << again.err;
  EXPECT_THAT(again.err, AllOf(HasSubstr("0 to go"), HasSubstr("4 of 4 samples failed for good")));
  EXPECT_THAT(again.err, HasSubstr("(4 failed for good; --retry-failed all tries them again)"));
  EXPECT_EQ(Failures(), failures);
}

TEST_F(FailureTest, FailedSamplesCanBeLookedAt) {
  ASSERT_EQ(Try({"--max-thinking-tokens", "5", "--retries", "1"}).exit_status, 2);
  const auto failures = Failures();
  for (const char* file : {"r.jsonl", "r.jsonl.run", "r.jsonl.run/failures.jsonl"}) {
    const auto shown = Tessy({"show", file, "--failures"});
    EXPECT_EQ(shown.exit_status, 0) << shown.err;
    for (const auto& [question, record] : failures) {
      EXPECT_THAT(shown.out, HasSubstr(question + "/0  thinking_not_closed, 2 times (10 tokens)\n    "));
    }
  }
  const std::string& first = failures.begin()->first;
  const auto one = Tessy({"show", "r.jsonl", "--failures", "--id", first, "--json"});
  EXPECT_EQ(Json::parse(one.out), failures.begin()->second);
  EXPECT_EQ(Tessy({"show", "r.jsonl", "--failures", "--id", first + "/0", "--json"}).out, one.out);
  EXPECT_THAT(Tessy({"show", "r.jsonl", "--failures", "--id", "none"}).out,
              HasSubstr("no failure of \"none\""));
  const auto nowhere = Tessy({"show", "q.jsonl", "--failures"});
  EXPECT_EQ(nowhere.exit_status, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("there is no failures.jsonl"));
  // A line that is torn does not hide the others.
  std::ofstream(Path("r.jsonl.run/failures.jsonl"), std::ios::app) << "{\"question_id\": \"CO";
  const auto torn = Tessy({"show", "r.jsonl", "--failures"});
  EXPECT_EQ(torn.exit_status, 1);
  EXPECT_THAT(torn.err, AllOf(HasSubstr("failures.jsonl:5: "), HasSubstr("1 line cannot be read")));
  for (const auto& [question, record] : failures) EXPECT_THAT(torn.out, HasSubstr(question + "/0  "));
}

TEST_F(FailureTest, SamplesThatFailedAreTriedAgainWhereThatIsAskedFor) {
  ASSERT_EQ(Try({"--max-thinking-tokens", "5", "--retries", "1"}).exit_status, 2);
  const auto other = Try({"--max-thinking-tokens", "5", "--retries", "1", "--retry-failed", "repetition"});
  EXPECT_THAT(other.err, HasSubstr("0 to go")) << "none has failed for this reason";
  EXPECT_FALSE(Exists("r.jsonl.run/failures.jsonl.old-1"));
  const auto again = Try({"--max-thinking-tokens", "5", "--retries", "1", "--retry-failed", "thinking_not"});
  EXPECT_EQ(again.exit_status, 2) << again.err;
  EXPECT_THAT(again.err, AllOf(HasSubstr("4 samples that had failed are tried again"),
                               HasSubstr("4 of 4 samples failed for good")));
  EXPECT_THAT(Failures(), SizeIs(4));
  EXPECT_THAT(ReadLines("r.jsonl.run/failures.jsonl.old-1"), SizeIs(4)) << "nothing is lost";
}

TEST_F(FailureTest, WhatALimitFailedIsTriedAgainWithALargerOne) {
  ASSERT_EQ(Try({"--max-thinking-tokens", "5", "--retries", "1"}).exit_status, 2);
  const auto larger = Try({"--max-thinking-tokens", "400", "--retries", "1", "--accept-config-change"});
  EXPECT_EQ(larger.exit_status, 0) << larger.err;
  EXPECT_THAT(larger.err, AllOf(HasSubstr("max_thinking_tokens 5 -> 400"),
                                HasSubstr("4 samples that had failed are tried again")));
  EXPECT_THAT(ReadLines("r.jsonl"), SizeIs(4));
  EXPECT_THAT(Failures(), SizeIs(0));
}

TEST_F(FailureTest, PromptLongerThanTheContextFailsOnce) {
  std::string prompt = "CODE 3";
  for (int i = 0; i < 200; ++i) prompt += " + 3";
  Write("q.jsonl", Read("q.jsonl") + Json{{"id", "long"}, {"prompt", prompt}}.dump() + "\n");
  const auto result = Try({});
  EXPECT_EQ(result.exit_status, 2) << result.err;
  EXPECT_THAT(result.err, HasSubstr("long/0 failed after 1 attempt: prompt_too_long"));
  EXPECT_THAT(ReadLines("r.jsonl"), SizeIs(4));
  const auto failures = Failures();
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_EQ(failures.at("long")["attempts"], 1);
  EXPECT_THAT(failures.at("long")["reason"].get<std::string>(),
              AllOf(HasSubstr("prompt_too_long"), HasSubstr("256")));
}

TEST_F(FailureTest, ContextThatHoldsNoThinkingFailsEverySample) {
  const auto result = Try({"--context", "16"});
  EXPECT_EQ(result.exit_status, 2) << result.err;
  EXPECT_THAT(Failures(), SizeIs(4));
}

TEST_F(FailureTest, RunWithoutItsConfigurationIsRefused) {
  ASSERT_EQ(Try({"--max-thinking-tokens", "5", "--retries", "0"}).exit_status, 2);
  std::filesystem::remove(Path("r.jsonl.run/config.json"));
  ExpectRefusal(Try({}), {"r.jsonl", "config.json"});
}

}  // namespace
}  // namespace tessy
