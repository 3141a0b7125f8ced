// Measures the way from published tables to questions: Parquet of the shape of OpenThoughts3 as `tessy
// select` reads it, and a whole selection. The data are made up and written in processes of their own; times
// are CPU seconds of the process that is measured, memory is its largest resident set.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "base/numbers.h"
#include "child.h"
#include "dataset/tables/duckdb.h"
#include "dataset/tables/table_reader.h"
#include "job/select_job.h"
#include "made_questions.h"
#include "select/source_question.h"

namespace tessy::bench {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

bool Failed(const std::string& message) {
  fmt::print(stderr, "bench: {}\n", message);
  return false;
}

// Rows of random words. A vocabulary of 30,000 words compresses as text does, to about half.
class RowMaker {
 public:
  RowMaker() {
    constexpr std::string_view kLetters = "etaoinshrdlucmfwyp";
    for (std::string& word : words_) {
      for (uint64_t i = Between(2, 9); i > 0; --i) word += kLetters[random_() % kLetters.size()];
    }
  }

  // A question of 60 to 300 words, and a response of so many.
  std::string Row(uint64_t words_min, uint64_t words_max) {
    const Json question{{"from", "human"}, {"value", Text(Between(60, 300))}};
    const Json response{
        {"from", "gpt"},
        {"value", "<think>\n" + Text(Between(words_min, words_max)) + "\n</think>\n\nÜber 解"}};
    Json difficulty;
    if (Between(0, 1) == 0) difficulty = Between(1, 10);
    return Json{{"difficulty", difficulty},
                {"source", "made up"},
                {"domain", std::array{"code", "math", "science"}[random_() % 3]},
                {"conversations", {question, response}}}
        .dump();
  }

 private:
  uint64_t Between(uint64_t least, uint64_t most) { return least + random_() % (most - least + 1); }
  std::string Text(uint64_t words) {
    std::string text;
    for (; words > 0; --words) text += words_[random_() % words_.size()] + " ";
    return text;
  }

