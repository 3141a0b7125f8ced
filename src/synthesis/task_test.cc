// The methods that need more than one response, on scripted models.
#include "synthesis/task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "judge/testing/scripted_judge.h"
#include "synthesis/run.h"
#include "synthesis/testing/sample_cases.h"

namespace tessy {
namespace {

using testing::ElementsAre;

class TaskTest : public testing::Test {
 protected:
  TaskTest() {
    for (ScriptedPlayer& player : test_.cast.players) {
      player.model = player.predictor = kWords;
      player.family = LoadFamily("qwen3").value();
    }
    settings_.sample.thinking_tokens_max = 400;
    settings_.sample.answer_tokens_max = 400;
    settings_.sample.retries_max = 20;
    settings_.reference_prompt = "{question} ANSWER {answer} END";
    settings_.judge_prompt = "{question} RESPONSE {response} END";
    tasks_ = TasksOf(30);
    for (size_t i = 0; i < tasks_.size(); ++i) tasks_[i].number = i;
  }

  // By task.
  std::vector<SampleOutcome> Run(std::string_view method, int concurrency = 4) {
    settings_.sample.method = FindMethod(method).value();
    boost::asio::io_context io(1);
    ScriptedCastOptions options = test_.cast;
    options.places = 2 * concurrency;
    options.hops_max = 3;
    ScriptedCast cast(std::move(options), [&io](auto call) { boost::asio::post(io, std::move(call)); });
    std::vector<SampleOutcome> outcomes(tasks_.size());
    RunCallbacks callbacks;
    callbacks.finished = [&](const SampleTask& task, const SampleOutcome& outcome, uint64_t) -> Status {
      outcomes[PlaceOf(tasks_, task)] = outcome;
      return {};
    };
    ScriptedJudge judge(decide_, [&io](auto call) { boost::asio::post(io, std::move(call)); });
    TaskSettings settings = settings_;
    if (decide_) settings.judge = &judge;
    RunAll(io, cast, settings, tasks_, {.concurrency = concurrency, .stop_on_signals = false}, callbacks);
    return outcomes;
  }
  // What the student writes for a candidate of its own.
  SampleOutcome Candidate(size_t task, uint32_t candidate) {
    const auto kept = tasks_;
    const TaskSettings settings = settings_;
    tasks_ = {kept[task]};
    tasks_[0].candidate = candidate;
    settings_ = {.sample = settings.sample};
    boost::asio::io_context io(1);
    SampleOutcome outcome;
    settings_.sample.method = FindMethod("student-only").value();
    ScriptedCastOptions options = test_.cast;
    options.places = 1;
    ScriptedCast cast(std::move(options), [&io](auto call) { boost::asio::post(io, std::move(call)); });
    RunCounters counters;
    const std::atomic<bool> stop = false;
    boost::asio::co_spawn(
        io,
        [&]() -> boost::asio::awaitable<void> {
          outcome = co_await RunSample(cast, settings_.sample, tasks_[0], counters, stop);
        },
        boost::asio::detached);
    io.run();
    settings_ = settings;
    tasks_ = kept;
    return outcome;
  }

  TestCase test_;
  TaskSettings settings_;
  ScriptedJudge::Decide decide_;  // empty: nothing is judged
  std::deque<SampleTask> tasks_;
};

TEST_F(TaskTest, MixTakesTurns) {
  const auto outcomes = Run("teacher-mix");
  for (size_t i = 0; i < outcomes.size(); ++i) {
    ASSERT_TRUE(outcomes[i].done);
    const Role role = i % 2 == 0 ? Role::kTeacher : Role::kStudent;
    EXPECT_EQ(outcomes[i].answered_by, role);
    for (const Span& span : outcomes[i].thinking.spans) EXPECT_EQ(span.role, role);
  }
}

// Gives its judgements once eight responses wait for theirs, or after a while.
class SlowJudge final : public Judge {
 public:
  explicit SlowJudge(boost::asio::io_context& io) : io_(io), patience_(io) {}
  void Ask(const Question&, const JudgedResponse&, Done done) override {
    waiting_.push_back(std::move(done));
    most_ = std::max(most_, waiting_.size());
    patience_.expires_after(std::chrono::seconds(2));
    patience_.async_wait([this](const boost::system::error_code& error) {
      if (!error) AnswerAll();
    });
    if (waiting_.size() == 8) AnswerAll();
  }
  void Cancel() override {}
  size_t most() const { return most_; }

 private:
  void AnswerAll() {
    for (Done& done : std::exchange(waiting_, {})) {
      boost::asio::post(io_, [done = std::move(done)] { done(true); });
    }
  }

