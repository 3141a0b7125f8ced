#include "store/new_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace tessy {
namespace {

namespace fs = std::filesystem;

class NewFilesTest : public testing::Test {
 protected:
  NewFilesTest() { fs::create_directories(folder_); }
  ~NewFilesTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  void Write(const std::string& name) const {
    fs::create_directories(fs::path(Path(name)).parent_path());
    std::ofstream(Path(name)) << "text\n";
  }
  void ExpectAndWrite(NewFiles& files, const std::string& name) const {
    files.Expect(Path(name));
    Write(name);
  }

  const std::string folder_ = testing::TempDir() + "new_files_test_" + std::to_string(getpid());
};

TEST_F(NewFilesTest, WhatIsNewGoesWithItsFolders) {
  {
    NewFiles files;
    ExpectAndWrite(files, "a/b/r.jsonl");
    ExpectAndWrite(files, "a/b/r.jsonl.run/failures.jsonl");
    ExpectAndWrite(files, "a/b/r.jsonl.run/run.sqlite");
    files.Expect(Path("never-made"));
    EXPECT_TRUE(fs::exists(Path("a/b/r.jsonl")));
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(NewFilesTest, WhatWasThereStays) {
  Write("old.jsonl");
  Write("run/config.json");
  {
    NewFiles files;
    ExpectAndWrite(files, "old.jsonl");
    ExpectAndWrite(files, "run/failures.jsonl");
  }
  EXPECT_TRUE(fs::exists(Path("old.jsonl")));
  EXPECT_TRUE(fs::exists(Path("run/config.json")));
  EXPECT_FALSE(fs::exists(Path("run/failures.jsonl")));
}

TEST_F(NewFilesTest, AFolderIntoWhichSomebodyElseHasWrittenStays) {
  {
    NewFiles files;
    ExpectAndWrite(files, "run/failures.jsonl");
    Write("run/notes.txt");
  }
  EXPECT_FALSE(fs::exists(Path("run/failures.jsonl")));
  EXPECT_TRUE(fs::exists(Path("run/notes.txt")));
}

TEST_F(NewFilesTest, AllStaysOnceTheWorkBegins) {
  {
    NewFiles files;
    ExpectAndWrite(files, "run/failures.jsonl");
    files.Keep();
  }
  EXPECT_TRUE(fs::exists(Path("run/failures.jsonl")));
}

TEST_F(NewFilesTest, ALinkStaysAndTheFileBehindItGoes) {
  fs::create_symlink(Path("far.jsonl"), Path("link.jsonl"));
  {
    NewFiles files;
    ExpectAndWrite(files, "link.jsonl");
    EXPECT_TRUE(fs::exists(Path("far.jsonl")));
  }
  EXPECT_FALSE(fs::exists(Path("far.jsonl")));
  EXPECT_TRUE(fs::is_symlink(Path("link.jsonl")));
}

TEST_F(NewFilesTest, WhoHasThemLastTakesThemBack) {
  NewFiles outer;
  {
    NewFiles files;
    ExpectAndWrite(files, "r.jsonl");
    outer = std::move(files);
  }
  EXPECT_TRUE(fs::exists(Path("r.jsonl")));
  { const NewFiles last(std::move(outer)); }
  EXPECT_FALSE(fs::exists(Path("r.jsonl")));
}

}  // namespace
}  // namespace tessy
