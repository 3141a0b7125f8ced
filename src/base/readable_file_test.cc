#include "base/readable_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace tessy {
namespace {

namespace fs = std::filesystem;

class ReadableFileTest : public testing::Test {
 protected:
  ReadableFileTest() { fs::create_directories(folder_); }
  ~ReadableFileTest() override { fs::remove_all(folder_); }

  static std::string Refusal(const std::string& path) {
    const auto status = CheckReadable(path);
    if (status) return "";
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    return status.error().message;
  }

  const std::string folder_ = testing::TempDir() + "readable_" + std::to_string(getpid());
};

TEST_F(ReadableFileTest, FilesAndWhatIsNotThereAreLeftToTheirReader) {
  const std::string file = folder_ + "/file";
  std::ofstream(file) << "text";
  EXPECT_EQ(Refusal(file), "");
  fs::create_symlink(file, folder_ + "/link");
  EXPECT_EQ(Refusal(folder_ + "/link"), "");
  EXPECT_EQ(Refusal(folder_ + "/nowhere"), "");
  EXPECT_EQ(Refusal(""), "");
}

TEST_F(ReadableFileTest, WhatCouldWaitForEverIsRefusedByItsKind) {
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(Refusal(pipe), pipe + ": is a pipe; give a regular file");
  fs::create_symlink(pipe, folder_ + "/link");
  EXPECT_EQ(Refusal(folder_ + "/link"), folder_ + "/link: is a pipe; give a regular file");
  EXPECT_EQ(Refusal("/dev/zero"), "/dev/zero: is a device; give a regular file");
  EXPECT_EQ(Refusal(folder_), folder_ + ": is a folder, not a file; give a file");
}

// Such a folder holds files of memory, and named pipes as any other.
TEST_F(ReadableFileTest, APipeBelowDevIsNoOtherPipe) {
  const std::string pipe = "/dev/shm/readable_" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(Refusal(pipe), pipe + ": is a pipe; give a regular file");
  fs::remove(pipe);
}

TEST_F(ReadableFileTest, APipeThatIsOpenAlreadyIsTaken) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_EQ(Refusal("/dev/fd/" + std::to_string(ends[0])), "");
  EXPECT_EQ(Refusal("/proc/self/fd/" + std::to_string(ends[0])), "");
  EXPECT_EQ(Refusal("/dev/stdin"), "");
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace tessy
