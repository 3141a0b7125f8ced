// Runs that are killed and go on, on scripted models: the result is that of an undisturbed run, and nothing
// that was recorded is drawn again.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <filesystem>
#include <set>
#include <utility>

#include "base/random.h"
#include "judge/testing/scripted_judge.h"
#include "store/event_codec.h"
#include "store/open_run_store.h"
#include "synthesis/attempt_journal.h"
#include "synthesis/run.h"
#include "synthesis/testing/sample_cases.h"

namespace tessy {
namespace {

#ifdef TESSY_SANITIZED
constexpr uint64_t kCases = 100;
#else
constexpr uint64_t kCases = 1000;
#endif

// A store whose program is killed with one of its changes: that one and all before it are committed, and
// nothing after it happens.
class MortalStore final : public RunStore {
 public:
  MortalStore(RunStore& store, uint64_t changes) : store_(store), left_(changes) {}
  bool dead() const { return left_ == 0; }
  uint64_t spans() const { return spans_; }  // recorded to their end

  Result<std::vector<ConfigurationRecord>> Configurations() override { return store_.Configurations(); }
  Result<std::vector<SessionRecord>> Sessions() override { return store_.Sessions(); }
  Status ForEachQuestion(const std::function<void(const QuestionRecord&)>& question) override {
    return store_.ForEachQuestion(question);
  }
  Status ForEachSample(const std::function<void(const SampleRecord&)>& sample) override {
    return store_.ForEachSample(sample);
  }
  Status ForEachFailedAttempt(const std::function<void(const AttemptRecord&)>& attempt) override {
    return store_.ForEachFailedAttempt(attempt);
  }
  Result<WritingRecord> Recall(const WritingKey& key) override {
    if (dead()) return Fail(ErrorCode::kCancelled, "killed");
    return store_.Recall(key);
  }
  Result<size_t> Unfinished() override { return store_.Unfinished(); }

  void AddConfiguration(const ConfigurationRecord&) override {}
  void SetQuestion(const QuestionRecord&) override {}
  void SetSession(const SessionRecord&) override {}
  void FinishSample(const SampleRecord& sample) override {
    Change([&] { store_.FinishSample(sample); });
  }
  void AddSpan(const WritingKey& key, const SpanRecord& span) override {
    spans_ += !dead() && span.end != SpanEnd::kOpen ? 1 : 0;
    Change([&] { store_.AddSpan(key, span); });
  }
  void FailAttempt(const WritingKey& key, const AttemptRecord& attempt) override {
    Change([&] { store_.FailAttempt(key, attempt); });
  }
  void ForgetSpans(const WritingKey& key) override {
    Change([&] { store_.ForgetSpans(key); });
  }
  void ForgetSample(const SampleKey&) override {}
  void ForgetUnfinished() override {}
  void ForgetFinished() override {}
  bool dirty() const override { return true; }
  Status Commit() override { return dead() ? Status(Fail(ErrorCode::kCancelled, "killed")) : Status(); }

 private:
  void Change(const std::function<void()>& change) {
    if (dead()) return;
    change();
    --left_;
    if (left_ == 0) {
      EXPECT_TRUE(store_.Commit());
    }
  }

