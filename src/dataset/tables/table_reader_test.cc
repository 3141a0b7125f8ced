#include "dataset/tables/table_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "dataset/tables/duckdb.h"
#include "dataset/tables/table_files.h"
#include "dataset/tables/table_writer.h"

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Json = nlohmann::json;

class TableReaderTest : public testing::Test {
 protected:
  TableReaderTest() { std::filesystem::create_directories(folder_); }
  ~TableReaderTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  void Write(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
    std::ofstream(Path(name), std::ios::binary) << text;
  }
  std::string Bytes(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(Path(name), std::ios::binary).rdbuf();
    return text.str();
  }
  // A compressed copy, by its name.
  void Compress(const std::string& name, const std::vector<std::string>& lines) const {
    auto writer = TableWriter::Open(Path(name));
    ASSERT_TRUE(writer) << writer.error().message;
    for (const std::string& line : lines) ASSERT_TRUE(writer->Write(line));
    ASSERT_TRUE(writer->Commit());
  }
  void WriteParquet(const std::string& name, const std::string& select) const {
    std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
    auto database = DuckDb::Open();
    ASSERT_TRUE(database) << database.error().message;
    const auto status = database->Run("COPY (" + select + ") TO " + SqlText(Path(name)) +
                                      " (FORMAT parquet, ROW_GROUP_SIZE 2048)");
    ASSERT_TRUE(status) << status.error().message;
  }
  std::vector<std::string> Rows(const std::string& name, TableOptions options = {}) const {
    auto reader = TableReader::Open(Path(name), std::move(options));
    EXPECT_TRUE(reader) << reader.error().message;
    std::vector<std::string> rows;
    while (reader) {
      const auto row = reader->Next();
      EXPECT_TRUE(row) << row.error().message;
      if (!row || !*row) break;
      rows.emplace_back(**row);
    }
    return rows;
  }
  std::string ErrorOf(const std::string& name) const {
    auto reader = TableReader::Open(Path(name));
    if (!reader) return reader.error().message;
    while (true) {
      const auto row = reader->Next();
      if (!row) return row.error().message;
      if (!*row) return "";
    }
  }

  std::string folder_ = testing::TempDir() + "table_reader_test_" + std::to_string(::getpid());
};

TEST_F(TableReaderTest, LinesComePlainOrCompressedWhateverTheNameSays) {
  const std::vector<std::string> lines{R"({"a":1})", R"({"a":")" + std::string(700'000, 'x') + "\"}",
                                       R"({"a":3})"};
  Write("a.jsonl", "\xEF\xBB\xBF" + lines[0] + "\r\n\n" + lines[1] + "\n \t\n" + lines[2]);
  EXPECT_EQ(Rows("a.jsonl"), lines);
  for (const char* name : {"b.jsonl.gz", "b.jsonl.zst"}) {
    Compress(name, lines);
    EXPECT_LT(std::filesystem::file_size(Path(name)), 10'000U);
    EXPECT_EQ(Rows(name), lines) << name;
    std::filesystem::rename(Path(name), Path("c.jsonl"));
    EXPECT_EQ(Rows("c.jsonl"), lines) << name;
  }
}

TEST_F(TableReaderTest, PartsOfCompressedFilesFollowEachOther) {
  for (const char* name : {"a.jsonl.gz", "a.jsonl.zst"}) {
    Compress(name, {R"({"a":1})"});
    const std::string part = Bytes(name);
    Write("two", part + part);
    EXPECT_THAT(Rows("two"), ElementsAre(R"({"a":1})", R"({"a":1})")) << name;
  }
}

TEST_F(TableReaderTest, FramesThatArePassedOverMayStandInZstd) {
  using namespace std::string_literals;
  Compress("a.zst", {R"({"a":1})"});
  const std::string frame = "\x50\x2A\x4D\x18\x04\0\0\0size"s;
  Write("p.jsonl.zst", frame + Bytes("a.zst") + frame + Bytes("a.zst"));
  EXPECT_THAT(Rows("p.jsonl.zst"), ElementsAre(R"({"a":1})", R"({"a":1})"));
}

