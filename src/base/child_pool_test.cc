#include "base/child_pool.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>

#include "base/testing/mailbox.h"

namespace tessy {
namespace {

using std::chrono::milliseconds;
using testing::Each;
using testing::Eq;
using testing::HasSubstr;

class ChildPoolTest : public testing::Test {
 protected:
  ChildPoolTest() {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = testing::TempDir() + "child_pool_test_" + test + "_" + std::to_string(::getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~ChildPoolTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<ChildPool> NewPool(int children_max = 4) {
    return std::make_unique<ChildPool>(children_max, [this](auto call) { mailbox_.Post(std::move(call)); });
  }
  // In the test's folder. The result stands in ends_ at the returned place.
  size_t Run(ChildPool& pool, const std::string& line, milliseconds wall_max = milliseconds(60'000),
             std::string input = "") {
    return RunCommand(pool, {.arguments = {"/bin/sh", "-c", "cd '" + folder_ + "' || exit 99; " + line},
                             .input = std::move(input),
                             .wall_max = wall_max});
  }
  size_t RunCommand(ChildPool& pool, ChildCommand command) {
    const size_t place = ends_.size();
    ends_.emplace_back();
    pool.Run(std::move(command), [this, place](Result<ChildEnd> end) {
      EXPECT_EQ(std::this_thread::get_id(), driving_thread_);
      EXPECT_FALSE(ends_[place]);
      ends_[place] = std::move(end);
    });
    return place;
  }
  bool AwaitAll() {
    return mailbox_.RunUntil(
        [this] { return std::ranges::all_of(ends_, [](const auto& end) { return !!end; }); });
  }
  std::string Read(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(folder_ + "/" + name).rdbuf();
    return text.str();
  }
  bool Exists(const std::string& name) const { return std::filesystem::exists(folder_ + "/" + name); }
  bool AwaitFile(const std::string& name) const {
    for (int i = 0; i < 6000 && Read(name).empty(); ++i) std::this_thread::sleep_for(milliseconds(10));
    return !Read(name).empty();
  }
  // A zombie whose new parent has not noticed it counts as gone.
  static bool IsGone(const std::string& process) {
    std::ifstream file("/proc/" + process + "/stat");
    std::string text;
    if (!std::getline(file, text)) return true;
    return text.find(") Z ") != std::string::npos || text.find(") X ") != std::string::npos;
  }
  static bool AwaitGone(const std::string& process) {
    for (int i = 0; i < 6000 && !IsGone(process); ++i) std::this_thread::sleep_for(milliseconds(10));
    return IsGone(process);
  }
  // Starts a child of its own, tells both numbers in the file "all", and sleeps.
  static constexpr const char* kSleeper = "sleep 600 & echo $$ $! > part && mv part all && wait";
  void ExpectSleepersGone() const {
    std::istringstream numbers(Read("all"));
    std::string process;
    size_t count = 0;
    for (; numbers >> process; ++count) EXPECT_TRUE(AwaitGone(process)) << process;
    EXPECT_EQ(count, 2U);
  }

  const std::thread::id driving_thread_ = std::this_thread::get_id();
  std::string folder_;
  Mailbox mailbox_;
  std::vector<std::optional<Result<ChildEnd>>> ends_;
};

TEST_F(ChildPoolTest, TellsHowAProgramEnded) {
  const auto pool = NewPool();
  const size_t fine = Run(*pool, "exit 0");
  const size_t wrong = Run(*pool, "exit 7");
  const size_t killed = Run(*pool, "kill -9 $$");
  ASSERT_TRUE(AwaitAll());
  EXPECT_EQ(**ends_[fine], ChildEnd{});
  EXPECT_EQ(**ends_[wrong], ChildEnd{.exit_status = 7});
  EXPECT_EQ(**ends_[killed], ChildEnd{.signal = SIGKILL});
}

TEST_F(ChildPoolTest, InputIsGivenWholeAndNeedNotBeRead) {
  const auto pool = NewPool();
  std::string input(3'000'000, 'x');
  input += '\0';
  Run(*pool, "cat > copy", milliseconds(60'000), input);
  Run(*pool, "exit 0", milliseconds(60'000), input);
  ASSERT_TRUE(AwaitAll());
  EXPECT_EQ(Read("copy"), input);
  EXPECT_EQ(**ends_[1], ChildEnd{});
}

TEST_F(ChildPoolTest, AProgramThatIsNotThereIsAnError) {
  const auto pool = NewPool();
  RunCommand(*pool, {.arguments = {folder_ + "/nothing"}, .input = {}});
  ASSERT_TRUE(AwaitAll());
  ASSERT_FALSE(*ends_[0]);
  EXPECT_EQ(ends_[0]->error().code, ErrorCode::kIo);
  EXPECT_THAT(ends_[0]->error().message, HasSubstr("No such file"));
}

// Signals that we ignore or hold back are not for others, and neither are our files.
TEST_F(ChildPoolTest, AProgramGetsNothingOfOurs) {
  const int file = ::dup(STDERR_FILENO);
  ASSERT_GT(file, 2);
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  {
    const auto pool = NewPool();
    Run(*pool, "ls /proc/self/fd > files; grep -E 'Sig(Blk|Ign)' /proc/self/status > signals");
    ASSERT_TRUE(AwaitAll());
  }
  std::signal(SIGPIPE, before);
  ::close(file);
  EXPECT_THAT(Read("files"), Eq("0\n1\n2\n3\n"));  // the fourth is the folder that ls reads
  std::istringstream lines(Read("signals"));
  std::string name;
  unsigned long long mask = 0;
  ASSERT_TRUE(lines >> name >> std::hex >> mask);
  EXPECT_EQ(mask, 0U) << name;
  ASSERT_TRUE(lines >> name >> std::hex >> mask);
  EXPECT_EQ(mask & (1ULL << (SIGPIPE - 1)), 0U) << name;
}

TEST_F(ChildPoolTest, AProgramGetsTheEnvironmentButWhatIsHidden) {
  ASSERT_EQ(setenv("CHILD_POOL_TEST_SECRET", "1", 1), 0);
  ASSERT_EQ(setenv("CHILD_POOL_TEST_OPEN", "2", 1), 0);
  const auto pool = NewPool();
  RunCommand(*pool, {.arguments = {"/bin/sh", "-c",
                                   "cd '" + folder_ + "' && env | grep CHILD_POOL_TEST > variables"},
                     .input = "",
                     .hides = [](std::string_view name) { return name == "CHILD_POOL_TEST_SECRET"; }});
  ASSERT_TRUE(AwaitAll());
  EXPECT_EQ(Read("variables"), "CHILD_POOL_TEST_OPEN=2\n");
}

TEST_F(ChildPoolTest, WhatAProgramLeavesBehindEndsWithIt) {
  const auto pool = NewPool();
  Run(*pool, "sleep 600 & echo $! > left; exit 0");
  ASSERT_TRUE(AwaitAll());
  EXPECT_EQ((*ends_[0])->exit_status, 0);
  const std::string left = Read("left");
  EXPECT_TRUE(AwaitGone(left.substr(0, left.find('\n'))));
}

// Each program waits for the others: none would end if they did not run at once.
TEST_F(ChildPoolTest, ProgramsRunAtOnce) {
  const auto pool = NewPool(8);
  for (int i = 0; i < 8; ++i)
    Run(*pool, "echo >> begun; while [ $(wc -l < begun) -lt 8 ]; do sleep 0.02; done");
  ASSERT_TRUE(AwaitAll());
  for (const auto& end : ends_) EXPECT_EQ(**end, ChildEnd{});
}

TEST_F(ChildPoolTest, NoMoreThanTheBoundRunAtATime) {
  const auto pool = NewPool(3);
  std::filesystem::create_directories(folder_ + "/running");
  for (int i = 0; i < 24; ++i) {
    Run(*pool, "mkdir running/$$ && ls running | wc -l >> counts; sleep 0.03; rmdir running/$$");
  }
  ASSERT_TRUE(AwaitAll());
  std::istringstream counts(Read("counts"));
  int most = 0;
  for (int count = 0; counts >> count;) most = std::max(most, count);
  EXPECT_EQ(most, 3);
}

// Each child takes a descriptor while it runs; a program that cannot be started for want of one waits.
TEST_F(ChildPoolTest, ProgramsWaitWhereTheSystemGivesNoMore) {
  const auto pool = NewPool(8);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = open("/dev/null", O_RDONLY);
  close(next);
  const rlimit few{.rlim_cur = static_cast<rlim_t>(next) + 3, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  for (int i = 0; i < 8; ++i) Run(*pool, "sleep 0.02");
  const bool all = AwaitAll();
  setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_TRUE(all);
  for (const auto& end : ends_) {
    ASSERT_TRUE(*end) << (*end).error().message;
    EXPECT_EQ((*end)->exit_status, 0);
  }
}

TEST_F(ChildPoolTest, WhoeverTakesTooLongIsKilledWithItsChildren) {
  const auto pool = NewPool();
  Run(*pool, kSleeper, milliseconds(500));
  Run(*pool, "exit 0");
  ASSERT_TRUE(AwaitAll());
  ASSERT_FALSE(*ends_[0]);
  EXPECT_EQ(ends_[0]->error().code, ErrorCode::kResourceLimit);
  EXPECT_TRUE(*ends_[1]);
  ExpectSleepersGone();
}

TEST_F(ChildPoolTest, CancelEndsWhatRunsAndWhatWaits) {
  const auto pool = NewPool(1);
  Run(*pool, kSleeper);
  Run(*pool, "touch never");
  ASSERT_TRUE(AwaitFile("all"));
  pool->Cancel();
  ASSERT_TRUE(AwaitAll());
  for (const auto& end : ends_) {
    ASSERT_FALSE(*end);
    EXPECT_EQ(end->error().code, ErrorCode::kCancelled);
  }
  ExpectSleepersGone();
  const size_t next = Run(*pool, "exit 3");
  ASSERT_TRUE(AwaitAll());
  EXPECT_EQ(**ends_[next], ChildEnd{.exit_status = 3});
  EXPECT_FALSE(Exists("never"));
}

TEST_F(ChildPoolTest, APoolThatGoesTakesItsProgramsAlong) {
  {
    const auto pool = NewPool(1);
    Run(*pool, kSleeper);
    Run(*pool, "touch never");
    ASSERT_TRUE(AwaitFile("all"));
  }
  ExpectSleepersGone();
  EXPECT_FALSE(Exists("never"));
  bool ran = false;
  mailbox_.Post([&ran] { ran = true; });
  ASSERT_TRUE(mailbox_.RunUntil([&ran] { return ran; }));
  EXPECT_THAT(ends_, Each(Eq(std::nullopt)));  // no callback after the pool is gone
}

}  // namespace
}  // namespace tessy
