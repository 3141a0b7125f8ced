// Choosing questions from files as releases have them.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/testing/source_tree.h"
#include "cli_fixture.h"
#include "dataset/tables/duckdb.h"
#include "dataset/tables/table_reader.h"
#include "dataset/tables/table_writer.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class SelectTest : public CliTest {
 protected:
  // The text of a made-up task that shares no five words with another number's.
  static std::string Task(int number, const std::string& last = "end") {
    std::mt19937 random(static_cast<unsigned>(number));
    std::string text = "Task";
    for (int i = 0; i < 40; ++i) text += " w" + std::to_string(random() % 100'000'000);
    return text + " " + last;
  }
  static std::string Row(const std::string& question) {
    return Json{{"question", question}, {"output", "an old response"}}.dump() + "\n";
  }
  void WriteParquet(const std::string& name, const std::string& select, const std::string& more = "") const {
    std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
    auto database = DuckDb::Open();
    ASSERT_TRUE(database) << database.error().message;
    const auto status =
        database->Run("COPY (" + select + ") TO " + SqlText(Path(name)) + " (FORMAT parquet" + more + ")");
    ASSERT_TRUE(status) << status.error().message;
  }
  ProgramResult Select(Arguments arguments, ProgramOptions options = {}) const {
    arguments.insert(arguments.begin(), "select");
    return Tessy(arguments, std::move(options));
  }
  // The rows of a file, without the field that tells where they came from.
  std::vector<Json> Rows(const std::string& name) const {
    std::vector<Json> rows;
    for (const std::string& line : ReadLines(name)) rows.push_back(Json::parse(line));
    return rows;
  }
  std::vector<std::string> Reasons(const std::string& name) const {
    std::vector<std::string> reasons;
    for (const Json& row : Rows(name)) reasons.push_back(row["reason"]);
    return reasons;
  }
};

TEST_F(SelectTest, ParquetAndLinesOfReleasesBecomeQuestions) {
  WriteParquet("ot3/data/train-00000.parquet",
               "SELECT 7 AS difficulty, 'code' AS domain, [{'from': 'human', 'value': 'Sum " + Task(1) +
                   "'}, {'from': 'gpt', 'value': 'a response'}] AS conversations");
  Write("ocr.jsonl",
        Json{{"id", "o-1"}, {"input", "Sum  " + Task(1)}, {"output", "r"}, {"dataset", "taco"}}.dump() +
            "\n" + Json{{"id", "o-2"}, {"input", "-"}, {"output", "r"}, {"dataset", "taco"}}.dump() + "\n" +
            Json{{"id", "o-3"}, {"input", "Max " + Task(2)}, {"solution", "r"}, {"answer", "4"}}.dump() +
            "\n");
  const auto result = Select({"ot3", "ocr.jsonl", "--out", "q.jsonl"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  const auto rows = Rows("q.jsonl");
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0]["prompt"], "Sum " + Task(1));
  EXPECT_EQ(rows[0]["difficulty"], 7);
  EXPECT_EQ(rows[0]["count"], 2);
  EXPECT_EQ(rows[0]["origins"].dump(),
            R"([{"file":"ot3/data/train-00000.parquet","row":1},{"file":"ocr.jsonl","row":1}])");
  EXPECT_FALSE(rows[0].contains("conversations"));
  EXPECT_EQ(rows[1]["source_id"], "o-3");
  EXPECT_EQ(rows[1]["answer"], "4");
  EXPECT_FALSE(rows[1].contains("solution"));
  EXPECT_THAT(Reasons("q.jsonl.run/rejected.jsonl"), ElementsAre("placeholder"));
  EXPECT_EQ(Rows("q.jsonl.run/rejected.jsonl")[0]["source_id"], "o-2");
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("read                              4"), HasSubstr("  - placeholder"),
                    HasSubstr("written                           2              2")));
  const Json summary = Json::parse(Read("q.jsonl.run/summary.json"));
  EXPECT_EQ(summary["similarity"], 0.8);
  EXPECT_EQ(summary["stages"].back().dump(), R"({"stage":"written","rows":2,"questions":2})");

  const auto synth = RunSynth({"--method", "student-only", "--limit", "1", "--max-thinking-tokens", "20",
                               "--close-thinking", "force", "--out", "r.jsonl"});
  EXPECT_NE(synth.exit_status, 1) << synth.err;  // its questions are those that synth reads
}

