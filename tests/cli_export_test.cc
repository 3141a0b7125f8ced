// tessy export with Qwen3's own vocabulary and template, and what the other commands make of its rows.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <utility>

#include "base/sha256.h"
#include "base/testing/source_tree.h"
#include "cli_fixture.h"
#include "dataset/tables/table_reader.h"
#include "model/llama/testing/json_vocabulary.h"

namespace tessy {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

namespace fs = std::filesystem;

class ExportTest : public CliTest {
 protected:
  // Made once for all tests: it holds 150,000 tokens.
  static void SetUpTestSuite() {
    const auto written = WriteQwen3Vocabulary(Student());
    ASSERT_TRUE(written) << written.error().message;
  }
  static void TearDownTestSuite() { fs::remove(Student()); }
  static std::string Student() {
    return testing::TempDir() + "tessy_cli_export_" + std::to_string(getpid()) + ".gguf";
  }

  // plain, unicode, system, history, odd.
  ExportTest() { fs::copy_file(InSource("tests/goldens/export/samples.jsonl"), Path("r.jsonl")); }

  // Writes the folder "set", by the template of Student(), unless `more` says otherwise.
  ProgramResult Export(const std::string& format, const Arguments& more = {}) const {
    Arguments all{"export", "r.jsonl", "--format", format};
    for (const auto& [flag, value] : {std::pair<std::string, std::string>("--out", "set"),
                                      std::pair<std::string, std::string>("--template-of", Student())}) {
      if (std::find(more.begin(), more.end(), flag) == more.end()) all.insert(all.end(), {flag, value});
    }
    all.insert(all.end(), more.begin(), more.end());
    // The vocabulary takes a second to load, and more where the machine has other work.
    return Tessy(all, {.time_limit = std::chrono::minutes(2)});
  }
  std::vector<Json> Rows(const std::string& name) const {
    std::vector<Json> rows;
    for (const std::string& line : ReadLines(name)) rows.push_back(Json::parse(line));
    return rows;
  }
  std::map<std::string, std::string> Reasons() const {
    std::map<std::string, std::string> reasons;
    for (const Json& row : Rows("set/rejected.jsonl")) reasons[row["id"]] = row["reason"];
    return reasons;
  }
  // A count of the summary: "rows written      4".
  static std::string Count(const std::string& out, const std::string& name) {
    for (const std::string& line : Lines(out)) {
      if (line.find(name) == std::string::npos) continue;
      std::string rest = line.substr(line.find(name) + name.size());
      rest.erase(0, rest.find_first_not_of(' '));
      return rest.substr(0, rest.find(' '));
    }
    return "none";
  }
};

TEST_F(ExportTest, WritesRowsARecipeWhatWasLeftOutAndACard) {
  const auto result = Export("trl", {"--checkpoint", "some/student"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(Count(result.out, "responses read"), "5");
  EXPECT_EQ(Count(result.out, "rows written"), "4");
  EXPECT_EQ(Count(result.out, "left out: template_loses_text"), "1");
  EXPECT_EQ(Count(result.out, "tokens"), "219");  // 67 + 51 + 52 + 49, as TRL counts them
  EXPECT_THAT(Rows("set/train.jsonl"), SizeIs(4));
  EXPECT_EQ(Reasons(), (std::map<std::string, std::string>{{"odd/0", "template_loses_text"}}));
  EXPECT_EQ(Rows("set/rejected.jsonl")[0]["where"], "r.jsonl:5");
  EXPECT_THAT(Read("set/train_trl.py"), HasSubstr("STUDENT = \"some/student\""));
  const std::string card = Read("set/README.md");
  Sha256 hash;
  hash.Add(Read("set/train.jsonl"));
  EXPECT_THAT(card, HasSubstr("| `train.jsonl` | 4 | `" + hash.Finish() + "` |"));
  EXPECT_THAT(card, HasSubstr("| read: r.jsonl | 5 | `"));
  EXPECT_THAT(card, HasSubstr("| left out: `template_loses_text` | 1 |"));
  EXPECT_THAT(card, HasSubstr("| `template-date` | 20"));
  EXPECT_FALSE(Exists("set.tmp"));
}

// Trainers with templates of their own write the text as it stands.
TEST_F(ExportTest, WhatTheTemplateLosesIsFlaggedWhereTheTrainerKeepsIt) {
  for (const char* format : {"llamafactory", "ms-swift", "xtuner"}) {
    fs::remove_all(Path("set"));
    const auto result = Export(format);
    ASSERT_EQ(result.exit_status, 0) << result.err;
    EXPECT_EQ(Count(result.out, "rows written"), "5") << format;
    EXPECT_EQ(Count(result.out, "flagged: template_loses_text"), "1") << format;
  }
  EXPECT_EQ(Count(Export("ms-swift", {"--out", "parts", "--train-on", "capability"}).out,
                  "flagged: earlier_thinking_kept"),
            "1");
}

TEST_F(ExportTest, RowsThatAreTooLongAreLeftOutAndNeverCut) {
  const auto result = Export("trl", {"--tokens-max", "51"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(Count(result.out, "rows written"), "2");
  EXPECT_EQ(Reasons(),
            (std::map<std::string, std::string>{
                {"odd/0", "template_loses_text"}, {"plain/0", "too_long"}, {"system/0", "too_long"}}));
  EXPECT_THAT(Read("set/train_trl.py"), HasSubstr("max_length=51"));
  // Parts that are tokenised one by one make more of `plain` than its 67 tokens.
  const auto apart = Export("ms-swift", {"--out", "apart", "--tokens-max", "67", "--train-on", "capability"});
  EXPECT_EQ(Count(apart.out, "left out: too_long"), "1");
  EXPECT_EQ(Rows("apart/rejected.jsonl")[0]["detail"], "69 tokens");
  EXPECT_EQ(Count(Export("ms-swift", {"--out", "whole", "--tokens-max", "67"}).out, "rows written"), "5");
  // The last row is lost: there is nothing to train on, and nothing is left behind.
  const auto none = Export("trl", {"--out", "none", "--tokens-max", "10"});
  ExpectRefusal(none, {"no row is left of 5 responses", "4 are left out as too_long"});
  EXPECT_FALSE(Exists("none"));
  EXPECT_FALSE(Exists("none.tmp"));
}

TEST_F(ExportTest, OwnershipIsInTheRows) {
  ASSERT_EQ(Export("trl", {"--train-on", "capability"}).exit_status, 0);
  for (const Json& row : Rows("set/train.jsonl")) {
    ASSERT_EQ(row["input_ids"].size(), row["labels"].size());
    EXPECT_THAT(std::vector<int>(row["labels"].begin(), row["labels"].end()), Contains(-100));
  }
  const auto style = Export("ms-swift", {"--out", "style", "--style-weight", "0.5"});
  ASSERT_EQ(style.exit_status, 0) << style.err;
  EXPECT_THAT(Read("style/train.jsonl"), HasSubstr("\"content\":\"Okay, let's see.\",\"loss_scale\":0.5"));
  EXPECT_THAT(Read("style/train_ms_swift.sh"), HasSubstr("--is_binary_loss_scale false"));
}

TEST_F(ExportTest, WhatAFormatCannotSayIsRefused) {
  ExpectRefusal(Export("llamafactory", {"--train-on", "capability"}),
                {"--train-on", "say nothing about parts", "trl", "axolotl"});
  ExpectRefusal(Export("trl", {"--style-weight", "0.5"}), {"--style-weight 0.5", "ms-swift"});
  ExpectRefusal(Export("ms-swift", {"--train-on", "capability", "--style-weight", "0.5"}),
                {"--style-weight 0.5", "--train-on capability leaves style out"});
  for (const Arguments& flag : {Arguments{"--family", "qwen3"}, Arguments{"--template-date", "2026-01-02"}}) {
    ExpectRefusal(Tessy({"export", "r.jsonl", "--format", "messages", "--out", "set", flag[0], flag[1]}),
                  {flag[0] + " goes with --template-of"});
  }
  ExpectRefusal(Tessy({"export", "r.jsonl", "--format", "axolotl-segments", "--out", "set"}),
                {"--template-of is missing"});
  ExpectRefusal(Export("axolotl", {"--template-of", Model("student")}),
                {"does not write an assistant's turn with thinking as it stands"});
  ExpectRefusal(Tessy({"export", "--format", "trl", "--out", "set"}), {"--responses is missing"});
  ExpectRefusal(Tessy({"export", "r.jsonl", "--out", "set"}), {"--format is missing"});
  ExpectRefusal(Tessy({"export", "r.jsonl", "--format", "trl"}), {"--out is missing"});
  ExpectRefusal(Export("trl", {"--questions", "q.jsonl"}), {"--questions goes with --keep correct"});
  ExpectRefusal(Tessy({"export", "nowhere.jsonl", "--format", "messages", "--out", "set"}),
                {"nowhere.jsonl"});
  // Axolotl counts offsets from behind the thinking that Qwen3's template would write.
  ExpectRefusal(Export("axolotl", {"--train-on", "capability"}),
                {"--format axolotl", "counts offsets from behind it", "axolotl-segments"});
  ExpectRefusal(
      Tessy({"export", "r.jsonl", "--format", "axolotl", "--out", "set", "--train-on", "capability"}),
      {"--template-of is missing", "offsets"});
  EXPECT_FALSE(Exists("set"));
  EXPECT_FALSE(Exists("set.tmp"));
}

TEST_F(ExportTest, NothingIsWrittenOver) {
  fs::create_directory(Path("set"));
  ExpectRefusal(Export("trl"), {"--out set", "is there already"});
  EXPECT_TRUE(fs::is_empty(Path("set")));
  // What a killed export left beside it is no hindrance.
  fs::remove(Path("set"));
  fs::create_directory(Path("set.tmp"));
  Write("set.tmp/train.jsonl", "{\"half\": ");
  Write("set.tmp/all.jsonl", "x");
  ASSERT_EQ(Export("trl", {"--out", "set/"}).exit_status, 0);
  EXPECT_THAT(Rows("set/train.jsonl"), SizeIs(4));
  EXPECT_FALSE(Exists("set/all.jsonl"));
  // What nobody exported is not removed.
  fs::create_directory(Path("mine.tmp"));
  Write("mine.tmp/thesis.tex", "years of work");
  ExpectRefusal(Tessy({"export", "r.jsonl", "--format", "messages", "--out", "mine"}),
                {"--out mine", "mine.tmp", "holds thesis.tex"});
  EXPECT_EQ(Read("mine.tmp/thesis.tex"), "years of work");
  EXPECT_FALSE(Exists("mine.tmp/train.jsonl"));
  // An input in the folder that would be removed, also where a folder or a pattern names it.
  fs::create_directory(Path("new.tmp"));
  fs::copy_file(Path("r.jsonl"), Path("new.tmp/r.jsonl"));
  ExpectRefusal(Tessy({"export", "new.tmp/r.jsonl", "--format", "messages", "--out", "new"}), {"--out"});
  fs::rename(Path("new.tmp/r.jsonl"), Path("new.tmp/train.jsonl"));
  for (const char* name : {"new.tmp", "new.*/*.jsonl"}) {
    ExpectRefusal(Tessy({"export", name, "--format", "messages", "--out", "new"}),
                  {"--out new.tmp", "--responses"});
  }
  EXPECT_THAT(Rows("new.tmp/train.jsonl"), SizeIs(5));
}

TEST_F(ExportTest, AFullDiskLeavesNothing) {
  std::string many;
  const auto lines = ReadLines("r.jsonl");
  for (int i = 0; i < 500; ++i) {
    Json row = Json::parse(lines[0]);
    row["id"] = "many/" + std::to_string(i);
    many += row.dump() + "\n";
  }
  Write("many.jsonl", many);
  const auto result =
      Tessy({"export", "many.jsonl", "--format", "messages", "--out", "set"}, {.file_bytes_max = 20000});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot be written"));
  EXPECT_FALSE(Exists("set"));
  EXPECT_FALSE(Exists("set.tmp"));
}

TEST_F(ExportTest, SystemTurnsKeepTheNewDataApart) {
  Write("mix.jsonl", R"({"instruction": "Say hi.", "output": "<think>\nhm\n</think>\n\nhi"})"
                     "\n");
  ASSERT_EQ(Export("messages", {"--system", "In tessy's style.", "--mix", "mix.jsonl"}).exit_status, 0);
  const auto rows = Rows("set/train.jsonl");
  ASSERT_THAT(rows, SizeIs(5));
  EXPECT_EQ(rows[0]["messages"][0]["content"], "In tessy's style.");
  EXPECT_EQ(rows[2]["messages"][0]["content"], "You think in the style of tessy.");  // its own
  EXPECT_EQ(rows[4]["messages"][0]["role"], "user");
  EXPECT_THAT(Read("set/README.md"), HasSubstr("| read: mix.jsonl (--mix) | 1 |"));
}

TEST_F(ExportTest, FiltersSayWhatTheyLeaveOut) {
  const auto row = [](const char* id, const char* answer, const char* method, int pad) {
    return Json{{"id", id},
                {"question_id", std::string(id, 1)},
                {"method", method},
                {"messages",
                 {{{"role", "user"}, {"content", "6 * 7?"}},
                  {{"role", "assistant"},
                   {"content",
                    "<think>\n" + std::string(static_cast<size_t>(pad), 'x') + "\n</think>\n\n" + answer}}}},
                {"answer", "42"}}
               .dump() +
           "\n";
  };
  Write("r.jsonl", row("a/0", "42", "tessy", 9) + row("a/1", "41", "tessy", 5) +
                       row("a/2", "42", "tessy", 3) + row("a/2", "42", "tessy", 3) +
                       row("b/0", "42", "teacher-only", 3) +
                       R"({"id": "c/0", "prompt": "q", "completion": "<think>t</think>a", "method": "tessy"})"
                       "\n");
  const auto result = Tessy({"export", "r.jsonl", "--format", "messages", "--out", "set", "--keep", "correct",
                             "--methods", "tessy", "--per-question", "1", "--log-level", "error"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  const auto rows = Rows("set/train.jsonl");
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0]["id"], "a/2") << "the shortest of the right ones";
  for (const char* reason :
       {"wrong_answer", "duplicate", "other_method", "no_expected_answer", "not_among_best"}) {
    EXPECT_EQ(Count(result.out, std::string("left out: ") + reason), "1") << reason;
  }
  for (const Json& rejected : Rows("set/rejected.jsonl")) {
    EXPECT_THAT(rejected["where"].get<std::string>(), testing::StartsWith("r.jsonl:")) << rejected;
  }
  Sha256 hash;
  hash.Add(Read("set/train.jsonl"));
  EXPECT_THAT(Read("set/README.md"), HasSubstr(hash.Finish()));
}

TEST_F(ExportTest, BadLinesStopItUnlessTheyArePassedOver) {
  Write("r.jsonl", Read("r.jsonl") + "{\"prompt\": \"only\"}\n");
  ExpectRefusal(Export("trl"), {"r.jsonl:6", "--skip-bad-lines"});
  const auto result = Export("trl", {"--skip-bad-lines"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(Count(result.out, "left out: bad_line"), "1");
  Write("empty.jsonl", "");
  ExpectRefusal(Tessy({"export", "empty.jsonl", "--format", "messages", "--out", "e"}),
                {"empty.jsonl", "is empty"});
}

// A response that a filter left out is no row: its copy among the mixed ones is not there already.
TEST_F(ExportTest, OnlyWhatWasWrittenMakesADuplicate) {
  fs::copy_file(Path("r.jsonl"), Path("mix.jsonl"));
  const auto result =
      Export("messages", {"--methods", "tessy", "--closed-by", "budget", "--mix", "mix.jsonl"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(Count(result.out, "left out: duplicate"), "none");
  EXPECT_THAT(Rows("set/train.jsonl"), SizeIs(4));
}

TEST_F(ExportTest, FoldersPatternsAndPipesAreReadAsFilesAre) {
  fs::create_directory(Path("data"));
  const auto lines = ReadLines("r.jsonl");
  Write("data/a.jsonl", lines[0] + "\n" + lines[1] + "\n");
  Write("data/b.jsonl", lines[2] + "\n");
  Sha256 hash;
  hash.Add(Read("data/b.jsonl"));
  const std::string expected = "| read: data/b.jsonl | 1 | `" + hash.Finish() + "` |";
  for (const char* name : {"data", "data/*.jsonl"}) {
    fs::remove_all(Path("all"));
    const auto result = Tessy({"export", name, "--format", "messages", "--out", "all"});
    ASSERT_EQ(result.exit_status, 0) << result.err;
    EXPECT_THAT(Rows("all/train.jsonl"), SizeIs(3)) << name;
    EXPECT_THAT(Read("all/README.md"), HasSubstr(expected)) << name;
  }
  // The folder would be read the next time.
  ExpectRefusal(Tessy({"export", "data", "--format", "messages", "--out", "data/set"}),
                {"--out data/set", "lies in --responses data"});
  // A pipe has been read when it could be hashed.
  const auto piped =
      RunProgram({"bash", "-c",
                  "cat data/a.jsonl | '" + ProgramPath() + "' export /dev/stdin --format messages --out set"},
                 {.folder = Path("")});
  ASSERT_EQ(piped.exit_status, 0) << piped.err;
  EXPECT_THAT(Read("set/README.md"), HasSubstr("| read: /dev/stdin | 2 | not a file |"));
  Write("data/bad.jsonl", "no row\n");
  ExpectRefusal(Tessy({"export", "data", "--format", "messages", "--out", "other"}), {"data/bad.jsonl:1"});
}

TEST_F(ExportTest, AnswersAloneAndBlankOnesAreLeftOut) {
  const auto lines = ReadLines("r.jsonl");
  const Json blank = Json::parse(R"({"id": "blank", "prompt": "q", "completion": " \n "})");
  // Its spans know of thinking, and its text has no mark that the trainer knows.
  const Json other = Json::parse(R"({"id": "other", "prompt": "q", "completion": "[THINK]t[/THINK]a"})");
  Write("r.jsonl", lines[0] + "\n" + blank.dump() + "\n" + other.dump() + "\n");
  WriteQuestions("q.jsonl", 2);
  // The shipped models always think; such a family takes what they think for the answer.
  Write("alone.toml",
        "name = \"x\"\ntemplate_marks = []\nopen_thinking = \"\"\ncontent_open = \"<think>\"\n"
        "content_close = \"</think>\"\ntrim = \"\"\nclose_tokens = []\nclose_texts = [\"</think>\"]\n"
        "handover = \"</think>\"\nend_tokens = []\ndefault_template = \"\"\n");
  const auto synth =
      Tessy({"synth", "--questions", "q.jsonl", "--student", Model("student"), "--method", "student-only",
             "--thinking", "off", "--student-family", "alone.toml", "--out", "alone.jsonl"});
  ASSERT_EQ(synth.exit_status, 0) << synth.err;
  for (const char* format : {"llamafactory", "messages", "ms-swift"}) {
    fs::remove_all(Path("set"));
    const auto result = Tessy({"export", "r.jsonl", "alone.jsonl", "--format", format, "--out", "set"});
    ASSERT_EQ(result.exit_status, 0) << result.err;
    EXPECT_EQ(Count(result.out, "left out: answer_alone"), "2") << format;
    auto reasons = Reasons();
    EXPECT_EQ(reasons["blank"], "no_response") << format;
    EXPECT_EQ(reasons["other"], format == std::string("llamafactory") ? "no_thinking" : "") << format;
    EXPECT_THAT(Read("set/README.md"), HasSubstr("| left out: `answer_alone` | 2 | asked for without"));
  }
}

TEST_F(ExportTest, ARunFileHasTheSameSettings) {
  Write("export.toml", "responses = \"r.jsonl\"\nformat = \"messages\"\nout = \"set\"\n");
  ASSERT_EQ(Tessy({"export", "export.toml"}).exit_status, 0);
  EXPECT_THAT(Rows("set/train.jsonl"), SizeIs(5)) << "without a template nothing is checked";
}

TEST_F(ExportTest, TheSameResponsesGiveTheSameBytes) {
  ASSERT_EQ(Export("axolotl-segments", {"--train-on", "style"}).exit_status, 0);
  ASSERT_EQ(Export("axolotl-segments", {"--train-on", "style", "--out", "again"}).exit_status, 0);
  EXPECT_EQ(Read("set/train.jsonl"), Read("again/train.jsonl"));
}

TEST_F(ExportTest, AnInterruptedExportLeavesNothing) {
  std::string many;
  const auto lines = ReadLines("r.jsonl");
  for (int i = 0; i < 20000; ++i) {
    Json row = Json::parse(lines[0]);
    row["id"] = "many/" + std::to_string(i);
    many += row.dump() + "\n";
  }
  Write("r.jsonl", many);
  const auto program =
      StartTessy({"export", "r.jsonl", "--format", "trl", "--out", "set", "--template-of", Student()}, {});
  ASSERT_TRUE(AwaitLines("set.tmp/train.jsonl", 1));
  program->Signal(SIGINT);
  const auto result = program->Wait();
  EXPECT_EQ(result.exit_status, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("interrupted, nothing was written"));
  EXPECT_FALSE(Exists("set"));
  EXPECT_FALSE(Exists("set.tmp"));
}

// ---- Parquet.

TEST_F(ExportTest, ParquetHasTheRowsOfMessages) {
  ASSERT_EQ(Export("messages", {"--out", "lines"}).exit_status, 0);
  const auto result = Export("parquet");
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("set: train.parquet, rejected.jsonl, README.md"));
  EXPECT_FALSE(Exists("set/train.jsonl"));
  EXPECT_EQ(Reasons(), (std::map<std::string, std::string>{{"odd/0", "template_loses_text"}}));
  auto table = TableReader::Open(Path("set/train.parquet"));
  ASSERT_TRUE(table) << table.error().message;
  for (const Json& expected : Rows("lines/train.jsonl")) {
    const auto row = table->Next();
    ASSERT_TRUE(row && *row);
    EXPECT_EQ(Json::parse(**row), expected);
  }
  Sha256 hash;
  hash.Add(Read("set/train.parquet"));
  EXPECT_THAT(Read("set/README.md"), HasSubstr("| `train.parquet` | 4 | `" + hash.Finish() + "` |"));
  EXPECT_THAT(Tessy({"show", "set/train.parquet", "--id", "plain"}).out, HasSubstr("‹S Okay, let's see.›"));
  EXPECT_EQ(Count(Tessy({"export", "set/train.parquet", "--format", "messages", "--out", "again"}).out,
                  "rows written"),
            "4");
  EXPECT_EQ(Read("again/train.jsonl"), Read("lines/train.jsonl"));
}

TEST_F(ExportTest, ParquetKeepsOnlyTheBestRows) {
  const auto lines = ReadLines("r.jsonl");
  Json longer = Json::parse(lines[0]);
  longer["id"] = "plain/1";
  longer["messages"].back()["content"] =
      longer["messages"].back()["content"].get<std::string>() + " It is 22.";
  Write("r.jsonl", longer.dump() + "\n" + lines[0] + "\n");
  const auto result =
      Tessy({"export", "r.jsonl", "--format", "parquet", "--out", "set", "--per-question", "1"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  auto table = TableReader::Open(Path("set/train.parquet"));
  ASSERT_TRUE(table);
  EXPECT_EQ(Json::parse(**table->Next())["id"], "plain/0");
  EXPECT_FALSE(*table->Next());
}

TEST_F(ExportTest, ParquetWithoutItsLibraryIsRefusedAtOnce) {
  const auto result = Tessy({"export", "r.jsonl", "--format", "parquet", "--out", "set"},
                            {.environment = {"TESSY_DUCKDB=/nowhere.so"}});
  ExpectRefusal(result, {"Parquet needs libduckdb.so, which is not at /nowhere.so"});
  EXPECT_FALSE(Exists("set"));
  EXPECT_FALSE(Exists("set.tmp"));
}

// ---- What other commands make of the rows.

TEST_F(ExportTest, RowsOfEveryFormAreShownAnnotatedAndExportedAgain) {
  struct Form {
    const char* format;
    Arguments more;
  };
  for (const Form& form :
       {Form{"trl", {}}, Form{"trl", {"--train-on", "capability"}}, Form{"llamafactory", {}},
        Form{"llamafactory-alpaca", {}}, Form{"ms-swift", {"--style-weight", "0.5"}},
        Form{"xtuner", {"--train-on", "style"}}, Form{"axolotl", {}},
        Form{"axolotl-segments", {"--train-on", "capability"}}, Form{"messages", {}},
        Form{"tessy-reference", {}}}) {
    for (const char* folder : {"set", "again"}) fs::remove_all(Path(folder));
    fs::remove(Path("a.jsonl"));
    fs::remove_all(Path("a.jsonl.run"));
    ASSERT_EQ(Export(form.format, form.more).exit_status, 0) << form.format;
    const auto shown = Tessy({"show", "set/train.jsonl", "--id", "plain"});
    EXPECT_THAT(shown.out, HasSubstr("‹S Okay, let's see.›")) << form.format << shown.err;
    EXPECT_THAT(shown.out, HasSubstr("12 + 10 = 22.")) << form.format;
    const auto annotated =
        Tessy({"annotate", "--responses", "set/train.jsonl", "--annotator", "lexicon", "--out", "a.jsonl"});
    EXPECT_EQ(annotated.exit_status, 0) << form.format << annotated.err;
    const auto again = Tessy({"export", "set/train.jsonl", "--format", "messages", "--out", "again"});
    ASSERT_EQ(again.exit_status, 0) << form.format << again.err;
    // Messages and spans come back to the letter, whatever the form in between.
    std::map<std::string, Json> samples;
    for (const Json& row : Rows("r.jsonl")) samples[row["id"]] = row;
    for (const Json& row : Rows("again/train.jsonl")) {
      EXPECT_EQ(row["messages"], samples[row["id"]]["messages"]) << form.format;
      for (size_t i = 0; i < row["spans"].size(); ++i) {
        Json span = row["spans"][i];
        span.erase("tokens");
        EXPECT_EQ(span, samples[row["id"]]["spans"][i]) << form.format;
      }
    }
  }
}

TEST_F(ExportTest, EvalGradesRowsOfOthers) {
  Write("q.jsonl", "{\"id\": \"plain\", \"prompt\": \"What is 12 + 10?\", \"answer\": \"22\"}\n");
  ASSERT_EQ(Export("llamafactory").exit_status, 0);
  const auto result = Tessy({"eval", "--questions", "q.jsonl", "--responses", "set/train.jsonl"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("100.0 %"));
}

}  // namespace
}  // namespace tessy
