#include "dataset/tables/table_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "dataset/tables/duckdb.h"
#include "dataset/tables/spool.h"
#include "dataset/tables/table_reader.h"

namespace tessy {
namespace {

using testing::HasSubstr;

class TableWriterTest : public testing::Test {
 protected:
  ~TableWriterTest() override { std::filesystem::remove_all(folder_); }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static std::vector<std::string> RowsOf(const std::string& path) {
    std::vector<std::string> rows;
    auto reader = TableReader::Open(path);
    EXPECT_TRUE(reader) << reader.error().message;
    while (reader) {
      const auto row = reader->Next();
      EXPECT_TRUE(row) << row.error().message;
      if (!row || !*row) break;
      rows.emplace_back(**row);
    }
    return rows;
  }
  // The one text that DuckDB gives for the question.
  static std::string Answer(const std::string& sql) {
    auto database = DuckDb::Open();
    EXPECT_TRUE(database) << database.error().message;
    auto rows = database->Query(sql);
    EXPECT_TRUE(rows) << rows.error().message;
    if (!rows || !rows->Next()) return "";
    return std::string(rows->Text(0).value_or(""));
  }

  std::string folder_ = testing::TempDir() + "table_writer_test_" + std::to_string(::getpid());
};

TEST_F(TableWriterTest, AFileAppearsAsAWhole) {
  auto writer = TableWriter::Open(Path("deep/a.jsonl"));
  ASSERT_TRUE(writer) << writer.error().message;
  ASSERT_TRUE(writer->Write("{\"a\":1}"));
  EXPECT_FALSE(std::filesystem::exists(Path("deep/a.jsonl")));
  ASSERT_TRUE(writer->Commit());
  EXPECT_EQ(Read(Path("deep/a.jsonl")), "{\"a\":1}\n");
  EXPECT_FALSE(std::filesystem::exists(Path("deep/a.jsonl.tmp")));
}

TEST_F(TableWriterTest, WhatAKilledWriterLeftIsWrittenAnew) {
  std::filesystem::create_directories(folder_);
  std::ofstream(Path("a.jsonl.tmp")) << "much that was left behind by somebody who was killed";
  auto writer = TableWriter::Open(Path("a.jsonl"));
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->Write("{}"));
  ASSERT_TRUE(writer->Commit());
  EXPECT_EQ(Read(Path("a.jsonl")), "{}\n");
}

TEST_F(TableWriterTest, WhatHasTheNameMayStayUntilAllIsOnTheDisk) {
  std::filesystem::create_directories(folder_);
  std::ofstream(Path("a.jsonl")) << "precious";
  auto writer = TableWriter::Open(Path("a.jsonl"), TableWriter::NameTaken::kUntilCommit);
  ASSERT_TRUE(writer) << writer.error().message;
  ASSERT_TRUE(writer->Write("{}"));
  ASSERT_TRUE(writer->Finish());
  EXPECT_EQ(Read(Path("a.jsonl.tmp")), "{}\n");
  EXPECT_EQ(Read(Path("a.jsonl")), "precious");
  EXPECT_FALSE(writer->Commit()) << "nobody has moved it away";
  EXPECT_EQ(Read(Path("a.jsonl")), "precious");
  std::filesystem::rename(Path("a.jsonl"), Path("b.jsonl"));
  ASSERT_TRUE(writer->Commit());
  EXPECT_EQ(Read(Path("a.jsonl")), "{}\n");
}

TEST_F(TableWriterTest, NothingIsOverwritten) {
  std::filesystem::create_directories(folder_);
  std::ofstream(Path("a.jsonl")) << "precious";
  const auto refused = TableWriter::Open(Path("a.jsonl"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("a.jsonl: is there already"));
  EXPECT_EQ(Read(Path("a.jsonl")), "precious");
  const auto first = TableWriter::Open(Path("b.jsonl"));
  ASSERT_TRUE(first);
  const auto second = TableWriter::Open(Path("b.jsonl"));
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("another tessy is writing to it"));
}

TEST_F(TableWriterTest, WhatAppearsMeanwhileStays) {
  auto writer = TableWriter::Open(Path("a.jsonl"));
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->Write("{}"));
  std::ofstream(Path("a.jsonl")) << "precious";
  const auto status = writer->Commit();
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("a.jsonl: has appeared while this was written"));
  EXPECT_EQ(Read(Path("a.jsonl")), "precious");
  EXPECT_EQ(Read(Path("a.jsonl.tmp")), "{}\n");
}