TEST_F(TableReaderTest, RowsAreCountedInTheirFile) {
  Write("d/a.jsonl", "{\"a\":1}\n\n{\"a\":2}\n");
  Write("d/b.jsonl", "{\"a\":3}\n");
  auto reader = TableReader::Open(Path("d"));
  ASSERT_TRUE(reader);
  std::vector<std::string> places;
  while (*reader->Next()) places.push_back(reader->Where());
  EXPECT_THAT(places, ElementsAre(Path("d/a.jsonl:1"), Path("d/a.jsonl:3"), Path("d/b.jsonl:1")));
}

TEST_F(TableReaderTest, ParquetRowsAreJson) {
  WriteParquet(
      "a.parquet",
      "SELECT i AS n, 'text ''' || i AS \"odd \"\"name\", i / 2 AS half, NULL::VARCHAR AS nothing, "
      "[{'from': 'human', 'value': 'q' || i}, {'from': 'gpt', 'value': 'a'}] AS conversations, i % 2 = 0 AS "
      "even FROM range(5000) AS r(i)");
  const auto rows = Rows("a.parquet");
  ASSERT_EQ(rows.size(), 5000U);
  for (size_t i = 0; i < rows.size(); ++i) {
    const Json row = Json::parse(rows[i]);
    ASSERT_EQ(row["n"], i);
    ASSERT_EQ(row["odd \"name"], "text '" + std::to_string(i));
    ASSERT_EQ(row["conversations"][0]["value"], "q" + std::to_string(i));
    ASSERT_TRUE(row["nothing"].is_null());
  }
  std::filesystem::rename(Path("a.parquet"), Path("a [1]*.jsonl"));  // by its first bytes, and no pattern
  EXPECT_EQ(Rows("a [1]*.jsonl"), rows);
}

TEST_F(TableReaderTest, NeitherFoldersNorNamesOfColumnsChangeRowsOfParquet) {
  WriteParquet("n=7/output=y/a.parquet", "SELECT 1 AS n, 'x' AS output");
  EXPECT_THAT(Rows("n=7/output=y/a.parquet"), ElementsAre(R"({"n":1,"output":"x"})"));
  WriteParquet("a.parquet", "SELECT 1 AS one, 2 AS \"Whole_Row\", 3 AS turn, [{'role': 'user'}] AS messages");
  EXPECT_THAT(Rows("a.parquet", {.leaves_out = {}, .without_assistant = true}),
              ElementsAre(R"({"one":1,"Whole_Row":2,"turn":3,"messages":[{"role":"user"}]})"));
}

TEST_F(TableReaderTest, BytesInParquetAreTextsIfTheyCanBe) {
  WriteParquet("t.parquet", "SELECT encode('ä') AS t, [{'content': encode('ö')}] AS messages, 1 AS n");
  EXPECT_EQ(Json::parse(Rows("t.parquet").at(0))["t"], "ä");
  WriteParquet("m.parquet", "SELECT [{'content': encode('ö')}] AS messages");
  EXPECT_THAT(Rows("m.parquet"), ElementsAre(R"({"messages":[{"content":"ö"}]})"));
  WriteParquet("i.parquet",
               "SELECT 'what is seen?' AS question, {'bytes': '\\xFF\\xD8'::BLOB, 'path': 'a.jpg'} AS image");
  const Json row = Json::parse(Rows("i.parquet").at(0));
  EXPECT_EQ(row["question"], "what is seen?");
  EXPECT_EQ(row["image"]["path"], "a.jpg");
  WriteParquet("b.parquet", "SELECT 'q' AS question, '\\xFF\\xD8'::BLOB AS image");
  EXPECT_EQ(Json::parse(Rows("b.parquet").at(0))["image"], "\\xFF\\xD8");
}

TEST(DuckDbErrors, TooLittleMemoryIsNoDamage) {
  auto database = DuckDb::Open();
  ASSERT_TRUE(database) << database.error().message;
  ASSERT_TRUE(database->Run("SET memory_limit='4MB'"));
  const auto status =
      database->Run("CREATE TABLE t AS SELECT md5(i::VARCHAR) AS t FROM range(2000000) AS r(i)");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kResourceLimit) << status.error().message;
  EXPECT_THAT(status.error().message, HasSubstr("need more memory than there is"));
}