  RunStore& store_;
  uint64_t left_;
  uint64_t spans_ = 0;
};

constexpr uint64_t kImmortal = UINT64_MAX;

struct Ran {
  std::vector<std::string> texts;                   // by task
  std::array<std::vector<DraftPosition>, 2> drawn;  // by role, in all sessions
  uint64_t spans = 0;
  uint64_t recalled = 0;
  int sessions = 0;
};

// All that must be as in an undisturbed run.
std::string Text(const SampleOutcome& o) {
  if (!o.done) {
    return fmt::format("failed after {} attempts, {} tokens in vain, {} candidates, {} wrong: {}",
                       o.stats.attempts, o.stats.failed_attempts_tokens, o.stats.candidates,
                       o.stats.wrong_candidates, fmt::join(o.failures, " "));
  }
  std::string spans;
  for (const Span& span : o.thinking.spans) {
    spans += fmt::format(" {}{}-{}:{}", Name(span.role)[0], span.begin, span.end, span.tokens);
  }
  return fmt::format(
      "\"{}\"{} \"{}\" by {}, closed by {}; {}+{}+{} tokens, {} switches, {} drafted, {} discarded, "
      "{} attempts, {} in vain, {} candidates, {} wrong, score {}: {}",
      o.thinking.text, spans, o.answer, Name(o.answered_by), Name(o.closed_by), o.stats.student_tokens,
      o.stats.teacher_tokens, o.stats.answer_tokens, o.stats.switches, o.stats.drafted_tokens,
      o.stats.discarded_tokens, o.stats.attempts, o.stats.failed_attempts_tokens, o.stats.candidates,
      o.stats.wrong_candidates, o.score.value_or(-1.0), fmt::join(o.failures, " "));
}

class ResumeTest : public testing::Test {
 protected:
  ResumeTest() {
    // Thousands of files that need not outlive anything: in memory where there is such a folder.
    const std::string memory = "/dev/shm/";
    const bool usable = access(memory.c_str(), W_OK) == 0;
    folder_ = fmt::format("{}resume_test_{}_{}", usable ? memory : testing::TempDir(),
                          testing::UnitTest::GetInstance()->current_test_info()->name(), getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~ResumeTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<RunStore> OpenStore() const {
    auto store = OpenRunStore(RunStoreIn(folder_));
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  void DropStore() const {
    for (const auto& file : std::filesystem::directory_iterator(folder_)) std::filesystem::remove(file);
  }

  // One program: it works on what is not done yet until it is killed, or has finished.
  void RunSession(const TestCase& test, const TaskSettings& settings, const Mode& mode, RunStore* store,
                  uint64_t changes, Ran& ran) {
    std::optional<MortalStore> mortal;
    if (store != nullptr) mortal.emplace(*store, changes);
    const auto dead = [&mortal] { return mortal && mortal->dead(); };
    boost::asio::io_context io(1);
    ScriptedCastOptions options = test.cast;
    options.places = 2 * mode.concurrency;
    options.hops_max = mode.hops_max;
    options.hops_seed = test.seed + static_cast<uint64_t>(ran.sessions);
    options.fault = [&dead](uint64_t) {
      return dead() ? std::optional<Error>(Error{.code = ErrorCode::kCancelled, .message = "killed"})
                    : std::nullopt;
    };
    ScriptedCast cast(std::move(options), [&io](auto call) { boost::asio::post(io, std::move(call)); });
    std::deque<SampleTask> tasks;
    std::vector<size_t> places;
    for (size_t i = 0; i < test.tasks.size(); ++i) {
      if (!ran.texts[i].empty()) continue;
      tasks.push_back(test.tasks[i]);
      places.push_back(i);
    }
    RunCallbacks callbacks;
    callbacks.finished = [&](const SampleTask& task, const SampleOutcome& outcome, uint64_t) -> Status {
      if (dead()) return {};
      const size_t at = places[PlaceOf(tasks, task)];
      EXPECT_EQ(ran.texts[at], "");
      ran.texts[at] = Text(outcome);
      if (mortal) {
        mortal->FinishSample({.key = {.question_id = task.question->id, .sample = task.sample},
                              .done = outcome.done,
                              .reason = {},
                              .closed_by = {}});
      }
      return {};
    };
    ScriptedJudge judge(decide_, [&io](auto call) { boost::asio::post(io, std::move(call)); });
    TaskSettings judged = settings;
    if (decide_) judged.judge = &judge;
    const RunResult result = RunAll(
        io, cast, judged, tasks,
        {.concurrency = mode.concurrency, .stop_on_signals = false, .store = mortal ? &*mortal : nullptr},
        callbacks);
    // What goes on after the kill is not there.
    ran.spans += mortal ? mortal->spans() : result.progress.counters.spans;
    ran.recalled += result.progress.counters.recalled;
    ++ran.sessions;
    for (const Role role : kRoles) {
      auto& drawn = ran.drawn[Index(role)];
      drawn.insert(drawn.end(), cast.DrawnBy(role).begin(), cast.DrawnBy(role).end());
    }
  }

  Ran Undisturbed(const TestCase& test, const TaskSettings& settings, const Mode& mode) {
    Ran ran;
    ran.texts.resize(test.tasks.size());
    RunSession(test, settings, mode, nullptr, kImmortal, ran);
    return ran;
  }

  // Killed again and again, each time after some more changes, until everything is done.
  Ran Killed(const TestCase& test, const TaskSettings& settings, const Mode& mode, uint64_t changes_max) {
    DropStore();
    Ran ran;
    ran.texts.resize(test.tasks.size());
    for (uint64_t session = 0; std::ranges::count(ran.texts, "") > 0; ++session) {
      const double chance = UniformAt(test.seed, 17, session);
      const uint64_t changes = 1 + static_cast<uint64_t>(chance * static_cast<double>(changes_max));
      const auto store = OpenStore();
      RunSession(test, settings, mode, &*store, changes, ran);
      if (session > 3000) {
        ADD_FAILURE() << "it does not get on";
        break;
      }
    }
    return ran;
  }

  static void ExpectNothingDrawnTwice(const Ran& ran, const Ran& expected, const std::string& what) {
    for (const Role role : kRoles) {
      const auto& drawn = ran.drawn[Index(role)];
      const auto& once = expected.drawn[Index(role)];
      ASSERT_EQ(drawn.size(), once.size()) << what;
      for (size_t i = 0; i < drawn.size(); ++i) {
        ASSERT_TRUE(drawn[i].stream == once[i].stream && drawn[i].offset == once[i].offset &&
                    drawn[i].zero_byte_tokens == once[i].zero_byte_tokens)
            << what << ", token " << i;
      }
    }
  }

  std::string folder_;
  ScriptedJudge::Decide decide_;  // empty: nothing is judged
};

// One sample at a time, a kill with a record loses nothing at all: whatever is drawn is drawn once.
TEST_F(ResumeTest, KilledWithAnyRecordTheRunIsAsIfNothingHadBeen) {
  const char* only = std::getenv("TESSY_SEED");
  const uint64_t first = only != nullptr ? std::strtoull(only, nullptr, 10) : 0;
  const uint64_t count = only != nullptr ? 1 : kCases;
  uint64_t kills = 0, recalled = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const TestCase test = CaseOf(seed);
    TaskSettings settings{.sample = test.settings};
    const Mode mode{.draft_tokens = seed % 3 == 0 ? 7U : 1U};
    settings.sample.draft_tokens = mode.draft_tokens;
    const Ran expected = Undisturbed(test, settings, mode);
    const Ran ran = Killed(test, settings, mode, 1 + seed % 40);
    ASSERT_EQ(ran.texts, expected.texts) << Describe(test, mode);
    ASSERT_NO_FATAL_FAILURE(ExpectNothingDrawnTwice(ran, expected, Describe(test, mode)));
    ASSERT_EQ(ran.spans, expected.spans) << Describe(test, mode);
    kills += static_cast<uint64_t>(ran.sessions) - 1;
    recalled += ran.recalled;
  }
  if (only != nullptr) return;
  EXPECT_GT(kills, kCases);
  EXPECT_GT(recalled, 10 * kCases);
}

// Of many at a time, those whose record was not the last one lose what was not recorded yet: never a span.
TEST_F(ResumeTest, KilledWithManySamplesUnderWayTheResultIsTheSame) {
  for (uint64_t seed = 0; seed < kCases / 5; ++seed) {
    TestCase test = CaseOf(seed);
    test.tasks = TasksOf(12);
    const Mode mode{.draft_tokens = seed % 3 == 0 ? 7U : 1U, .concurrency = 5, .hops_max = 4};
    TaskSettings settings{.sample = test.settings};
    settings.sample.draft_tokens = mode.draft_tokens;
    const Ran expected = Undisturbed(test, settings, mode);
    const Ran ran = Killed(test, settings, mode, 1 + seed % 60);
    ASSERT_EQ(ran.texts, expected.texts) << Describe(test, mode);
    ASSERT_EQ(ran.spans, expected.spans) << Describe(test, mode);
  }
}

TEST_F(ResumeTest, MethodsOfManyWritingsGoOnWhereTheyWere) {
  TestCase test;
  for (ScriptedPlayer& player : test.cast.players) {
    player.model = player.predictor = kWords;
    player.family = BuiltIn("qwen3");
  }
  test.settings.thinking_tokens_max = 400;
  test.settings.answer_tokens_max = 400;
  test.settings.retries_max = 3;
  test.tasks = TasksOf(6);
  for (size_t i = 0; i < test.tasks.size(); ++i) test.tasks[i].number = i;
  TaskSettings settings{.sample = test.settings};
  settings.candidates = 3;
  settings.judge_prompt = "{question} RESPONSE {response} END";
  settings.reference_prompt = "{question} ANSWER {answer} END";
  const ScriptedJudge::Decide decide = [](const Question&, const JudgedResponse& response) {
    return response.answer.size() % 3 == 0;
  };
  for (const char* method : {"tessy", "teacher-mix", "teacher-score", "teacher-reference"}) {
    for (const auto& [score_by, judged] : {std::pair(ScoreBy::kLikelihood, false),
                                           {ScoreBy::kJudge, false},
                                           {ScoreBy::kLikelihood, true},
                                           {ScoreBy::kJudge, true}}) {
      decide_ = judged ? decide : nullptr;
      settings.score_by = score_by;
      settings.sample.method = FindMethod(method).value();
      for (uint64_t seed = 0; seed < (kCases + 29) / 30; ++seed) {
        test.seed = settings.sample.seed = seed;
        const Ran expected = Undisturbed(test, settings, {});
        const Ran ran = Killed(test, settings, {}, 1 + seed % 15);
        ASSERT_EQ(ran.texts, expected.texts) << method << ", seed " << seed;
        // While one sample is under judgement another is written: then two are under way.
        if (!judged) {
          ASSERT_NO_FATAL_FAILURE(ExpectNothingDrawnTwice(ran, expected, method));
        }
        ASSERT_EQ(ran.spans, expected.spans) << method << ", seed " << seed;
      }
    }
  }
}

// Judges nothing; once all are asked for, somebody interrupts the run.
class EndlessJudge final : public Judge {
 public:
  EndlessJudge(size_t asked_max, Post post) : asked_max_(asked_max), post_(std::move(post)) {}

  void Ask(const Question&, const JudgedResponse&, Done done) override {
    waiting_.push_back(std::move(done));
    if (waiting_.size() == asked_max_) std::raise(SIGINT);
  }
  void Cancel() override {
    for (Done& done : std::exchange(waiting_, {})) {
      post_([done = std::move(done)] { done(Fail(ErrorCode::kCancelled, "cancelled")); });
    }
  }

 private:
  size_t asked_max_;
  Post post_;
  std::vector<Done> waiting_;
};

TEST_F(ResumeTest, WhatIsUnderJudgementIsJudgedAgain) {
  for (const char* method : {"student-only", "teacher-score"}) {
    DropStore();
    TestCase test;
    for (ScriptedPlayer& player : test.cast.players) {
      player.model = player.predictor = kWords;
      player.family = BuiltIn("qwen3");
    }
    test.settings.thinking_tokens_max = test.settings.answer_tokens_max = 400;
    test.settings.retries_max = 20;
    test.settings.method = FindMethod(method).value();
    test.tasks = TasksOf(4);
    const auto store = OpenStore();
    {
      boost::asio::io_context io(1);
      const auto post = [&io](auto call) { boost::asio::post(io, std::move(call)); };
      ScriptedCastOptions options = test.cast;
      options.places = 8;
      ScriptedCast cast(std::move(options), post);
      EndlessJudge judge(4, post);
      size_t finished = 0;
      const RunCallbacks callbacks{.finished =
                                       [&finished](const SampleTask&, const SampleOutcome&, uint64_t) {
                                         ++finished;
                                         return Status();
                                       },
                                   .progress = {}};
      const RunResult result = RunAll(io, cast, {.sample = test.settings, .candidates = 2, .judge = &judge},
                                      test.tasks, {.concurrency = 4, .store = &*store}, callbacks);
      EXPECT_TRUE(result.interrupted);
      EXPECT_EQ(finished, 0U);
    }
    std::set<std::string> judged;
    decide_ = [&judged](const Question& question, const JudgedResponse&) {
      return judged.insert(question.messages.back().content).second;
    };
    Ran ran;
    ran.texts.resize(test.tasks.size());
    RunSession(test, {.sample = test.settings}, {.concurrency = 4}, &*store, kImmortal, ran);
    EXPECT_EQ(judged.size(), 4U);
    EXPECT_THAT(ran.texts, testing::Each(testing::HasSubstr(" candidates"))) << method;
    EXPECT_THAT(ran.texts, testing::Not(testing::Contains(testing::HasSubstr("no_right_answer"))));
    EXPECT_GT(ran.recalled, 0U);
    for (const Role role : kRoles) EXPECT_THAT(ran.drawn[Index(role)], testing::IsEmpty()) << method;
  }
}

TEST_F(ResumeTest, SpanThatNeverEndsIsRecordedAllTheSame) {
  TestCase test;
  for (ScriptedPlayer& player : test.cast.players) {
    player.model = player.predictor = std::make_shared<ScriptedVocabulary>(
        std::vector<ScriptedPiece>{{" and", 100}, {" on", 99}, {",", 99}, {" x", 98}});
    player.family = BuiltIn("plain");
    player.style_share = 0.5;
  }
  test.settings.method = FindMethod("student-only").value();
  test.settings.thinking_tokens_max = 3000;
  test.settings.retries_max = 0;
  test.tasks = TasksOf(1);
  const auto store = OpenStore();
  Ran ran;
  ran.texts.resize(1);
  RunSession(test, {.sample = test.settings}, {}, &*store, 3, ran);
  const auto writing = store->Recall(
      {.sample = {.question_id = "q0", .sample = 0}, .candidate = 0, .writer = Writer::kStudent});
  ASSERT_TRUE(writing);
  ASSERT_EQ(writing->spans.size(), 3U);
  for (const SpanRecord& span : writing->spans) {
    EXPECT_EQ(span.end, SpanEnd::kOpen);
    EXPECT_GE(span.tokens, kRecordedTokens);
    EXPECT_LE(span.tokens, kRecordedTokens + 16) << "a draft more at most";
  }
}

// ---- Interrupted by a signal, everything that was drawn is kept.

SampleOutcome RunUntil(const TestCase& test, RunStore& store, uint64_t calls_max,
                       std::vector<DraftPosition>& drawn) {
  boost::asio::io_context io(1);
  std::atomic<bool> stop = calls_max == 0;
  ScriptedCastOptions players = test.cast;
  players.fault = [&stop, calls_max](uint64_t call) {
    stop = stop || call + 1 == calls_max;
    return std::optional<Error>();
  };
  ScriptedCast cast(std::move(players), [&io](auto call) { boost::asio::post(io, std::move(call)); });
  RunCounters counters;
  SampleOutcome outcome;
  const auto run = [&]() -> boost::asio::awaitable<void> {
    outcome = co_await RunSample(cast, test.settings, test.tasks[0], counters, stop, &store);
  };
  boost::asio::co_spawn(io, run(), boost::asio::detached);
  io.run();
  for (const Role role : kRoles)
    drawn.insert(drawn.end(), cast.DrawnBy(role).begin(), cast.DrawnBy(role).end());
  return outcome;
}

TEST_F(ResumeTest, InterruptedAtAnyMomentNothingIsDrawnTwice) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    TestCase test = CaseOf(seed);
    test.tasks = TasksOf(1);
    std::vector<DraftPosition> once;
    const auto undisturbed_store = OpenStore();
    const std::string expected = Text(RunUntil(test, *undisturbed_store, kImmortal, once));
    for (uint64_t calls = 0; calls < 40; ++calls) {
      DropStore();
      const auto store = OpenStore();
      std::vector<DraftPosition> drawn;
      SampleOutcome outcome = RunUntil(test, *store, calls, drawn);
      if (!outcome.cancelled) break;
      outcome = RunUntil(test, *store, kImmortal, drawn);
      ASSERT_EQ(Text(outcome), expected) << Describe(test, {}) << ", after call " << calls;
      ASSERT_EQ(drawn.size(), once.size()) << Describe(test, {}) << ", after call " << calls;
    }
    DropStore();
  }
}

// ---- What an older program recorded and this one would not have decided.

TEST_F(ResumeTest, RecordThatDoesNotFitIsStartedOver) {
  const TestCase test = [] {
    TestCase simple = CaseOf(5);
    simple.settings.method = DefaultMethod();
    simple.tasks = TasksOf(1);
    return simple;
  }();
  std::vector<DraftPosition> once;
  const auto other_store = OpenStore();
  const std::string expected = Text(RunUntil(test, *other_store, kImmortal, once));
  std::string owners;
  AppendEvent(owners, Owners{{0.5F, 0.5F}});
  for (const std::string& events : {owners, std::string("no events")}) {
    for (const SpanRecord& span : {SpanRecord{.events = events}, SpanRecord{.attempt = 7, .events = ""},
                                   SpanRecord{.role = Role::kTeacher, .events = events}}) {
      DropStore();
      const auto store = OpenStore();
      const WritingKey key{.sample = {.question_id = "q0", .sample = 0}};
      store->AddSpan(key, span);
      std::vector<DraftPosition> drawn;
      EXPECT_EQ(Text(RunUntil(test, *store, kImmortal, drawn)), expected);
      EXPECT_EQ(drawn.size(), once.size());
    }
  }
}

}  // namespace
}  // namespace tessy