TEST_F(TableWriterTest, ALinkStaysAndTheFileBehindItIsWritten) {
  std::filesystem::create_directories(folder_ + "/real");
  std::filesystem::create_symlink(Path("real/a.jsonl"), Path("a.jsonl"));
  auto writer = TableWriter::Open(Path("a.jsonl"));
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->Write("{}"));
  ASSERT_TRUE(writer->Commit());
  EXPECT_TRUE(std::filesystem::is_symlink(Path("a.jsonl")));
  EXPECT_EQ(Read(Path("real/a.jsonl")), "{}\n");
}

// Two that write the same name one after the other: the second must not take the file of the first.
TEST_F(TableWriterTest, OfTwoWritersAtOnceOneIsRefusedAndNothingIsMixed) {
  std::filesystem::create_directories(folder_);
  for (int round = 0; round < 200; ++round) {
    const std::string path = Path("r" + std::to_string(round) + ".jsonl");
    std::atomic<int> committed{0};
    const auto write = [&](const char* line) {
      auto writer = TableWriter::Open(path);
      if (!writer || !writer->Write(line)) return;
      committed += writer->Commit() ? 1 : 0;
    };
    {
      const std::jthread other([&] { write("{\"a\":1}"); });
      write("{\"b\":1}");
    }
    ASSERT_EQ(committed, 1);
    ASSERT_EQ(Read(path).size(), 8U);
    ASSERT_FALSE(std::filesystem::exists(path + ".tmp"));
  }
}

TEST_F(TableWriterTest, WhetherANameIsFreeIsSaidBeforehand) {
  EXPECT_TRUE(TableWriter::CheckFree(Path("none/a.jsonl")));
  EXPECT_TRUE(TableWriter::CheckFree(Path("none/a.parquet")));
  const auto writer = TableWriter::Open(Path("a.jsonl"));
  EXPECT_FALSE(TableWriter::CheckFree(Path("a.jsonl")));
  EXPECT_FALSE(std::filesystem::exists(Path("none")));
}

TEST_F(TableWriterTest, AFullDiskIsAnError) {
  std::filesystem::create_directories(folder_);
  std::filesystem::create_symlink("/dev/full", Path("a.jsonl.tmp"));
  auto writer = TableWriter::Open(Path("a.jsonl"));
  if (writer) {
    ASSERT_TRUE(writer->Write("{}"));
    const auto status = writer->Commit();
    ASSERT_FALSE(status);
    EXPECT_THAT(status.error().message, HasSubstr("cannot be written"));
  } else {
    EXPECT_THAT(writer.error().message, HasSubstr("cannot be written"));
  }
  EXPECT_FALSE(std::filesystem::exists(Path("a.jsonl")));
}

// ---- Parquet.

