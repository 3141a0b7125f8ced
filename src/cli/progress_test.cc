#include "cli/progress.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/utf8.h"

namespace tessy {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ProgressTest, StylesByNameAndByTerminal) {
  EXPECT_EQ(FindProgressStyle("auto", true).value(), ProgressStyle::kBar);
  EXPECT_EQ(FindProgressStyle("auto", false).value(), ProgressStyle::kPlain);
  for (const bool terminal : {false, true}) {
    EXPECT_EQ(FindProgressStyle("none", terminal).value(), ProgressStyle::kNone);
    EXPECT_EQ(FindProgressStyle("plain", terminal).value(), ProgressStyle::kPlain);
    EXPECT_EQ(FindProgressStyle("bar", terminal).value(), ProgressStyle::kBar);
  }
  EXPECT_THAT(FindProgressStyle("dots", true).error().message,
              HasSubstr("--progress dots: there are auto, none, plain and bar"));
}

// Ten of forty samples, in twenty seconds.
RunProgress Underway() {
  RunProgress progress;
  progress.samples = 40;
  progress.done = 10;
  progress.counters = {.tokens = 5000, .drafted = 8000, .discarded = 2000};
  progress.counters.finished_tokens = 5000;
  progress.seconds = 20.0;
  return progress;
}

TEST(ProgressTest, TellsSamplesSpeedTimeLeftAndDiscardedShare) {
  EXPECT_EQ(DescribeProgress(Underway()), "10/40 samples, 250 tokens/s, ETA 1:00, 25.0 % discarded, 0:20");
}

TEST(ProgressTest, NothingIsMadeUpAtTheBeginning) {
  RunProgress progress;
  progress.samples = 40;
  EXPECT_EQ(DescribeProgress(progress), "0/40 samples, 0:00");
}

TEST(ProgressTest, TimeLeftIsUnknownUntilSomeSamplesAreThere) {
  RunProgress progress = Underway();
  progress.counters.finished_tokens = 500;
  for (const size_t done : {0U, 1U, 2U}) {
    progress.done = done;
    EXPECT_THAT(DescribeProgress(progress), HasSubstr(", ETA unknown, "));
  }
  progress.samples = 3;
  EXPECT_THAT(DescribeProgress(progress), HasSubstr(", ETA 0:")) << "the last of three";
}

TEST(ProgressTest, TimeLeftNeverClimbsWithTheClock) {
  RunProgress progress = Underway();
  double before = 1e9;
  for (int second = 20; second < 400; ++second) {  // 30 samples under way, and none finishes
    progress.seconds = second;
    progress.counters.tokens = static_cast<uint64_t>(250 * second);
    const std::string line = DescribeProgress(progress);
    int minutes = 0;
    int seconds = 0;
    ASSERT_EQ(std::sscanf(line.substr(line.find("ETA ")).c_str(), "ETA %d:%d", &minutes, &seconds), 2)
        << line;
    EXPECT_LE(60 * minutes + seconds, before) << line;
    before = 60 * minutes + seconds;
  }
  EXPECT_GT(before, 0.0) << "and never says that it is over";
}

TEST(ProgressTest, FailedSamplesCount) {
  RunProgress progress = Underway();
  progress.done = 7;
  progress.failed = 3;
  EXPECT_THAT(DescribeProgress(progress), HasSubstr("10/40 samples, 3 failed, "));
}

TEST(ProgressTest, TimeLeftIsReckonedFromThisRunAlone) {
  RunProgress progress = Underway();
  progress.done = 20;
  progress.resumed = 10;
  EXPECT_THAT(DescribeProgress(progress), HasSubstr("20/40 samples, 250 tokens/s, ETA 0:40, "));
  progress.resumed = 20;
  EXPECT_THAT(DescribeProgress(progress), HasSubstr("ETA unknown"));
}

TEST(ProgressTest, NoTimeIsLeftAtTheEnd) {
  RunProgress progress = Underway();
  progress.done = 40;
  EXPECT_THAT(DescribeProgress(progress), Not(HasSubstr("ETA")));
}

TEST(ProgressTest, LongTimesHaveHours) {
  RunProgress progress = Underway();
  progress.seconds = 2 * 3600 + 3 * 60 + 4;
  EXPECT_THAT(DescribeProgress(progress), testing::EndsWith(", 2:03:04"));
}

