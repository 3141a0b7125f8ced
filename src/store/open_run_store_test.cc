#include "store/open_run_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace tessy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class OpenRunStoreTest : public testing::Test {
 protected:
  OpenRunStoreTest() {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = fmt::format("{}open_run_store_test_{}_{}", testing::TempDir(), test, getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~OpenRunStoreTest() override { fs::remove_all(folder_); }

  static void Begin(const std::string& url) {
    const auto store = OpenRunStore(url);
    ASSERT_TRUE(store) << store.error().message;
    (*store)->AddConfiguration({.at_ms = 1, .json = "{}"});
    EXPECT_TRUE((*store)->Commit());
  }
  static size_t Configurations(const std::string& url) {
    const auto store = OpenRunStoreToRead(url);
    EXPECT_TRUE(store) << store.error().message;
    return store ? (*store)->Configurations()->size() : 0;
  }

  std::string folder_;
};

TEST_F(OpenRunStoreTest, PathAloneIsTheFileThatTheSchemeNames) {
  Begin(folder_ + "/a");
  EXPECT_EQ(Configurations("sqlite:" + folder_ + "/a"), 1U);
}

TEST_F(OpenRunStoreTest, AddressOfARunNamesTheFileInItsFolder) {
  Begin(RunStoreIn(folder_));
  EXPECT_TRUE(fs::is_regular_file(folder_ + "/" + kRunStoreFile));
}

TEST_F(OpenRunStoreTest, FolderWithAColonInItsNameIsNoScheme) {
  const std::string folder = folder_ + "/run:1";
  fs::create_directories(folder);
  Begin(folder + "/a");
  EXPECT_TRUE(fs::is_regular_file(folder + "/a"));
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  Begin(RunStoreIn("run:1"));
  fs::current_path(before);
  EXPECT_TRUE(fs::is_regular_file(folder + "/" + kRunStoreFile));
}

TEST_F(OpenRunStoreTest, UnknownSchemeIsOneLineThatListsThoseThereAre) {
  for (const auto open : {&OpenRunStore, &OpenRunStoreToRead}) {
    const auto store = open("mysql://user:secret@host/runs");
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(store.error().message,
              "mysql: no store of a run has this kind of address; there is: sqlite:PATH, or PATH alone");
    EXPECT_THAT(store.error().message, Not(HasSubstr("secret")));
  }
}

TEST_F(OpenRunStoreTest, ReadingMakesNothing) {
  const auto store = OpenRunStoreToRead(RunStoreIn(folder_));
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace tessy