TEST_F(SelectTest, DuplicatesVariantsAndEvaluationsGoWhereTheyBelong) {
  const std::string formula = Task(3, "at most 10");
  Write("s.jsonl", Row(Task(1)) + Row(Task(1)) + Row(Task(1, "stop")) + Row(formula) +
                       Row(Task(3, "at most 20")) + Row(Task(4)) + Row(Task(5)));
  Write("eval.jsonl", Json{{"question_id", "e9"}, {"question_content", Task(4, "other end")}}.dump() + "\n");
  const auto result = Select(
      {"--source", "s.jsonl", "--decontaminate", "eval.jsonl", "--similarity", "0.8", "--out", "q.jsonl"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  const auto rows = Rows("q.jsonl");
  ASSERT_THAT(rows, SizeIs(4));
  EXPECT_EQ(rows[0]["prompt"], Task(1));
  EXPECT_EQ(rows[0]["count"], 3);
  EXPECT_EQ(rows[1]["prompt"], formula);
  EXPECT_FALSE(rows[1].contains("same_but_numbers"));
  EXPECT_EQ(rows[2]["prompt"], Task(3, "at most 20"));
  EXPECT_EQ(rows[2]["same_but_numbers"], rows[1]["id"]);
  EXPECT_EQ(rows[3]["prompt"], Task(5));
  const auto rejected = Rows("q.jsonl.run/rejected.jsonl");
  ASSERT_THAT(rejected, SizeIs(2));
  EXPECT_EQ(rejected[0]["reason"], "contaminated");
  EXPECT_EQ(rejected[0]["evaluation"]["file"], "eval.jsonl");
  EXPECT_EQ(rejected[0]["evaluation"]["id"], "e9");
  EXPECT_EQ(rejected[0]["origins"].dump(), R"([{"file":"s.jsonl","row":6}])");
  EXPECT_EQ(rejected[1]["reason"], "near_duplicate");
  EXPECT_EQ(rejected[1]["duplicate_of"], rows[0]["id"]);
}

TEST_F(SelectTest, ASampleIsTheSameInAnyOrderAndForAnyThreads) {
  std::vector<std::string> lines;
  for (int i = 0; i < 300; ++i) {
    for (int copy = 0; copy <= i % 5; ++copy) lines.push_back(Row(Task(i)));
  }
  const auto chosen = [&](const std::string& name, const std::string& threads) {
    std::string text;
    for (const std::string& line : lines) text += line;
    Write("s.jsonl", text);
    const auto result = Select(
        {"s.jsonl", "--distinct", "50", "--rows", "120", "--seed", "3", "--threads", threads, "--out", name});
    EXPECT_EQ(result.exit_status, 0) << result.err;
    std::vector<std::string> ids;
    for (const Json& row : Rows(name)) ids.push_back(row["id"]);
    std::ranges::sort(ids);
    return ids;
  };
  const auto ids = chosen("a.jsonl", "1");
  EXPECT_THAT(ids, SizeIs(120));
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), 120U);  // copies have names of their own
  std::shuffle(lines.begin(), lines.end(), std::mt19937(1));
  EXPECT_EQ(chosen("b.jsonl", "2"), ids);
  EXPECT_EQ(Rows("b.jsonl.run/rejected.jsonl").size(), 250U);
  EXPECT_THAT(Reasons("b.jsonl.run/rejected.jsonl"), testing::Each("not_sampled"));
}

