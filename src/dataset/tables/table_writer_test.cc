#include "dataset/tables/table_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "dataset/tables/spool.h"

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
  EXPECT_FALSE(TableWriter::Open(Path("c.parquet")));
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
  EXPECT_FALSE(TableWriter::CheckFree(Path("a.parquet")));
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
