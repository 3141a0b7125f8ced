#include "job/stages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <future>
#include <thread>

#include "store/append_file.h"

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Stages of a shell in place of this program.
class StagesTest : public testing::Test {
 protected:
  StagesTest() { std::filesystem::remove_all(folder_); }
  ~StagesTest() override { std::filesystem::remove_all(folder_); }

  Stages Open(int jobs = 1) {
    auto stages =
        Stages::Open({.folder = folder_,
                      .jobs = jobs,
                      .begun = [this](const StagesBegun& begun) { commands_.push_back(begun.commands); },
                      .program = "/bin/sh"});
    EXPECT_TRUE(stages) << stages.error().message;
    return std::move(*stages);
  }
  // Leaves a line in the file `trail` each time that it runs.
  Stage Leaving(const std::string& name, const std::string& then = "true") const {
    return {name, {"-c", "echo " + name + " >> " + folder_ + "/trail; " + then}};
  }
  std::string Trail() const { return ReadWhole(folder_ + "/trail").value_or(""); }

  const std::string folder_ = testing::TempDir() + "stages_test_" + std::to_string(::getpid());
  std::vector<size_t> commands_;
};

TEST_F(StagesTest, WhatIsDoneIsNotDoneAgain) {
  EXPECT_TRUE(Open().Run("first", {Leaving("a")}));
  EXPECT_TRUE(Open().Run("both", {Leaving("a"), Leaving("b")}));
  EXPECT_TRUE(Open().Run("both", {Leaving("a"), Leaving("b")}));
  EXPECT_EQ(Trail(), "a\nb\n");
  EXPECT_THAT(commands_, ElementsAre(1, 1));
}

TEST_F(StagesTest, AStageInWhichSomeSamplesFailedIsDone) {
  EXPECT_TRUE(Open().Run("", {Leaving("a", "exit 2")}));
  EXPECT_TRUE(Open().Run("", {Leaving("a", "exit 2")}));
  EXPECT_EQ(Trail(), "a\n");
}

TEST_F(StagesTest, AFailureTellsTheLastLineStartsNoMoreAndIsTriedAgain) {
  const std::vector<Stage> stages{Leaving("a", "echo one; echo two >&2; exit 1"), Leaving("b")};
  for (const char* trail : {"a\n", "a\na\n"}) {
    const auto status = Open().Run("", stages);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kBackend);
    EXPECT_THAT(status.error().message, HasSubstr("a failed: two (all of it: " + folder_ + "/logs/a.log)"));
    EXPECT_EQ(Trail(), trail);
  }
}

// Killed between the end of its work and the note of it, a stage would never get past what it left.
TEST_F(StagesTest, WhatACommandRefusesToFindIsRenamedBeforeItStarts) {
  const std::string out = folder_ + "/out";
  Stage stage = Leaving("a", "mkdir " + out + " && echo old > " + out + "/file && exit 1");
  stage.set_aside = out;
  EXPECT_FALSE(Open().Run("", {stage}));
  stage.arguments.back() = "mkdir " + out + " && echo new > " + out + "/file";
  const auto status = Open().Run("", {stage});
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_EQ(ReadWhole(out + "/file").value_or(""), "new\n");
  EXPECT_EQ(ReadWhole(out + ".old-1/file").value_or(""), "old\n");
  EXPECT_TRUE(Open().Run("", {stage}));  // what is done is not renamed
  EXPECT_EQ(ReadWhole(out + "/file").value_or(""), "new\n");
}

TEST_F(StagesTest, OtherArgumentsThanThoseOfWhatIsDoneAreRefused) {
  EXPECT_TRUE(Open().Run("", {Leaving("a")}));
  const auto status = Open().Run("", {Leaving("b"), Leaving("a", "false")});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kConflict);
  EXPECT_THAT(status.error().message, HasSubstr(folder_ + ": holds a lab with other settings (a: tessy -c"));
  EXPECT_EQ(Trail(), "a\n");
}

TEST_F(StagesTest, OneProcessAtATimeHasTheFolder) {
  const Stages stages = Open();
  const auto second = Stages::Open({.folder = folder_});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

// Even where the one that runs is the last.
TEST_F(StagesTest, ASignalIsPassedOnAndEndsTheStages) {
  const auto status = Open().Run("", {Leaving("a", "kill -TERM $PPID; sleep 5")});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(Open().Run("", {Leaving("a", "true")}));
  EXPECT_EQ(Trail(), "a\na\n");
}

// The signal ends no system call of the one who waits, as one that comes just before the wait does not.
TEST_F(StagesTest, ASignalThatAnotherThreadGetsIsPassedOnAtOnce) {
  sigset_t terminate;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  std::promise<void> over;
  std::thread other([ended = over.get_future()] { ended.wait(); });
  pthread_sigmask(SIG_BLOCK, &terminate, nullptr);
  const auto begun = std::chrono::steady_clock::now();
  const auto status = Open().Run("", {Leaving("a", "kill -TERM $PPID; exec sleep 20")});
  pthread_sigmask(SIG_UNBLOCK, &terminate, nullptr);
  over.set_value();
  other.join();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
}

TEST_F(StagesTest, ASignalIsPassedOnAfterAFailure) {
  const auto begun = std::chrono::steady_clock::now();
  const auto status =
      Open(2).Run("", {Leaving("a", "exit 1"), Leaving("b", "sleep 0.5; kill -TERM $PPID; exec sleep 20")});
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("a failed"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
}

TEST_F(StagesTest, SeveralRunAtATime) {
  const std::string fifo = folder_ + "/fifo";
  const auto status = Open(2).Run("", {{"a", {"-c", "mkfifo " + fifo + " && echo x > " + fifo}},
                                       {"b", {"-c", "until read x < " + fifo + "; do sleep 0.01; done"}}});
  EXPECT_TRUE(status) << status.error().message;
}

}  // namespace
}  // namespace tessy
