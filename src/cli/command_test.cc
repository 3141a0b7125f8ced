#include "cli/command.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <new>
#include <stdexcept>

#include "cli/exit_status.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

template <class F>
std::string ErrorOutputOf(F&& call) {
  testing::internal::CaptureStderr();
  call();
  return testing::internal::GetCapturedStderr();
}

TEST(RunProgramTest, AnExceptionThatNobodyCaughtIsOneLineAndStatusOne) {
  const auto run = [](const std::function<void()>& command) {
    CLI::App app("", "tessy");
    app.add_subcommand("go", "")->callback(command);
    CommandContext context;
    const char* arguments[] = {"tessy", "go"};
    return RunProgram(app, context, 2, arguments);
  };
  int status = 0;
  const std::string said =
      ErrorOutputOf([&] { status = run([] { throw std::runtime_error("type must be\nstring"); }); });
  EXPECT_EQ(status, kExitUsage);
  EXPECT_THAT(said, AllOf(StartsWith("tessy: "), EndsWith("string\n")));
  EXPECT_EQ(std::ranges::count(said, '\n'), 1);
  EXPECT_THAT(ErrorOutputOf([&] { status = run([] { throw std::bad_alloc(); }); }),
              HasSubstr("not enough memory"));
  EXPECT_EQ(status, kExitUsage);
}

int RunWriter(const char* argument) {
  CLI::App app("", "tessy");
  app.set_version_flag("--version", "tessy 1");
  CommandContext context;
  app.add_subcommand("go", "")->callback([&] { Finish(context, WriteOutput("a result\n")); });
  const char* arguments[] = {"tessy", argument};
  return RunProgram(app, context, 2, arguments);
}

TEST(RunProgramDeathTest, WhatCannotBePrintedIsAFailureWithOneLine) {
  for (const char* argument : {"go", "--help", "--version"}) {
    EXPECT_EXIT((close(STDOUT_FILENO), std::exit(RunWriter(argument))), testing::ExitedWithCode(kExitUsage),
                "^tessy: standard output cannot be written: it is closed\n$")
        << argument;
    EXPECT_EXIT((dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO), std::exit(RunWriter(argument))),
                testing::ExitedWithCode(kExitUsage),
                "^tessy: standard output cannot be written: No space left")
        << argument;
    EXPECT_EXIT((dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO), std::exit(RunWriter(argument))),
                testing::ExitedWithCode(kExitDone), "^$")
        << argument;
  }
}

TEST(LogTest, WhatDrivesATerminalIsMadeVisible) {
  SetLogLevel("warning");
  const std::string said =
      ErrorOutputOf([] { spdlog::warn("{}", "\x1b[31mboom\u009b31m\u202e\u2028\x7f\nsecond 等"); });
  EXPECT_EQ(said, "tessy: warning: <U+001B>[31mboom<U+009B>31m<U+202E><U+2028><U+007F><U+000A>second 等\n");
}

TEST(LogTest, LongLinesAreCut) {
  SetLogLevel("warning");
  EXPECT_LT(ErrorOutputOf([] { spdlog::error("{}", std::string(1'000'000, 'x')); }).size(), 4'000U);
  EXPECT_LT(ErrorOutputOf([] { ReportError({ErrorCode::kIo, std::string(1'000'000, 'x')}); }).size(), 4'000U);
}

}  // namespace
}  // namespace tessy