  std::mt19937_64 random_{7};
  std::array<std::string, 30'000> words_;
};

// A form of rows.
struct Shape {
  const char* name;
  uint64_t words_min;  // of a response
  uint64_t words_max;
  size_t rows;
  size_t row_group;
};

struct Files {
  std::string lines, parquet;
};

bool WriteLines(const Shape& shape, const std::string& path) {
  RowMaker maker;
  std::ofstream out(path, std::ios::binary);
  for (size_t i = 0; i < shape.rows; ++i) out << maker.Row(shape.words_min, shape.words_max) << '\n';
  out.close();
  return out ? true : Failed(path + ": cannot be written");
}

bool WriteParquet(const Files& files, const std::string& codec, size_t row_group) {
  auto database = DuckDb::Open();
  if (!database) return Failed(database.error().message);
  const auto status = database->Run(fmt::format(
      "COPY (SELECT * FROM read_json({}, format='newline_delimited', columns={{difficulty: 'BIGINT', source: "
      "'VARCHAR', domain: 'VARCHAR', conversations: 'STRUCT(\"from\" VARCHAR, \"value\" VARCHAR)[]'}})) TO "
      "{} "
      "(FORMAT parquet, COMPRESSION {}, ROW_GROUP_SIZE {})",
      SqlText(files.lines), SqlText(files.parquet), codec, row_group));
  return status ? true : Failed(status.error().message);
}

// All rows, with the columns that a selection reads, or whole.
bool Read(const std::string& path, size_t rows, bool as_select) {
  TableOptions options;
  if (as_select) options = {.leaves_out = &IsResponseColumn, .without_assistant = true};
  auto table = TableReader::Open(path, options);
  if (!table) return Failed(table.error().message);
  size_t read = 0;
  while (true) {
    const auto row = table->Next();
    if (!row) return Failed(row.error().message);
    if (!*row) break;
    ++read;
  }
  return read == rows ? true : Failed(fmt::format("{} rows of {} were read", read, rows));
}

void PrintSpent(const std::string& name, size_t rows, const Spent& spent) {
  fmt::print("  {:<32} {:8.2f} s CPU {:8.2f} s {:>11} rows/CPU-s   {} at most\n", name, spent.cpu_seconds,
             spent.seconds,
             WithThousands(static_cast<uint64_t>(static_cast<double>(rows) / spent.cpu_seconds)),
             FormatBytes(spent.peak_bytes));
}

void BenchShape(const Shape& shape, const std::string& folder) {
  const Files files{folder + "/rows.jsonl", folder + "/rows.parquet"};
  InChild([&] { return WriteLines(shape, files.lines); });
  fmt::print("{}: {} rows of {} in groups of {}\n", shape.name, WithThousands(shape.rows),
             FormatBytes(fs::file_size(files.lines) / shape.rows), WithThousands(shape.row_group));
  for (const std::string codec : {"zstd", "snappy"}) {
    fs::remove(files.parquet);
    InChild([&] { return WriteParquet(files, codec, shape.row_group); });
    for (const bool as_select : {true, false}) {
      const Spent spent = InChild([&] { return Read(files.parquet, shape.rows, as_select); });
      PrintSpent(codec + (as_select ? ", without responses" : ", whole rows"), shape.rows, spent);
    }
  }
  fs::remove(files.lines);
  fs::remove(files.parquet);
}

bool WriteQuestions(size_t count, const std::string& path) {
  std::ofstream out(path, std::ios::binary);
  for (const std::string& question : MakeQuestions(count)) {
    out << Json{{"question", question}, {"source", "made up"}, {"difficulty", 7}}.dump() << '\n';
  }
  out.close();
  return out ? true : Failed(path + ": cannot be written");
}

bool Select(const std::string& from, const std::string& out, int threads) {
  SelectOptions options;
  options.sources = {from};
  options.out = out;
  options.teacher.engine.machine.threads = threads;
  SelectJob job(std::move(options), {});
  const auto result = job.Run();
  return result ? true : Failed(result.error().message);
}

void BenchSelection(size_t count, const std::string& folder) {
  const std::string from = folder + "/questions.jsonl";
  InChild([&] { return WriteQuestions(count, from); });
  fmt::print("select, from {} questions in {} of JSON lines to its outputs\n", WithThousands(count),
             FormatBytes(fs::file_size(from)));
  for (const int threads : {1, 2}) {
    const std::string out = fmt::format("{}/selected-{}.jsonl", folder, threads);
    const Spent spent = InChild([&] { return Select(from, out, threads); });
    PrintSpent(Counted(static_cast<size_t>(threads), "thread"), count, spent);
  }
}

// For the files of a run; gone at its end, however it ends by itself.
std::string g_folder;
void RemoveFolder() { fs::remove_all(g_folder); }

struct Options {
  size_t rows = 60'000;
  size_t long_rows = 6'000;
  size_t questions = 1'000'000;
  std::string folder = fs::temp_directory_path().string();
  bool quick = false;
};

int Run(Options options) {
  if (options.quick) {
    options.rows = 3000;
    options.long_rows = 300;
    options.questions = 5000;
  }
  g_folder = fmt::format("{}/tessy-tables-bench.{}", options.folder, getpid());
  fs::create_directories(g_folder);
  std::atexit(&RemoveFolder);
  if (options.rows > 0) BenchShape({"Parquet, short rows", 800, 3000, options.rows, 2000}, g_folder);
  if (options.long_rows > 0) {
    BenchShape({"Parquet, long rows", 24'500, 24'500, options.long_rows, 1000}, g_folder);
  }
  if (options.questions > 0) BenchSelection(options.questions, g_folder);
  return 0;
}

}  // namespace
}  // namespace tessy::bench

int main(int argc, char** argv) {
  CLI::App app{"reading Parquet, and choosing questions"};
  tessy::bench::Options options;
  app.add_option("--rows", options.rows, "of Parquet whose rows are short; 0: none");
  app.add_option("--long-rows", options.long_rows, "of Parquet whose rows are long; 0: none");
  app.add_option("--questions", options.questions, "to choose from; 0: none");
  app.add_option("--folder", options.folder, "for the files: 3 GB, removed at the end");
  app.add_flag("--quick", options.quick, "a few of each, to see that it works");
  CLI11_PARSE(app, argc, argv);
  return tessy::bench::Run(options);
}