  boost::asio::io_context& io_;
  boost::asio::steady_timer patience_;
  std::vector<Done> waiting_;
  size_t most_ = 0;
};

TEST_F(TaskTest, WhatIsUnderJudgementLeavesItsPlaceToOthers) {
  boost::asio::io_context io(1);
  settings_.sample.method = FindMethod("tessy").value();
  ScriptedCastOptions options = test_.cast;
  options.places = 2 * 4;  // the sessions of four samples
  ScriptedCast cast(std::move(options), [&io](auto call) { boost::asio::post(io, std::move(call)); });
  SlowJudge judge(io);
  TaskSettings settings = settings_;
  settings.judge = &judge;
  std::vector<int> finished(tasks_.size());
  RunCallbacks callbacks;
  callbacks.finished = [&](const SampleTask& task, const SampleOutcome& outcome, uint64_t) -> Status {
    finished[PlaceOf(tasks_, task)] += outcome.done ? 1 : 0;
    return {};
  };
  const RunResult result =
      RunAll(io, cast, settings, tasks_, {.concurrency = 4, .stop_on_signals = false}, callbacks);
  EXPECT_TRUE(result.status.has_value());
  EXPECT_EQ(judge.most(), 8U) << "four samples write at a time, and wait for nothing";
  EXPECT_THAT(finished, testing::Each(1));
}

class RefusalTest : public TaskTest {
 protected:
  // The numbers of the samples by outcome, where a server refuses the first `refusals` requests.
  struct Counts {
    size_t done = 0, failed = 0;
    RunResult result;
  };
  Counts RunWith(uint64_t refusals, RunOptions options = {}, std::string_view method = "student-only") {
    boost::asio::io_context io(1);
    ScriptedCastOptions cast_options = test_.cast;
    cast_options.places = 2;
    uint64_t asked = 0;
    cast_options.fault = [&](uint64_t) -> std::optional<Error> {
      if (asked++ >= refusals) return std::nullopt;
      return Error{.code = ErrorCode::kRefused, .message = "the server refused: status 422: top_k"};
    };
    ScriptedCast cast(std::move(cast_options), [&io](auto call) { boost::asio::post(io, std::move(call)); });
    settings_.sample.method = FindMethod(method).value();
    Counts counts;
    RunCallbacks callbacks;
    callbacks.finished = [&](const SampleTask&, const SampleOutcome& outcome, uint64_t) -> Status {
      ++(outcome.done ? counts.done : counts.failed);
      return {};
    };
    options.stop_on_signals = false;
    counts.result = RunAll(io, cast, settings_, tasks_, options, callbacks);
    return counts;
  }
};

TEST_F(RefusalTest, ServersThatRefuseTheFirstSamplesStopTheRunAndMarkNothing) {
  for (const Method& method : Methods()) {
    settings_.candidates = method.scores_candidates ? 3 : 1;
    const Counts counts = RunWith(UINT64_MAX, {}, method.name);
    ASSERT_FALSE(counts.result.status) << method.name;
    EXPECT_EQ(counts.result.status.error().code, ErrorCode::kRefused);
    EXPECT_THAT(counts.result.status.error().message, testing::HasSubstr("status 422: top_k"));
    EXPECT_EQ(counts.failed, 0U);
    EXPECT_EQ(counts.done, 0U);
  }
}

TEST_F(RefusalTest, FewSamplesThatAreAllRefusedStopTheRunToo) {
  tasks_.resize(1);
  EXPECT_FALSE(RunWith(UINT64_MAX).result.status);
  // Where others are done already, it is this sample that cannot be asked.
  const Counts last = RunWith(UINT64_MAX, {.resumed_done = 5});
  EXPECT_TRUE(last.result.status);
  EXPECT_EQ(last.failed, 1U);
}

TEST_F(RefusalTest, ASampleThatIsRefusedAmongOthersFails) {
  const Counts counts = RunWith(2);
  EXPECT_TRUE(counts.result.status);
  EXPECT_EQ(counts.failed, 2U);
  EXPECT_EQ(counts.done, tasks_.size() - 2);
}

// The scripted cast holds the longer answer for the better one.
TEST_F(TaskTest, ScoreKeepsTheBestOfTheStudentsCandidates) {
  settings_.candidates = 5;
  const auto outcomes = Run("teacher-score");
  for (size_t i = 0; i < outcomes.size(); ++i) {
    ASSERT_TRUE(outcomes[i].done);
    EXPECT_EQ(outcomes[i].stats.candidates, 5U);
    std::string best;
    uint64_t tokens = 0;
    for (uint32_t candidate = 0; candidate < 5; ++candidate) {
      const SampleOutcome own = Candidate(i, candidate);
      if (own.answer.size() > best.size()) best = own.answer;
      tokens += own.stats.student_tokens + own.stats.answer_tokens + own.stats.failed_attempts_tokens;
    }
    EXPECT_EQ(outcomes[i].answer, best);
    EXPECT_EQ(outcomes[i].score, static_cast<double>(best.size()));
    EXPECT_EQ(outcomes[i].stats.student_tokens + outcomes[i].stats.answer_tokens +
                  outcomes[i].stats.failed_attempts_tokens,
              tokens);
  }
}

TEST_F(TaskTest, AJudgeWhoNamesNoNumberFailsTheSample) {
  settings_.candidates = 2;
  settings_.score_by = ScoreBy::kJudge;
  size_t judged = 0;
  for (const SampleOutcome& outcome : Run("teacher-score")) {
    if (outcome.done) {
      ++judged;
      EXPECT_EQ(outcome.score, 12.0);  // the one number in the vocabulary
    } else {
      EXPECT_THAT(outcome.failures.back(), testing::StartsWith("judge: "));
    }
  }
  EXPECT_GT(judged, 0U);
}

TEST_F(TaskTest, WrongCandidatesAreDroppedAndCounted) {
  settings_.candidates = 4;
  decide_ = [](const Question&, const JudgedResponse& response) { return response.answer.size() % 3 == 0; };
  size_t dropped = 0;
  size_t never = 0;
  for (const char* method : {"tessy", "student-only", "teacher-score", "teacher-mix"}) {
    for (const SampleOutcome& outcome : Run(method)) {
      if (outcome.done) {
        EXPECT_EQ(outcome.answer.size() % 3, 0U) << method;
        dropped += outcome.stats.wrong_candidates;
        EXPECT_LE(outcome.stats.wrong_candidates, outcome.stats.candidates);
      } else {
        ++never;
        EXPECT_EQ(outcome.failures.back(), "no_right_answer") << method;
        EXPECT_EQ(outcome.stats.wrong_candidates, 4U) << method;
        EXPECT_GT(outcome.stats.failed_attempts_tokens, 0U);
        EXPECT_TRUE(outcome.failed_text.ends_with(outcome.answer)) << method << ": " << outcome.failed_text;
        EXPECT_NE(outcome.failed_text, "") << method;
      }
    }
  }
  EXPECT_GT(dropped, 10U);
  EXPECT_GT(never, 0U);
}

TEST_F(TaskTest, ReferenceIsShownToTheStudentAlone) {
  settings_.sample.method = FindMethod("teacher-reference").value();
  boost::asio::io_context io(1);
  ScriptedCastOptions options = test_.cast;
  options.places = 2;
  ScriptedCast cast(std::move(options), [&io](auto call) { boost::asio::post(io, std::move(call)); });
  tasks_.resize(1);
  RunCallbacks callbacks;
  SampleOutcome outcome;
  callbacks.finished = [&](const SampleTask& task, const SampleOutcome& finished, uint64_t) -> Status {
    outcome = finished;
    EXPECT_EQ(task.question->messages, tasks_[0].question->messages);  // what is written to the file
    return {};
  };
  RunAll(io, cast, settings_, tasks_, {.concurrency = 1, .stop_on_signals = false}, callbacks);
  ASSERT_TRUE(outcome.done);
  EXPECT_EQ(outcome.answered_by, Role::kStudent);
  EXPECT_GT(outcome.stats.failed_attempts_tokens, 0U);  // the reference is not free
  const std::string question = tasks_[0].question->messages.back().content;
  EXPECT_TRUE(cast.HasHeard(Role::kTeacher, question));
  EXPECT_FALSE(cast.HasHeard(Role::kStudent, question));
  EXPECT_TRUE(cast.HasHeardLike(Role::kStudent, question + " ANSWER "));
}

TEST_F(TaskTest, ConcurrencyChangesNothing) {
  settings_.candidates = 3;
  for (const char* method : {"teacher-mix", "teacher-score", "teacher-reference"}) {
    const auto one = Run(method, 1);
    const auto many = Run(method, 16);
    for (size_t i = 0; i < one.size(); ++i) {
      EXPECT_EQ(one[i].answer, many[i].answer) << method;
      EXPECT_EQ(one[i].thinking.text, many[i].thinking.text) << method;
    }
  }
}

}  // namespace
}  // namespace tessy