TEST_F(TableReaderTest, ColumnsAndAssistantsAreLeftOutOfParquet) {
  WriteParquet(
      "a.parquet",
      "SELECT 1 AS n, 'long' AS output, [{'role': 'user', 'content': 'q'}, {'role': 'assistant', 'content': "
      "'a'}] AS messages, [{'from': 'gpt', 'value': 'a'}] AS conversations, [1, 2] AS numbers");
  const auto rows = Rows("a.parquet", {.leaves_out = [](std::string_view name) { return name == "output"; },
                                       .without_assistant = true});
  EXPECT_THAT(
      rows, ElementsAre(
                R"({"n":1,"messages":[{"role":"user","content":"q"}],"conversations":[],"numbers":[1,2]})"));
}

#ifndef TESSY_SANITIZED  // a sanitizer keeps what is freed
// 400 MB of rows; a chunk of 2,048 of them is 20 MB, and some chunks are on their way.
TEST_F(TableReaderTest, MemoryDoesNotGrowWithTheRowsOfParquet) {
  WriteParquet("long.parquet", "SELECT i, repeat(md5(i::VARCHAR), 320) AS text FROM range(40000) rows(i)");
  const auto resident = [] {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6)) << 10;
    }
    return 0UL;
  };
  const size_t before = resident();
  auto reader = TableReader::Open(Path("long.parquet"));
  ASSERT_TRUE(reader) << reader.error().message;
  size_t most = 0;
  size_t rows = 0;
  for (auto row = reader->Next(); row && *row; row = reader->Next()) {
    if (++rows % 1000 == 1) most = std::max(most, resident());
  }
  EXPECT_EQ(rows, 40000U);
  EXPECT_LT(most, before + (size_t{300} << 20));
}
#endif

TEST_F(TableReaderTest, FoldersAndPatternsAreTablesInTheOrderOfTheirNames) {
  Write("d/b.jsonl", "{\"a\":3}\n");
  Write("d/sub/a.jsonl", "{\"a\":4}\n");
  Write("d/a.ndjson", "{\"a\":1}\n");
  Write("d/README.md", "no table");
  Write("d/.hidden/x.jsonl", "{\"a\":9}\n");
  Write("d/.x.jsonl", "{\"a\":9}\n");
  EXPECT_THAT(Rows("d"), ElementsAre(R"({"a":1})", R"({"a":3})", R"({"a":4})"));
  EXPECT_THAT(Rows("d/[ab].*"), ElementsAre(R"({"a":1})", R"({"a":3})"));
  EXPECT_THAT(*TableFiles(Path("d/b.jsonl")), ElementsAre(Path("d/b.jsonl")));
  EXPECT_THAT(ErrorOf("d/*.txt"), HasSubstr("d/*.txt: no file matches it"));
  std::filesystem::create_directories(Path("empty"));
  EXPECT_THAT(ErrorOf("empty"), HasSubstr("empty: is a folder, and no table is in it"));
}

TEST_F(TableReaderTest, WhatTessyKeepsBesideTablesIsPassedOver) {
  Write("d/r.jsonl", "{\"a\":1}\n");
  Write("d/r.jsonl.run/rejected.jsonl", "{\"a\":2}\n");
  Write("d/r.jsonl.run.old-12/failures.jsonl", "{\"a\":3}\n");
  Write("d/r.jsonl.run.old-x/data.jsonl", "{\"a\":4}\n");
  EXPECT_THAT(Rows("d"), ElementsAre(R"({"a":1})", R"({"a":4})"));
  EXPECT_THAT(Rows("d/r.jsonl.run"), ElementsAre(R"({"a":2})"));  // who names it means it
}

