#include "store/append_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <vector>

namespace tessy {
namespace {

class AppendFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("append_file_test." + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> Lines(const AppendFile& file) const {
    std::vector<std::string> lines;
    EXPECT_TRUE(file.ForEachLine([&](std::string_view line, size_t number) -> Status {
      EXPECT_EQ(number, lines.size() + 1);
      lines.emplace_back(line);
      return {};
    }));
    return lines;
  }
  std::filesystem::path folder_;
};

TEST_F(AppendFileTest, MakesFoldersAndKeepsLines) {
  auto file = AppendFile::Open(Path("a/b/out.jsonl"));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(file->empty());
  ASSERT_TRUE(file->Append("one"));
  ASSERT_TRUE(file->Append("two"));
  EXPECT_EQ(Lines(*file), (std::vector<std::string>{"one", "two"}));
}

TEST_F(AppendFileTest, CutsOffATornLastLineAndGoesOn) {
  for (const size_t torn : {1, 7, 65536, 200000}) {
    const std::string path = Path("torn" + std::to_string(torn));
    std::ofstream(path) << "whole\n" << std::string(torn, 'x');
    auto file = AppendFile::Open(path);
    ASSERT_TRUE(file);
    EXPECT_EQ(Lines(*file), std::vector<std::string>{"whole"});
    EXPECT_EQ(file->RepairTail().value(), torn);
    ASSERT_TRUE(file->Append("next"));
    EXPECT_EQ(Lines(*file), (std::vector<std::string>{"whole", "next"}));
    EXPECT_EQ(file->RepairTail().value(), 0U);
  }
}

TEST_F(AppendFileTest, KeepsTheFirstLinesAndGoesOnBehindThem) {
  const std::string path = Path("kept");
  std::ofstream(path) << "one\ntwo\n" << std::string(100000, 'x') << "\ntorn";
  auto file = AppendFile::Open(path);
  ASSERT_TRUE(file->KeepLines(2));
  EXPECT_EQ(Lines(*file), (std::vector<std::string>{"one", "two"}));
  ASSERT_TRUE(file->KeepLines(9));  // there are no more
  ASSERT_TRUE(file->KeepLines(1));
  ASSERT_TRUE(file->Append("next"));
  EXPECT_EQ(Lines(*file), (std::vector<std::string>{"one", "next"}));
  ASSERT_TRUE(file->KeepLines(0));
  EXPECT_EQ(Lines(*file), std::vector<std::string>{});
}

TEST_F(AppendFileTest, RefusesASecondWriter) {
  auto first = AppendFile::Open(Path("out"));
  ASSERT_TRUE(first);
  auto second = AppendFile::Open(Path("out"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_THAT(second.error().message, testing::HasSubstr("another tessy"));
}

TEST_F(AppendFileTest, AFailedWriteLeavesNoHalfLine) {
  auto file = AppendFile::Open(Path("out"));
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->Append("whole"));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit saved{};
  getrlimit(RLIMIT_FSIZE, &saved);
  const rlimit small{.rlim_cur = 20, .rlim_max = saved.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const Status status = file->Append(std::string(100, 'x'));
  setrlimit(RLIMIT_FSIZE, &saved);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kIo);
  EXPECT_EQ(std::filesystem::file_size(Path("out")), 6U);
  ASSERT_TRUE(file->Append("next"));
  EXPECT_EQ(Lines(*file), (std::vector<std::string>{"whole", "next"}));
}

TEST_F(AppendFileTest, NamesTheReasonWhereItCannotWrite) {
  std::ofstream(Path("file")) << "x";
  auto below_a_file = AppendFile::Open(Path("file/out"));
  ASSERT_FALSE(below_a_file);
  EXPECT_THAT(below_a_file.error().message, testing::HasSubstr("file/out"));
  // Reading it would never end.
  auto device = AppendFile::Open("/dev/zero");
  ASSERT_FALSE(device);
  EXPECT_THAT(device.error().message, testing::HasSubstr("/dev/zero: is not a regular file"));
  auto folder = AppendFile::Open(folder_.string());
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().message, testing::HasSubstr("Is a directory"));
}

TEST_F(AppendFileTest, WriteWholeReplacesAtOnce) {
  ASSERT_TRUE(WriteWhole(Path("x/config"), "first"));
  ASSERT_TRUE(WriteWhole(Path("x/config"), "second"));
  EXPECT_EQ(ReadWhole(Path("x/config")).value(), "second");
  EXPECT_EQ(ReadWhole(Path("none")).error().code, ErrorCode::kNotFound);
}

TEST_F(AppendFileTest, WriteWholeReplacesWhatIsBehindALink) {
  ASSERT_TRUE(WriteWhole((folder_ / "real").string(), "old"));
  std::filesystem::create_symlink((folder_ / "real").string(), (folder_ / "file").string());
  ASSERT_TRUE(WriteWhole((folder_ / "file").string(), "new"));
  EXPECT_TRUE(std::filesystem::is_symlink((folder_ / "file").string()));
  EXPECT_EQ(ReadWhole((folder_ / "real").string()).value(), "new");
  std::filesystem::remove((folder_ / "real").string());
}

TEST_F(AppendFileTest, TextsOfPeopleAreReadAsTheyAreMeant) {
  ASSERT_TRUE(WriteWhole((folder_ / "file").string(), "\xEF\xBB\xBFOkay.\r\nWait.\r\n"));
  EXPECT_EQ(ReadText((folder_ / "file").string()).value(), "Okay.\nWait.\n");
}

TEST_F(AppendFileTest, PipesAreRefusedAndNotWaitedFor) {
  ASSERT_EQ(mkfifo((folder_ / "file").string().c_str(), 0600), 0);
  EXPECT_THAT(ReadWhole((folder_ / "file").string()).error().message, testing::HasSubstr("is a pipe"));
  EXPECT_THAT(AppendFile::Open((folder_ / "file").string()).error().message,
              testing::HasSubstr("is not a regular file"));
  EXPECT_FALSE(IsBeingWritten((folder_ / "file").string()));
}

TEST_F(AppendFileTest, SystemsWithoutLocksAreKnownByTheirErrors) {
  for (const int error : {ENOLCK, ENOSYS, EOPNOTSUPP}) EXPECT_TRUE(HasNoLocks(error)) << error;
  for (const int error : {EWOULDBLOCK, EIO, EBADF}) EXPECT_FALSE(HasNoLocks(error)) << error;
}

}  // namespace
}  // namespace tessy
