// What is particular to the file of SQLite; store/run_store_test.cc has what every store must do.
#include "store/sqlite/sqlite_run_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace tessy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class SqliteRunStoreTest : public testing::Test {
 protected:
  SqliteRunStoreTest() {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = fmt::format("{}sqlite_run_store_test_{}_{}", testing::TempDir(), test, getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    path_ = folder_ + "/run.sqlite";
  }
  ~SqliteRunStoreTest() override { fs::remove_all(folder_); }

  void Make() const {
    const auto store = SqliteRunStore::Open(path_);
    ASSERT_TRUE(store);
    for (uint32_t i = 0; i < 50; ++i) {
      (*store)->AddSpan({.sample = {.question_id = "a", .sample = i}},
                        {.events = fmt::format("<events of {}>", i)});
    }
    ASSERT_TRUE((*store)->Commit());
  }
  std::string Read() const {
    std::ostringstream text;
    text << std::ifstream(path_, std::ios::binary).rdbuf();
    return std::move(text).str();
  }
  void Write(const std::string& content) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
  }
  void ExpectRefusal(const char* reason) const {
    const std::string before = Read();
    for (const auto open : {&SqliteRunStore::Open, &SqliteRunStore::OpenToRead}) {
      const auto store = open(path_);
      ASSERT_FALSE(store);
      EXPECT_EQ(store.error().code, ErrorCode::kInvalidData);
      EXPECT_THAT(store.error().message, HasSubstr("run.sqlite: " + std::string(reason)));
      EXPECT_EQ(store.error().message.find('\n'), std::string::npos);
    }
    EXPECT_EQ(Read(), before) << "it is left alone";
  }

  std::string folder_;
  std::string path_;
};

TEST_F(SqliteRunStoreTest, OtherFilesAreRefusedAndLeftAlone) {
  Write(std::string(5000, 'x'));
  ExpectRefusal("is damaged, or no store of a run");
}

TEST_F(SqliteRunStoreTest, NewerOnesAreRefusedAndLeftAlone) {
  Make();
  std::string content = Read();
  content[63] = 99;  // the version, in the file's head
  Write(content);
  ExpectRefusal("was written by a newer tessy");
}

TEST_F(SqliteRunStoreTest, OtherDatabasesAreRefusedAndLeftAlone) {
  Make();
  std::string content = Read();
  content[71] = 0;  // whose it is, likewise
  Write(content);
  ExpectRefusal("is no store of a run");
}

TEST_F(SqliteRunStoreTest, EmptyFileIsANewStore) {
  Write("");
  EXPECT_TRUE(SqliteRunStore::Open(path_));
}

TEST_F(SqliteRunStoreTest, DamagedSpanIsNamed) {
  Make();
  std::string content = Read();
  const size_t at = content.find("<events of 7>");
  ASSERT_NE(at, std::string::npos);
  content[at + 1] = 'E';
  Write(content);
  const auto store = SqliteRunStore::Open(path_);
  ASSERT_TRUE(store);
  EXPECT_TRUE((*store)->Recall({.sample = {.question_id = "a", .sample = 8}}));
  const auto damaged = (*store)->Recall({.sample = {.question_id = "a", .sample = 7}});
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::kInvalidData);
  EXPECT_THAT(damaged.error().message, HasSubstr("run.sqlite: is damaged"));
  EXPECT_TRUE((*store)->dirty());
  EXPECT_FALSE((*store)->Commit()) << "so that whoever runs on it stops";
}

TEST_F(SqliteRunStoreTest, ManySpansLeaveNoTraceOnceTheirSamplesAreDone) {
  const auto store = SqliteRunStore::Open(path_).value();
  const auto round = [&](uint32_t first) {
    for (uint32_t sample = first; sample < first + 20; ++sample) {
      for (int i = 0; i < 50; ++i)
        store->AddSpan({.sample = {.question_id = "a", .sample = sample}}, {.events = std::string(200, 'x')});
      store->FinishSample(
          {.key = {.question_id = "a", .sample = sample}, .done = true, .reason = {}, .closed_by = {}});
    }
    EXPECT_TRUE(store->Commit());
  };
  round(0);
  const auto bytes = fs::file_size(path_);
  for (uint32_t first = 20; first < 400; first += 20) round(first);
  EXPECT_LT(fs::file_size(path_), bytes + 400000) << "room is used again";
}

TEST_F(SqliteRunStoreTest, FolderThatIsMissingIsAnError) {
  const auto store = SqliteRunStore::Open(folder_ + "/missing/run.sqlite");
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr("missing/run.sqlite: cannot be opened: No such file"));
}

TEST_F(SqliteRunStoreTest, StoreWithoutANewerCounterIsReadAndGetsItsColumn) {
  const SampleRecord done{.key = {.question_id = "a", .sample = 0},
                          .done = true,
                          .reason = {},
                          .closed_by = "student",
                          .stats = {.answer_tokens = 7, .candidates = 3, .wall_ms = 5}};
  {
    const auto store = SqliteRunStore::Open(path_);
    ASSERT_TRUE(store);
    (*store)->FinishSample(done);
    ASSERT_TRUE((*store)->Commit());
  }
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, "ALTER TABLE samples DROP COLUMN candidates", nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(handle);

  SampleRecord expected = done;
  expected.stats.candidates = 1;
  const auto samples = [](RunStore& store) {
    std::vector<SampleRecord> all;
    EXPECT_TRUE(store.ForEachSample([&all](const SampleRecord& sample) { all.push_back(sample); }));
    return all;
  };
  const auto reader = SqliteRunStore::OpenToRead(path_);
  ASSERT_TRUE(reader);
  EXPECT_THAT(samples(**reader), testing::ElementsAre(expected));
  const auto store = SqliteRunStore::Open(path_);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_THAT(samples(**store), testing::ElementsAre(expected));
  (*store)->FinishSample(done);
  ASSERT_TRUE((*store)->Commit());
  EXPECT_THAT(samples(**store), testing::ElementsAre(done));
}

}  // namespace
}  // namespace tessy
