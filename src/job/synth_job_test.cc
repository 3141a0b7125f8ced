#include "job/synth_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/testing/source_tree.h"
#include "job/annotate_job.h"

namespace tessy {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Jobs on the shipped models and questions, in a folder of their own.
class JobTest : public testing::Test {
 protected:
  JobTest() { std::filesystem::create_directories(folder_); }
  ~JobTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  static SynthOptions Options(uint64_t limit) {
    SynthOptions options;
    options.questions = InSource("lab/demo/questions.jsonl");
    options.student = {InSource("lab/models/student.gguf")};
    options.teacher = {InSource("lab/models/teacher.gguf")};
    options.limit = limit;
    options.engine.concurrency = 2;
    return options;
  }
  JobEvents Events() {
    JobEvents events;
    events.notice = [this](const std::string& line) { notices_.push_back(line); };
    events.finished = [this](const JobItem& item) -> Status {
      items_.push_back(item.id);
      return {};
    };
    return events;
  }

  const std::string folder_ = testing::TempDir() + "job_test_" + std::to_string(getpid());
  std::vector<std::string> notices_;
  std::vector<std::string> items_;
};

TEST_F(JobTest, WithoutFilesResponsesAreToldAndNothingIsWritten) {
  std::vector<std::string> lines;
  JobEvents events;
  events.finished = [&](const JobItem& item) -> Status {
    EXPECT_TRUE(item.done);
    lines.emplace_back(item.line);
    return {};
  };
  const auto result = SynthJob(Options(2), events).Run();
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_TRUE(result->status);
  EXPECT_EQ(result->progress.done, 2U);
  EXPECT_EQ(result->out, "");
  EXPECT_THAT(lines, SizeIs(2));
  EXPECT_THAT(lines[0], HasSubstr("\"messages\""));
}

TEST_F(JobTest, AStoppedJobIsInterruptedAndGoesOn) {
  SynthOptions options = Options(8);
  options.out = Path("r.jsonl");
  std::stop_source stop;
  JobEvents events = Events();
  events.finished = [&](const JobItem& item) -> Status {
    items_.push_back(item.id);
    // As another thread does it.
    if (items_.size() == 2) std::thread([&] { stop.request_stop(); }).join();
    return {};
  };
  const auto stopped = SynthJob(options, events, {.token = stop.get_token()}).Run();
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_TRUE(stopped->interrupted);
  EXPECT_GE(stopped->responses, 2U);
  EXPECT_LT(stopped->responses, 8U);
  const auto resumed = SynthJob(options, Events()).Run();
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_FALSE(resumed->interrupted);
  EXPECT_EQ(resumed->responses, 8U);
  EXPECT_EQ(resumed->progress.resumed, stopped->responses);
  ASSERT_TRUE(resumed->totals.has_value());
  EXPECT_GT(resumed->totals->thinking_tokens(), 0U);
  EXPECT_THAT(items_, SizeIs(8));
  EXPECT_THAT(notices_, testing::Contains(HasSubstr("samples are there already")));
}

TEST_F(JobTest, AnErrorOfTheListenerStopsTheJob) {
  SynthOptions options = Options(8);
  JobEvents events;
  events.finished = [](const JobItem&) -> Status { return Fail(ErrorCode::kIo, "no room"); };
  const auto result = SynthJob(options, events).Run();
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_FALSE(result->status);
  EXPECT_EQ(result->status.error().message, "no room");
}

TEST_F(JobTest, WhatIsRefusedIsAnErrorAndBeginsNothing) {
  SynthOptions options = Options(1);
  options.out = Path("r.jsonl");
  options.teacher = {"nowhere.gguf"};
  const auto result = SynthJob(options, Events()).Run();
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("nowhere.gguf"));
  EXPECT_THAT(items_, IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(folder_)) << "no empty file, and no folder of a run";
  options.fresh = true;
  EXPECT_FALSE(SynthJob(options, Events()).Run());
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
  options.questions.clear();
  EXPECT_THAT(SynthJob(options, Events()).Run().error().message, HasSubstr("--questions is missing"));
}

// What an earlier run has made is not touched by one that is refused.
TEST_F(JobTest, ARefusedRunLeavesAnEarlierOneAsItIs) {
  SynthOptions options = Options(1);
  options.out = Path("r.jsonl");
  ASSERT_TRUE(SynthJob(options, Events()).Run());
  const auto size = std::filesystem::file_size(options.out);
  options.limit = 2;
  options.engine.machine.memory_gib = 1e-6;
  ASSERT_FALSE(SynthJob(options, Events()).Run()) << "nothing fits";
  EXPECT_EQ(std::filesystem::file_size(options.out), size);
  EXPECT_TRUE(std::filesystem::exists(options.out + ".run/config.json"));
  EXPECT_TRUE(std::filesystem::exists(options.out + ".run/run.sqlite"));
  options.engine.machine.memory_gib = 0;
  const auto result = SynthJob(options, Events()).Run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->responses, 2U);
}

TEST_F(JobTest, AnnotationsAreMadeOfResponsesAndCounted) {
  SynthOptions options = Options(2);
  options.out = Path("r.jsonl");
  ASSERT_TRUE(SynthJob(options, {}).Run());
  AnnotateOptions annotate;
  annotate.responses = Path("r.jsonl");
  annotate.out = Path("a.jsonl");
  annotate.annotator.model = "lexicon";
  annotate.windows.per_response = 2;
  annotate.windows.words = 10;
  const auto result = AnnotateJob(annotate, Events()).Run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->windows, 4U);
  EXPECT_EQ(result->annotated, 4U);
  EXPECT_THAT(items_, SizeIs(4));
  EXPECT_GT(result->window_bytes, result->style_bytes);
  annotate.annotator.model.clear();
  EXPECT_THAT(AnnotateJob(annotate, {}).Run().error().message, HasSubstr("--annotator is missing"));
}

TEST_F(JobTest, RulesStopWhenTheyAreAsked) {
  SynthOptions options = Options(2);
  options.out = Path("r.jsonl");
  ASSERT_TRUE(SynthJob(options, {}).Run());
  AnnotateOptions annotate;
  annotate.responses = Path("r.jsonl");
  annotate.out = Path("a.jsonl");
  annotate.annotator.model = "lexicon";
  annotate.windows.words = 10;
  std::stop_source stop;
  JobEvents events;
  events.finished = [&](const JobItem&) -> Status {
    stop.request_stop();
    return {};
  };
  const auto stopped = AnnotateJob(annotate, events, {.token = stop.get_token()}).Run();
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_TRUE(stopped->interrupted);
  EXPECT_EQ(stopped->annotated, 1U);
  EXPECT_GT(AnnotateJob(annotate, {}).Run()->annotated, 1U);
  // A signal does the same, where the job is to listen; what listened before listens again.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    annotate.fresh = true;
    events.finished = [&](const JobItem&) -> Status {
      EXPECT_EQ(raise(signal), 0);
      return {};
    };
    const auto signalled = AnnotateJob(annotate, events, {.on_signals = true}).Run();
    ASSERT_TRUE(signalled) << signalled.error().message;
    EXPECT_TRUE(signalled->interrupted);
    EXPECT_EQ(signalled->annotated, 1U);
    struct sigaction now {};
    EXPECT_EQ(sigaction(signal, nullptr, &now), 0);
    EXPECT_EQ(now.sa_handler, SIG_DFL);
  }
  annotate.fresh = false;
  EXPECT_GT(AnnotateJob(annotate, {}).Run()->annotated, 1U);
}

}  // namespace
}  // namespace tessy