// A terminal of a width of one's own.
class Terminal {
 public:
  Terminal() : end_(posix_openpt(O_RDWR | O_NOCTTY)) {
    EXPECT_TRUE(end_ >= 0 && grantpt(end_) == 0 && unlockpt(end_) == 0);
    program_ = open(ptsname(end_), O_RDWR | O_NOCTTY);
    EXPECT_GE(program_, 0);
  }
  ~Terminal() {
    close(program_);
    close(end_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void Resize(unsigned short columns) const {
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    EXPECT_EQ(ioctl(end_, TIOCSWINSZ, &size), 0);
  }
  int program() const { return program_; }

 private:
  int end_;
  int program_ = -1;
};

TEST(ProgressTest, TheWidthIsThatOfTheTerminalNow) {
  const Terminal terminal;
  setenv("COLUMNS", "50", 1);
  terminal.Resize(40);
  EXPECT_EQ(TerminalColumns(terminal.program()), 40U);
  terminal.Resize(132);
  EXPECT_EQ(TerminalColumns(terminal.program()), 132U);
  terminal.Resize(0);  // a terminal that does not know
  EXPECT_EQ(TerminalColumns(terminal.program()), 50U);
  EXPECT_EQ(TerminalColumns(-1), 50U);
  for (const char* useless : {"", "0", "-1", "wide", "80x24", "99999999999"}) {
    setenv("COLUMNS", useless, 1);
    EXPECT_EQ(TerminalColumns(-1), 80U) << useless;
  }
  unsetenv("COLUMNS");
  EXPECT_EQ(TerminalColumns(-1), 80U);
}

TEST(ProgressTest, ABarNeverWraps) {
  const std::string line = DescribeProgress(Underway());
  EXPECT_EQ(BarLine(0.25, line, 40), "━━╌╌╌╌╌╌ 10/40 samples, 250 tokens/s");
  EXPECT_EQ(BarLine(0.25, line, 37), "━━╌╌╌╌╌╌ 10/40 samples, 250 tokens/s") << "it fits to the letter";
  EXPECT_EQ(BarLine(0.25, line, 36), "━━╌╌╌╌╌╌ 10/40 samples");
  EXPECT_EQ(BarLine(0.25, line, 120), "━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ " + line);
  for (const double share : {0.0, 0.5, 1.0}) {
    for (size_t columns = 0; columns < 130; ++columns) {
      EXPECT_LE(CountCodePoints(BarLine(share, line, columns)), columns == 0 ? 0 : columns - 1) << columns;
    }
  }
  EXPECT_EQ(BarLine(1.0, "x", 5), "━━━━");
}

TEST(ProgressTest, ABarIsRedrawnInItsLineAndLeft) {
  setenv("COLUMNS", "120", 1);
  testing::internal::CaptureStderr();
  ProgressDisplay display(ProgressStyle::kBar);
  display.Show(Underway());
  display.Show(Underway());
  display.Close();
  const std::string shown = testing::internal::GetCapturedStderr();
  EXPECT_THAT(shown, testing::StartsWith("\r━━━━━━╌╌"));
  EXPECT_EQ(std::ranges::count(shown, '\r'), 2);
  EXPECT_EQ(std::ranges::count(shown, '\n'), 1);
  EXPECT_THAT(shown, testing::EndsWith("\n"));
  unsetenv("COLUMNS");
}

TEST(ProgressTest, PlainLinesComeEveryTenSeconds) {
  testing::internal::CaptureStderr();
  ProgressDisplay display(ProgressStyle::kPlain);
  RunProgress progress = Underway();
  for (const double seconds : {0.5, 9.9, 10.1, 15.0, 20.2, 20.3}) {
    progress.seconds = seconds;
    display.Show(progress);
  }
  display.Close();
  const std::string shown = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::ranges::count(shown, '\n'), 2) << shown;
  EXPECT_EQ(std::ranges::count(shown, '\r'), 0);
}

TEST(ProgressTest, NoneShowsNothing) {
  testing::internal::CaptureStderr();
  ProgressDisplay display(ProgressStyle::kNone);
  display.Show(Underway());
  display.Close();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace tessy