TEST_F(TableWriterTest, ParquetGivesBackWhatWasWritten) {
  const std::vector<std::string> rows{
      R"({"id":"a \u0000 b","n":9007199254740993,"share":0.1,"ok":true,"messages":[{"role":"user","content":"ä 'q'\n"},{"role":"assistant","content":"😀"}],"h":[["x","y"],[]],"any":{"k":[1,"x"]}})",
      R"({"id":"","n":-1,"share":1e300,"ok":null,"messages":[],"h":null,"any":"text"})"};
  std::filesystem::create_directories(folder_);
  std::ofstream(Path("p.parquet.tmp")) << std::string(100'000, 'x');  // of a killed writer
  auto writer = TableWriter::Open(Path("p.parquet"));
  ASSERT_TRUE(writer) << writer.error().message;
  for (const std::string& row : rows) ASSERT_TRUE(writer->Write(row));
  EXPECT_FALSE(std::filesystem::exists(Path("p.parquet")));
  const auto status = writer->Commit();
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_FALSE(std::filesystem::exists(Path("p.parquet.tmp")));
  EXPECT_THAT(Read(Path("p.parquet")), testing::StartsWith("PAR1"));
  EXPECT_THAT(RowsOf(Path("p.parquet")), testing::ElementsAreArray(rows));
}

TEST_F(TableWriterTest, ParquetHasListsAndStructsAndRowsInTheirOrder) {
  auto writer = TableWriter::Open(Path("p [1]*.parquet"));
  ASSERT_TRUE(writer) << writer.error().message;
  // 40 MiB, so that there are several groups.
  const std::string text(16'000, 'x');
  for (int i = 0; i < 2600; ++i) {
    const std::string row = R"({"n":)" + std::to_string(i) +
                            R"(,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":")" +
                            text + R"(","loss":true}]})";
    ASSERT_TRUE(writer->Write(row));
  }
  ASSERT_TRUE(writer->Commit());
  std::filesystem::rename(Path("p [1]*.parquet"), Path("p.parquet"));
  const std::string file = SqlText(Path("p.parquet"));
  EXPECT_EQ(Answer("SELECT string_agg(column_type, ' ') FROM (DESCRIBE SELECT * FROM " + file + ")"),
            "BIGINT STRUCT(\"role\" VARCHAR, \"content\" VARCHAR, loss BOOLEAN)[]");
  EXPECT_EQ(Answer("SELECT count(DISTINCT row_group_id)::VARCHAR FROM parquet_metadata(" + file + ")"), "2");
  EXPECT_EQ(Answer("SELECT string_agg(DISTINCT compression, ' ') FROM parquet_metadata(" + file + ")"),
            "ZSTD");
  EXPECT_EQ(Answer("SELECT bool_and(n = file_row_number)::VARCHAR FROM read_parquet(" + file +
                   ", file_row_number=true)"),
            "true");
}

TEST_F(TableWriterTest, WhatCannotStandInParquetIsAnErrorOfItsRow) {
  auto writer = TableWriter::Open(Path("p.parquet"));
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->Write(R"({"id":1})"));
  const auto status = writer->Write(R"({"ID":1})");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("p.parquet: row 2 has the fields id and ID"));
  EXPECT_FALSE(std::filesystem::exists(Path("p.parquet")));
}

TEST_F(TableWriterTest, ParquetCanBeStoppedAndWrittenAnew) {
  const std::atomic<bool> stop{true};
  auto writer = TableWriter::Open(Path("p.parquet"));
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->Write(R"({"id":1})"));
  const auto status = writer->Commit(&stop);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(Path("p.parquet")));
  writer = TableWriter::Open(Path("q.parquet"));
  ASSERT_TRUE(writer->Write(R"({"id":1})"));
  EXPECT_TRUE(writer->Commit());
}

TEST_F(TableWriterTest, AParquetFileForWhichThereIsNoRoomIsAnError) {
  std::filesystem::create_directories(folder_);
  std::filesystem::create_symlink("/dev/full", Path("p.parquet.tmp"));
  auto writer = TableWriter::Open(Path("p.parquet"));
  if (writer) {
    ASSERT_TRUE(writer->Write("{\"a\":1}"));
    const std::atomic<bool> stop{false};
    const auto status = writer->Commit(&stop);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kIo);
    EXPECT_THAT(status.error().message, HasSubstr("p.parquet.tmp: cannot be written"));
    EXPECT_THAT(status.error().message, HasSubstr("No space left on device"));
    EXPECT_EQ(status.error().message.find('\n'), std::string::npos);
  } else {
    EXPECT_THAT(writer.error().message, HasSubstr("cannot be written"));
  }
  EXPECT_FALSE(std::filesystem::exists(Path("p.parquet")));
}

TEST_F(TableWriterTest, SpooledTextsAreReadFromWhereTheyStand) {
  auto spool = Spool::Make();
  ASSERT_TRUE(spool) << spool.error().message;
  const std::string large(600'000, 'y');
  const auto a = spool->Append("first");
  const auto b = spool->Append(large);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(*spool->Read(*b, large.size()), large);
  const auto c = spool->Append("third");
  EXPECT_EQ(*spool->Read(*a, 5), "first");
  EXPECT_EQ(*spool->Read(*c, 5), "third");
  EXPECT_FALSE(spool->Read(*c, 6));
  EXPECT_FALSE(Spool::Make(folder_ + "/none"));
}

}  // namespace
}  // namespace tessy
