#include "job/run_catalogue.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "store/append_file.h"
#include "store/open_run_store.h"

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

class RunCatalogueTest : public testing::Test {
 protected:
  RunCatalogueTest() {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = fmt::format("{}run_catalogue_test_{}_{}", testing::TempDir(), test, getpid());
    fs::create_directories(folder_);
  }
  ~RunCatalogueTest() override { fs::remove_all(folder_); }

  std::string In(const std::string& name) const { return folder_ + "/" + name; }

  // A run of two samples, one of which is done, that was last at work at this time.
  std::string MakeRun(const std::string& name, int64_t last_ms,
                      const std::string& settings = R"({"method":"tessy"})") const {
    const std::string folder = In(name);
    fs::create_directories(folder);
    const auto store = OpenRunStore(RunStoreIn(folder)).value();
    store->AddConfiguration({.at_ms = 1000, .json = settings});
    store->SetSession(
        {.started_ms = 1000, .last_ms = last_ms, .ended = "interrupted", .samples = 2, .done = 1});
    store->FinishSample({.key = {.question_id = "a", .sample = 0},
                         .done = true,
                         .reason = {},
                         .closed_by = "student",
                         .stats = {.student_tokens = 30, .teacher_tokens = 10, .answer_tokens = 4}});
    EXPECT_TRUE(store->Commit());
    return folder;
  }
  std::vector<std::string> FoldersOf(const RunCatalogue& catalogue) const {
    std::vector<std::string> folders;
    for (const CataloguedRun& run : catalogue.runs) folders.push_back(fs::relative(run.folder, folder_));
    return folders;
  }

  std::string folder_;
};

TEST_F(RunCatalogueTest, ARunIsNamedByItsFolderOrByItsResponses) {
  MakeRun("r.jsonl.run", 2000);
  MakeRun("own", 2000);
  EXPECT_EQ(FindRun(In("r.jsonl")).value(), In("r.jsonl.run"));
  EXPECT_EQ(FindRun(In("r.jsonl.run/")).value(), In("r.jsonl.run"));
  EXPECT_EQ(FindRun(In("own")).value(), In("own"));
  const auto missing = FindRun(In("x"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr(In("x") + ": no run is recorded there"));
}

TEST_F(RunCatalogueTest, AFolderBelowThreeOthersIsNotLookedInto) {
  MakeRun("a/b/c.run", 3000);
  MakeRun("a/b/c/d.run", 4000);
  MakeRun("here.run", 5000);
  fs::create_directory_symlink(In("a"), In("link"));
  const std::string folders[] = {folder_, In("a")};
  const auto catalogue = FindRuns({folders, 1});
  ASSERT_TRUE(catalogue);
  EXPECT_THAT(FoldersOf(*catalogue), ElementsAre("here.run", "a/b/c.run"));
  EXPECT_THAT(FoldersOf(FindRuns(folders).value()), ElementsAre("here.run", "a/b/c/d.run", "a/b/c.run"));
}

TEST_F(RunCatalogueTest, ARunThatCannotBeReadHidesNoOther) {
  MakeRun("good.run", 2000);
  fs::create_directories(In("bad.run"));
  ASSERT_TRUE(WriteWhole(In("bad.run/run.sqlite"), "this is no database, and is longer than its header is"));
  const auto catalogue = FindRuns(std::vector{folder_});
  ASSERT_TRUE(catalogue);
  EXPECT_THAT(FoldersOf(*catalogue), ElementsAre("good.run"));
  ASSERT_EQ(catalogue->unreadable.size(), 1U);
  EXPECT_THAT(catalogue->unreadable[0].message, HasSubstr("bad.run/run.sqlite"));
  EXPECT_FALSE(FindRuns(std::vector{In("nowhere")}));
}

TEST_F(RunCatalogueTest, ARunSaysWhatIsRecordedOfIt) {
  const std::string folder = MakeRun(
      "r.jsonl.run", 2000,
      R"({"method":"tessy","student":{"file":"s.gguf","fingerprint":"00ff"},"teacher":{"server":"http://a/v1"}})");
  ASSERT_TRUE(WriteWhole(In("r.jsonl"), "{}\n"));
  const auto run = ReadRun(folder);
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->out, In("r.jsonl"));
  EXPECT_EQ(run->state, RunState::kInterrupted);
  EXPECT_EQ(run->method, "tessy");
  EXPECT_EQ(run->tokens(), 44U);
  EXPECT_DOUBLE_EQ(run->teacher_share(), 0.25);
  EXPECT_EQ(run->last_activity_ms(), 2000);
  ASSERT_EQ(run->models.size(), 2U);
  EXPECT_EQ(run->models[0].text, "s.gguf, fingerprint 00ff");
  EXPECT_EQ(run->models[1].text, "http://a/v1");
  const auto json = nlohmann::json::parse(ToJson(*run));
  EXPECT_EQ(json["models"]["student"]["fingerprint"], "00ff");
  EXPECT_EQ(json["last_activity"], "1970-01-01T00:00:02Z");
  EXPECT_EQ(json["state"], "interrupted");
  EXPECT_EQ(nlohmann::json::parse(ToJson(std::vector{*run}))[0]["tokens"], 44);
}

TEST_F(RunCatalogueTest, ARunIsRunningWhileItsFilesAreLocked) {
  const std::string folder = MakeRun("r.run", 2000, "no JSON");
  EXPECT_EQ(ReadRun(folder).value().method, "?");
  const auto held = AppendFile::Open(folder + "/failures.jsonl");
  ASSERT_TRUE(held);
  EXPECT_EQ(ReadRun(folder).value().state, RunState::kRunning);
}

}  // namespace
}  // namespace tessy