TEST_F(TableReaderTest, EveryFolderIsReadOnceWhateverLinksLeadToIt) {
  namespace fs = std::filesystem;
  Write("d/b/x.jsonl", "{\"a\":1}\n");
  fs::create_directory_symlink(Path("d/b"), Path("d/c"));
  fs::create_directory_symlink(Path("d"), Path("d/b/up"));
  fs::create_directory_symlink("loop", Path("d/loop"));
  EXPECT_THAT(Rows("d"), ElementsAre(R"({"a":1})"));
  EXPECT_THAT(*TableFiles(Path("d")), ElementsAre(Path("d/b/x.jsonl")));
  EXPECT_THAT(ErrorOf("d/loop/*.jsonl"), HasSubstr("d/loop: cannot be read: Too many levels"));
}

TEST_F(TableReaderTest, DamagedFilesAreErrorsOfOneLine) {
  Write("empty.jsonl", "");
  Write("blank.jsonl", "\n \n");
  Write("lfs.parquet", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
  Write("a.bz2", "BZh91AY&SY");
  Write("head.parquet", "PAR1");
  std::vector<std::string> lines(2000, R"({"a":"some text that is written many times"})");
  for (size_t i = 0; i < lines.size(); ++i) lines[i].insert(6, std::to_string(i * 7919));
  WriteParquet("whole.parquet", "SELECT i AS n, md5(i::VARCHAR) AS t FROM range(5000) AS r(i)");
  Write("cut.parquet", Bytes("whole.parquet").substr(0, 50'000));
  std::string damaged = Bytes("whole.parquet");
  ASSERT_GE(damaged.size(), 60'000U);
  for (size_t i = 1000; i < 60'000; ++i) damaged[i] = 'x';
  Write("damaged.parquet", damaged);
  for (const char* name : {"whole.gz", "whole.zst"}) {
    Compress(name, lines);
    const std::string bytes = Bytes(name);
    Write(std::string("cut_") + name, bytes.substr(0, bytes.size() / 2));
  }
  const std::pair<const char*, const char*> cases[] = {
      {"none.jsonl", "none.jsonl: cannot be read: No such file"},
      {"empty.jsonl", "empty.jsonl: is empty: no rows in it"},
      {"blank.jsonl", "blank.jsonl: is empty: no rows in it"},
      {"lfs.parquet", "lfs.parquet: is a Git-LFS pointer"},
      {"a.bz2", "a.bz2: a file of the form bzip2, which is not read"},
      {"head.parquet", "head.parquet: damaged or truncated Parquet file"},
      {"cut.parquet", "cut.parquet: damaged or truncated Parquet file"},
      {"damaged.parquet", "damaged.parquet: damaged or truncated Parquet file"},
      {"cut_whole.gz", "cut_whole.gz: damaged gzip file: it ends too early"},
      {"cut_whole.zst", "cut_whole.zst: damaged zstd file: it ends too early"},
  };
  for (const auto& [name, expected] : cases) {
    const std::string error = ErrorOf(name);
    EXPECT_THAT(error, HasSubstr(expected));
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
}

TEST_F(TableReaderTest, ShardsOfOtherColumnsAreAnError) {
  WriteParquet("s/1.parquet", "SELECT 1 AS n, 'x' AS t");
  WriteParquet("s/2.parquet", "SELECT 1 AS n, ['x'] AS t");
  EXPECT_THAT(ErrorOf("s"), HasSubstr("s/2.parquet: is no part of the same table as " + Path("s/1.parquet") +
                                      ": its column \"t\" is VARCHAR[], not VARCHAR"));
  WriteParquet("s/2.parquet", "SELECT 1 AS n");
  EXPECT_THAT(ErrorOf("s"), HasSubstr("it has no column \"t\""));
  WriteParquet("s/2.parquet", "SELECT 1 AS n, 'x' AS t, 2 AS m");
  EXPECT_THAT(ErrorOf("s"), HasSubstr("it has a column \"m\" more"));
  WriteParquet("s/2.parquet", "SELECT 2 AS n, 'y' AS t");
  EXPECT_EQ(ErrorOf("s"), "");
  WriteParquet("s/3.parquet", "SELECT 2 AS n, 'y' AS t WHERE false");
  EXPECT_THAT(ErrorOf("s"), HasSubstr("s/3.parquet: is empty: no rows in it"));
}

}  // namespace
}  // namespace tessy