TEST_F(SelectTest, PlaceholdersAreLookedUp) {
  Write("ocr2.jsonl",
        Json{{"question", "-"}, {"dataset", "taco"}, {"split", "train"}, {"index", "1"}}.dump() + "\n" +
            Json{{"question", "-"}, {"dataset", "apps"}, {"split", "train"}, {"index", "0"}}.dump() + "\n");
  std::filesystem::create_directories(Path("TACO"));
  Write("TACO/train.jsonl", Row("first") + Row("second"));
  const auto result = Select({"ocr2.jsonl", "--lookup", "taco=TACO", "--out", "q.jsonl"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  ASSERT_THAT(Rows("q.jsonl"), SizeIs(1));
  EXPECT_EQ(Rows("q.jsonl")[0]["prompt"], "second");
  EXPECT_THAT(Reasons("q.jsonl.run/rejected.jsonl"), ElementsAre("placeholder"));
}

// Columns that are not needed must not even be read: here they cannot be.
TEST_F(SelectTest, OfTablesThatAreLookedUpOnlyQuestionsAreRead) {
  WriteParquet(
      "taco/train.parquet",
      "SELECT 'task ' || i AS question, repeat('z', 2000) || i AS input_output FROM range(50) AS r(i)",
      ", COMPRESSION uncompressed");
  std::string bytes = Read("taco/train.parquet");
  const size_t at = bytes.find("zzzzzzzz");
  ASSERT_NE(at, std::string::npos);
  Write("taco/train.parquet", bytes.replace(at - 4, 4, "\xFF\xFF\xFF\xFF"));  // the length of the first text
  Write("s.jsonl",
        Json{{"question", "-"}, {"dataset", "taco"}, {"split", "train"}, {"index", "7"}}.dump() + "\n");
  const auto result = Select({"s.jsonl", "--lookup", "taco=taco", "--out", "q.jsonl"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(Rows("q.jsonl").at(0)["prompt"], "task 7");
}

TEST_F(SelectTest, RowsWithImagesAreRejectedAsSuch) {
  WriteParquet("i.parquet",
               "SELECT 'What is seen?' AS question, {'bytes': '\\xFF\\xD8'::BLOB, 'path': NULL::VARCHAR} AS "
               "image UNION ALL SELECT 'What is said?', NULL");
  const auto result = Select({"i.parquet", "--out", "q.jsonl"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  ASSERT_THAT(Rows("q.jsonl"), SizeIs(1));
  EXPECT_EQ(Rows("q.jsonl")[0]["prompt"], "What is said?");
  EXPECT_THAT(Reasons("q.jsonl.run/rejected.jsonl"), ElementsAre("image"));
}

TEST_F(SelectTest, ADryRunWritesNothing) {
  Write("s.jsonl", Row(Task(1)) + Row(Task(1)) + Row(Task(2)));
  const auto result = Select({"s.jsonl", "--dry-run", "2"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("read                              2"),
                                HasSubstr("to be written                     1              1")));
  EXPECT_THAT(std::filesystem::directory_iterator(Path(".")),
              testing::ResultOf([](auto entries) { return std::distance(begin(entries), end(entries)); }, 1));
}

TEST_F(SelectTest, NothingIsOverwritten) {
  Write("s.jsonl", Row(Task(1)));
  Write("q.jsonl", "precious\n");
  ExpectRefusal(Select({"s.jsonl", "--out", "q.jsonl"}), {"q.jsonl: is there already", "--fresh"});
  EXPECT_EQ(Read("q.jsonl"), "precious\n");
  EXPECT_EQ(Select({"s.jsonl", "--out", "q.jsonl", "--fresh"}).exit_status, 0);
  EXPECT_EQ(Read("q.jsonl.old-1"), "precious\n");
  EXPECT_THAT(Rows("q.jsonl"), SizeIs(1));
  ExpectRefusal(Select({"s.jsonl", "--out", "s.jsonl", "--fresh"}),
                {"--out s.jsonl: is the file of --source"});
  std::filesystem::create_directories(Path("d"));
  Write("d/s.jsonl", Row(Task(1)));
  ExpectRefusal(Select({"d", "--out", "d/q.jsonl"}), {"--out d/q.jsonl: lies in --source d, which is read"});
}

// A result among the questions would be read as questions the next time.
TEST_F(SelectTest, NoResultLiesAmongWhatIsRead) {
  std::filesystem::create_directories(Path("d"));
  WriteQuestions("d/q.jsonl", 1);
  const auto synth = [&](const std::string& questions, const std::string& out, const Arguments& more = {}) {
    Arguments arguments{"synth",     "--questions",    questions, "--method", "student-only",
                        "--student", Model("student"), "--out",   out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Tessy(arguments);
  };
  ExpectRefusal(synth("d", "d/r.jsonl"), {"--out d/r.jsonl: lies in --questions d, which is read"});
  ExpectRefusal(synth("d/", "d/r.jsonl"), {"--out d/r.jsonl: lies in --questions d/, which is read"});
  ExpectRefusal(synth("d/*.jsonl", "d/r.jsonl"), {"--out d/r.jsonl: lies in --questions d/*.jsonl"});
  ExpectRefusal(synth("d", "r.jsonl", {"--run", "d/run"}), {"--run d/run: lies in --questions d"});
  std::filesystem::create_symlink(Path("r.jsonl"), Path("d/link.jsonl"));
  ExpectRefusal(synth("d", "r.jsonl"), {"--out r.jsonl: lies in --questions d"});
  EXPECT_FALSE(Exists("r.jsonl"));
  EXPECT_EQ(synth("d/q*.jsonl", "d/r.jsonl", {"--temperature", "0"}).exit_status, 0);  // it does not match
}

TEST_F(SelectTest, QuestionsMayBeWrittenAsParquet) {
  Write("s.jsonl", Row(Task(1)) + Row(Task(2)));
  ASSERT_EQ(Select({"s.jsonl", "--out", "lines.jsonl"}).exit_status, 0);
  const auto result = Select({"s.jsonl", "--out", "q.parquet"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(Read("q.parquet").substr(0, 4), "PAR1");
  auto table = TableReader::Open(Path("q.parquet"));
  ASSERT_TRUE(table) << table.error().message;
  for (const std::string& line : ReadLines("lines.jsonl")) {
    const auto row = table->Next();
    ASSERT_TRUE(row && *row);
    EXPECT_EQ(Json::parse(**row), Json::parse(line));
  }
}

TEST_F(SelectTest, AnOldOutputIsSetAsideOnlyForASelectionThatCanBegin) {
  Write("s.jsonl", Row(Task(1)));
  Write("eval.jsonl", Json{{"text", "x"}}.dump() + "\n");
  Write("q.jsonl", "precious\n");
  Write("q.parquet", "precious\n");
  const auto refuse = [&](Arguments arguments, const std::vector<std::string>& pieces) {
    arguments.push_back("--fresh");
    ExpectRefusal(Select(arguments), pieces);
    EXPECT_EQ(Read("q.jsonl"), "precious\n");
    EXPECT_EQ(Read("q.parquet"), "precious\n");
  };
  refuse({"nowhere.jsonl", "--out", "q.jsonl"}, {"nowhere.jsonl: cannot be read: No such file"});
  refuse({"s.jsonl", "none/*", "--out", "q.jsonl"}, {"none/*: no file matches it"});
  refuse({"s.jsonl", "--decontaminate", "eval.jsonl", "--out", "q.jsonl"}, {"no column of questions"});
  std::filesystem::remove(Path("q.jsonl"));
  const auto running = TableWriter::Open(Path("q.jsonl"));
  ASSERT_TRUE(running) << running.error().message;
  Write("q.jsonl", "precious\n");
  refuse({"s.jsonl", "--out", "q.jsonl"}, {"q.jsonl: another tessy is writing to it"});
}

// What is wrong deep in a source is known late, and so is a full disk.
TEST_F(SelectTest, AnOldOutputStaysUntilTheNewOneIsComplete) {
  Write("s.jsonl", Row(Task(1)) + Row("-"));
  ASSERT_EQ(Select({"s.jsonl", "--out", "q.jsonl"}).exit_status, 0);
  const std::string old = Read("q.jsonl");
  const std::string old_rejected = Read("q.jsonl.run/rejected.jsonl");
  std::string many;
  for (int i = 0; i < 2000; ++i) many += Row(Task(i));
  Write("many.jsonl", many);
  Write("bad.jsonl", many + "{\"question\":\n");
  const auto expect_old = [&] {
    EXPECT_EQ(Read("q.jsonl"), old);
    EXPECT_EQ(Read("q.jsonl.run/rejected.jsonl"), old_rejected);
    EXPECT_FALSE(Exists("q.jsonl.old-1"));
    EXPECT_FALSE(Exists("q.jsonl.run.old-1"));
  };
  ExpectRefusal(Select({"bad.jsonl", "--out", "q.jsonl", "--fresh"}), {"bad.jsonl:2001: not valid JSON"});
  expect_old();
  const auto full = Select({"many.jsonl", "--out", "q.jsonl", "--fresh"}, {.file_bytes_max = 300'000});
  EXPECT_EQ(full.exit_status, 1);
  EXPECT_THAT(Lines(full.err), SizeIs(1));
  expect_old();
  EXPECT_EQ(Select({"many.jsonl", "--out", "q.jsonl", "--fresh"}).exit_status, 0);
  EXPECT_THAT(Rows("q.jsonl"), SizeIs(2000));
  EXPECT_EQ(Read("q.jsonl.old-1"), old);
  EXPECT_EQ(Read("q.jsonl.run.old-1/rejected.jsonl"), old_rejected);
  EXPECT_TRUE(Exists("q.jsonl.run.old-1/summary.json"));
}

TEST_F(SelectTest, WhatIsWrongIsOneLine) {
  Write("s.jsonl", Row(Task(1)));
  Write("other.jsonl", Json{{"text", "x"}, {"n", 1}}.dump() + "\n");
  Write("bad.jsonl", Row(Task(1)) + "{\"question\":\n");
  Write("empty.jsonl", "");
  Write("none.jsonl", Row("-"));
  WriteParquet("m/1.parquet", "SELECT 'x' AS question");
  WriteParquet("m/2.parquet", "SELECT ['x'] AS question");
  WriteParquet("p.parquet", "SELECT 'x' AS question FROM range(5000)");
  Write("cut.parquet", Read("p.parquet").substr(0, 60));
  const auto refuse = [&](Arguments arguments, const std::vector<std::string>& pieces) {
    arguments.insert(arguments.end(), {"--out", "q.jsonl"});
    ExpectRefusal(Select(arguments), pieces);
    for (const char* name : {"q.jsonl", "q.jsonl.tmp", "q.jsonl.run"}) EXPECT_FALSE(Exists(name)) << name;
  };
  ExpectRefusal(Select({"--out", "q.jsonl"}), {"--source is missing"});
  ExpectRefusal(Select({"s.jsonl"}), {"--out is missing"});
  refuse({"nowhere.jsonl"}, {"nowhere.jsonl: cannot be read: No such file"});
  refuse({"*.csv"}, {"*.csv: no file matches it"});
  refuse({"other.jsonl"}, {"other.jsonl:1: no column of questions in it", "it has text, n", "--column"});
  refuse({"s.jsonl", "--column", "quesion"}, {"s.jsonl:1: no column", "quesion", "it has question, output"});
  refuse({"bad.jsonl"}, {"bad.jsonl:2: not valid JSON", "--skip-bad-lines"});
  refuse({"empty.jsonl"}, {"empty.jsonl: is empty: no rows in it"});
  refuse({"none.jsonl"}, {"there is no question in any of the rows"});
  refuse({"cut.parquet"}, {"cut.parquet: damaged or truncated Parquet file"});
  refuse({"m"}, {"m/2.parquet: is no part of the same table as m/1.parquet", "VARCHAR[], not VARCHAR"});
  refuse({"s.jsonl", "./s.jsonl"}, {"s.jsonl is named twice"});
  refuse({"s.jsonl", "--lookup", "taco"}, {"--lookup taco: is not of the form NAME=FOLDER"});
  refuse({"s.jsonl", "--distinct", "9", "--rows", "3"}, {"--rows 3: is less than --distinct 9"});
  refuse({"s.jsonl", "--decontaminate", "other.jsonl"},
         {"--decontaminate other.jsonl:1: no column of questions"});
  const Json user{{"role", "user"}, {"content", "x"}};
  Write("turns.jsonl", Json{{"messages", {user, user}}}.dump() + "\n");
  refuse({"s.jsonl", "--decontaminate", "turns.jsonl"},
         {"--decontaminate turns.jsonl:1: multi_turn: 2 turns of the user; remove that row, or give a file "
          "with one question a row"});
  WriteParquet("other.parquet", "SELECT 'x' AS text, 1 AS n");
  refuse({"s.jsonl", "--decontaminate", "other.parquet"},
         {"--decontaminate other.parquet:1: no column of questions", "it has text, n"});
  const auto skipped = Select({"bad.jsonl", "--skip-bad-lines", "--out", "q.jsonl"});
  EXPECT_EQ(skipped.exit_status, 0) << skipped.err;
  EXPECT_THAT(Reasons("q.jsonl.run/rejected.jsonl"), ElementsAre("bad_line"));
}

TEST_F(SelectTest, AfterAKillOrAnInterruptTheSameCommandStartsOver) {
  {
    std::ofstream file(Path("s.jsonl"));
    const std::string rest(2000, 'x');
    for (int i = 0; i < 30'000; ++i) file << Json{{"question", Task(i)}, {"rest", rest}}.dump() << '\n';
  }
  for (const int signal : {SIGKILL, SIGINT}) {
    std::filesystem::remove(Path("q.jsonl.tmp"));  // a killed run leaves it, and it says that work has begun
    const auto program =
        StartTessy({"select", "s.jsonl", "--out", "q.jsonl"}, {.time_limit = std::chrono::minutes(2)});
    for (int i = 0; i < 1000 && !Exists("q.jsonl.tmp"); ++i) usleep(10'000);
    usleep(50'000);
    program->Signal(signal);
    const auto result = program->Wait();
    EXPECT_FALSE(Exists("q.jsonl"));
    if (signal == SIGINT) {
      EXPECT_EQ(result.exit_status, 3) << result.err;
      EXPECT_THAT(result.err, HasSubstr("interrupted; nothing was written"));
    }
  }
  Write("small.jsonl", Row(Task(1)));
  const auto result = Select({"small.jsonl", "--out", "q.jsonl"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(Rows("q.jsonl"), SizeIs(1));
  EXPECT_FALSE(Exists("q.jsonl.tmp"));
}

TEST_F(SelectTest, AnInterruptWhileParquetIsMadeIsHeard) {
  {
    std::ofstream file(Path("s.jsonl"));
    std::mt19937_64 random(1);
    for (int i = 0; i < 12'000; ++i) {
      std::string rest;
      while (rest.size() < 8000) rest += std::to_string(random());
      file << Json{{"question", Task(i)}, {"rest", rest}}.dump() << '\n';
    }
  }
  Write("q.parquet", "an old one");
  const auto program = StartTessy({"select", "s.jsonl", "--out", "q.parquet", "--fresh"},
                                  {.time_limit = std::chrono::minutes(2)});
  // Rows wait elsewhere until Parquet is made.
  std::error_code error;
  const auto is_made = [&] {
    const auto bytes = std::filesystem::file_size(Path("q.parquet.tmp"), error);
    return !error && bytes > 0;
  };
  for (int i = 0; i < 60'000 && !is_made(); ++i) usleep(1000);
  program->Signal(SIGINT);
  const auto result = program->Wait();
  EXPECT_EQ(result.exit_status, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("interrupted; nothing was written"));
  EXPECT_TRUE(Read("q.parquet") == "an old one") << "an interrupted one took its name";
  EXPECT_FALSE(Exists("q.parquet.old-1"));
  EXPECT_FALSE(Exists("q.parquet.tmp"));
}

TEST_F(SelectTest, AFullDiskIsOneLine) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += Row(Task(i));
  Write("s.jsonl", text);
  const auto result = Select({"s.jsonl", "--out", "q.jsonl"}, {.file_bytes_max = 300'000});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(Lines(result.err), SizeIs(1));
  EXPECT_THAT(result.err, HasSubstr("cannot be written"));
  EXPECT_FALSE(Exists("q.jsonl"));
}

// Questions are read from tables by other commands, too.
TEST_F(SelectTest, SynthTakesParquetCompressedLinesAndFolders) {
  WriteQuestions("q.jsonl", 4);
  WriteParquet("d/q.parquet",
               "SELECT * FROM read_json(" + SqlText(Path("q.jsonl")) +
                   ", format='newline_delimited', columns={'id': 'VARCHAR', 'prompt': 'VARCHAR', "
                   "'answer': 'VARCHAR', 'task': 'VARCHAR'})");
  ASSERT_EQ(Select({"q.jsonl", "--out", "z.jsonl.zst"}).exit_status, 0);
  ASSERT_EQ(Select({"q.jsonl", "--out", "z.jsonl.gz"}).exit_status, 0);
  const auto synth = [&](const std::string& questions, const std::string& out) {
    const auto result = Tessy({"synth", "--questions", questions, "--method", "student-only", "--student",
                               Model("student"), "--temperature", "0", "--out", out});
    EXPECT_EQ(result.exit_status, 0) << result.err;
    std::map<std::string, Json> messages;  // by question
    for (const auto& [id, response] : Responses(out)) {
      messages[response["messages"][0]["content"]] = response["messages"];
    }
    return messages;
  };
  const auto plain = synth("q.jsonl", "plain.jsonl");
  EXPECT_THAT(plain, SizeIs(4));
  EXPECT_EQ(synth("d/q.parquet", "a.jsonl"), plain);
  EXPECT_EQ(Responses("a.jsonl").begin()->second["source"].dump(),
            Responses("plain.jsonl").begin()->second["source"].dump());
  EXPECT_EQ(synth("d", "b.jsonl"), plain);
  EXPECT_EQ(synth("z.jsonl.zst", "c.jsonl"), plain);
  EXPECT_EQ(synth("z.jsonl.gz", "e.jsonl"), plain);
  const auto evaluated =
      Tessy({"eval", "--questions", "d/q.parquet", "--responses", "plain.jsonl", "--verdicts", "v.jsonl"});
  EXPECT_EQ(evaluated.exit_status, 0) << evaluated.err;
}

TEST_F(SelectTest, SettingsMayStandInARunFile) {
  Write("s.jsonl", Row(Task(1)) + Row(Task(2)) + Row(Task(3)));
  Write("run.toml", "source = [\"s.jsonl\"]\nout = \"q.jsonl\"\ndistinct = 2\n");
  const auto result = Select({"run.toml"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(Rows("q.jsonl"), SizeIs(2));
}

TEST_F(SelectTest, SourcesThatAreTypedWinOverThoseOfARunFile) {
  Write("s.jsonl", Row(Task(1)));
  Write("t.jsonl", Row(Task(2)));
  Write("u.jsonl", Row(Task(3)));
  Write("run.toml", "source = [\"s.jsonl\"]\n");
  const auto result = Select({"t.jsonl", "run.toml", "--source", "u.jsonl", "--out", "q.jsonl"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  const auto rows = Rows("q.jsonl");
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0]["prompt"], Task(3));
  EXPECT_EQ(rows[1]["prompt"], Task(2));
  EXPECT_EQ(Select({"t.jsonl", "run.toml", "--out", "v.jsonl"}).exit_status, 0);
  EXPECT_EQ(Rows("v.jsonl").at(0)["prompt"], Task(2));
}

}  // namespace
}  // namespace tessy
