#include "synthesis/sample.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "dataset/response.h"
#include "synthesis/response_form.h"
#include "synthesis/run.h"
#include "synthesis/testing/sample_cases.h"
#include "synthesis/testing/scripted_cast.h"

namespace tessy {
namespace {

// Spans and markers joined: the content.
std::string Content(const Response& response, const Family& family) {
  const std::string& content = response.messages.back().content;
  std::string joined = response.thinks ? family.content_open : "";
  for (const ResponseSpan& span : response.spans) {
    if (span.kind == SpanKind::kAnswer && response.closed_by == "budget") joined += family.budget_close;
    if (span.kind == SpanKind::kAnswer && response.thinks) joined += family.content_close;
    const size_t begin = ByteOffset(content, span.start);
    joined += content.substr(begin, ByteOffset(content, span.end) - begin);
  }
  return joined;
}

// What must not depend on the mode, in words.
std::string Text(const SampleTask& task, const SampleOutcome& outcome, const SampleSettings& settings,
                 const Family& student_family) {
  const std::string failures =
      fmt::format("{} attempts, {} tokens in vain: {}", outcome.stats.attempts,
                  outcome.stats.failed_attempts_tokens, fmt::join(outcome.failures, " "));
  if (!outcome.done) return "failed after " + failures;
  Response response = FormResponse(task, outcome, settings.method, student_family);
  EXPECT_EQ(Content(response, student_family), response.messages.back().content);
  response.stats.drafted_tokens = response.stats.discarded_tokens = 0;
  return ToJsonLine(response) + failures;
}

struct Ran {
  std::vector<std::string> texts;                   // by task
  std::vector<SampleOutcome> outcomes;              // by task
  std::vector<int> finished;                        // times that each was delivered
  std::array<std::vector<DraftPosition>, 2> drawn;  // by role
  RunResult result;
};

std::string CheckOutcome(const TestCase& test, const Mode& mode, const SampleOutcome& outcome);
std::string CheckViews(const TestCase& test, const ScriptedCast& cast, const SampleTask& task,
                       const SampleOutcome& outcome);

Ran RunOnce(const TestCase& test, const Mode& mode) {
  boost::asio::io_context io(1);
  ScriptedCastOptions options = test.cast;
  options.places = mode.concurrency;
  options.hops_max = mode.hops_max;
  options.hops_seed = test.seed;
  ScriptedCast cast(std::move(options), [&io](auto call) { boost::asio::post(io, std::move(call)); });
  SampleSettings settings = test.settings;
  settings.draft_tokens = mode.draft_tokens;

  Ran ran;
  ran.texts.resize(test.tasks.size());
  ran.outcomes.resize(test.tasks.size());
  ran.finished.resize(test.tasks.size());
  RunCallbacks callbacks;
  callbacks.finished = [&](const SampleTask& task, const SampleOutcome& outcome, uint64_t) -> Status {
    const auto at = PlaceOf(test.tasks, task);
    ran.texts[at] = Text(task, outcome, settings, cast.FamilyOf(Role::kStudent));
    ran.outcomes[at] = outcome;
    ++ran.finished[at];
    EXPECT_EQ(CheckOutcome(test, mode, outcome), "") << Describe(test, mode);
    EXPECT_EQ(CheckViews(test, cast, task, outcome), "") << Describe(test, mode);
    return {};
  };
  ran.result = RunAll(io, cast, {.sample = settings}, test.tasks,
                      {.concurrency = mode.concurrency, .stop_on_signals = false}, callbacks);
  for (const Role role : kRoles) ran.drawn[Index(role)] = cast.DrawnBy(role);
  return ran;
}

// ---- What must hold of every response.

bool WritesWholeCharactersAndNoQuietTokens(const ScriptedPlayer& player) {
  const auto& close = player.family.close_tokens;
  return player.model == kWords && std::ranges::find(close, "</think>") != close.end();
}

std::string CheckOutcome(const TestCase& test, const Mode& mode, const SampleOutcome& outcome) {
  const SampleSettings& settings = test.settings;
  if (outcome.cancelled) return "cancelled";
  if (outcome.stats.attempts != outcome.failures.size() + (outcome.done ? 1U : 0U))
    return "attempts are miscounted";
  if (outcome.stats.attempts > settings.retries_max + 1) return "too many attempts";
  if (!outcome.done) return outcome.failures.empty() ? "failed without a reason" : "";
  if (outcome.stats.student_tokens + outcome.stats.teacher_tokens > settings.thinking_tokens_max)
    return "over its budget";
  if (outcome.stats.answer_tokens > settings.answer_tokens_max) return "the answer is over its budget";
  if (outcome.answered_by != settings.method.answerer) return "answered by the wrong role";
  const Trace& y = outcome.thinking;
  if (!settings.thinks) return y.text.empty() && y.spans.empty() ? "" : "thinking where none is asked for";
  for (const std::string& marker : test.cast.players[0].family.close_texts) {
    if (y.text.find(marker) != std::string::npos) return "a marker of the student's form in the thinking";
  }
  size_t end = 0;
  for (size_t i = 0; i < y.spans.size(); ++i) {
    if (y.spans[i].begin != end || y.spans[i].end <= end) return "spans do not tile the thinking";
    if (i > 0 && y.spans[i].role == y.spans[i - 1].role) return "roles do not alternate";
    if (i > 0 && IncompleteTail(std::string_view(y.text).substr(0, end)) != 0)
      return "a cut inside a character";
    if (i + 1 < y.spans.size() && y.spans[i].tokens < settings.min_span_tokens) return "a span is too short";
    end = y.spans[i].end;
  }
  if (end != y.text.size()) return "spans do not tile the thinking";
  const auto thinker = settings.method.thinker;
  if (thinker && (y.spans.size() != 1 || y.spans[0].role != *thinker)) return "somebody else thought";
  if (mode.draft_tokens > 1 || thinker) return {};
  if (settings.cut == CutRule::kToken && outcome.stats.discarded_tokens > 0)
    return "cutting at tokens discards at k = 1";
  if (std::ranges::all_of(test.cast.players, WritesWholeCharactersAndNoQuietTokens) &&
      settings.cut == CutRule::kCompleteWord && outcome.stats.discarded_tokens > outcome.stats.switches) {
    return "completing words discards more than one token a switch";
  }
  return {};
}

// Reads the tokens of a view one span after the other.
class ViewWalk {
 public:
  ViewWalk(const ScriptedVocabulary& vocabulary, const ScriptedRecord& record)
      : vocabulary_(vocabulary), tokens_(record.thinking), open_(record.open) {}

  // The next `count` tokens; fewer at the end.
  std::vector<TokenId> Take(size_t count) {
    const auto begin = tokens_.begin() + static_cast<std::ptrdiff_t>(at_);
    at_ = std::min(at_ + count, tokens_.size());
    return {begin, tokens_.begin() + static_cast<std::ptrdiff_t>(at_)};
  }
  // The text of all that is left.
  std::string Rest() const {
    std::string text;
    for (size_t i = at_; i < tokens_.size(); ++i) text += vocabulary_.Piece(tokens_[i]);
    return Sanitize(text + open_);
  }

 private:
  const ScriptedVocabulary& vocabulary_;
  const std::vector<TokenId>& tokens_;
  const std::string& open_;
  size_t at_ = 0;
};

std::string TextOf(const ScriptedVocabulary& vocabulary, const std::vector<TokenId>& tokens) {
  std::string text;
  for (const TokenId token : tokens) text += vocabulary.Piece(token);
  return text;
}

// The tokens that a listener of another vocabulary makes of a whole span.
std::vector<TokenId> Heard(const ScriptedVocabulary& vocabulary, std::string_view text) {
  std::vector<TokenId> tokens;
  const auto feed = [&](std::string_view piece) {
    const auto more = vocabulary.Tokenize(Sanitize(piece));
    tokens.insert(tokens.end(), more.begin(), more.end());
  };
  PieceSplitter splitter;
  splitter.Push(text, feed);
  splitter.Finish(feed);
  return tokens;
}

std::string Shown(const std::vector<TokenId>& tokens) { return fmt::format("{}", fmt::join(tokens, " ")); }

// Each role's view must be what feeding the final trace's spans in order gives; of the last span, which a
// marker or the trim may have shortened, the beginning.
std::string CheckViews(const TestCase& test, const ScriptedCast& cast, const SampleTask& task,
                       const SampleOutcome& outcome) {
  if (!outcome.done) return {};
  const Family& family = test.cast.players[Index(outcome.answered_by)].family;
  if (!test.settings.thinks || !family.answer_stops.empty()) return {};  // some of the view is dropped
  std::vector<TokenId> answer = cast.RecordOf(outcome.answered_by, task.question->messages).answer;
  const ScriptedVocabulary& answerers = *test.cast.players[Index(outcome.answered_by)].model;
  if (TextOf(answerers, answer) != outcome.answer || answer.size() != outcome.stats.answer_tokens + 1) {
    return "the answer is not what was written";
  }
  if (!test.settings.method.cooperative()) return {};
  if (outcome.own_opener_bytes > 0) return {};  // the views have it, and the thinking has not
  std::array<const ScriptedVocabulary*, 2> vocabularies{};
  std::vector<ViewWalk> views;
  for (const Role role : kRoles) {
    vocabularies[Index(role)] = test.cast.players[Index(role)].model.get();
    views.emplace_back(*vocabularies[Index(role)], cast.RecordOf(role, task.question->messages));
  }
  const bool share = vocabularies[0]->fingerprint() == vocabularies[1]->fingerprint();
  const auto& spans = outcome.thinking.spans;
  for (size_t i = 0; i < spans.size(); ++i) {
    const Span& span = spans[i];
    const auto text = std::string_view(outcome.thinking.text).substr(span.begin, span.end - span.begin);
    ViewWalk& writer = views[Index(span.role)];
    ViewWalk& listener = views[Index(Other(span.role))];
    if (i + 1 == spans.size()) {
      if (!writer.Rest().starts_with(Sanitize(text))) return "the writer does not know the last span";
      if (!listener.Rest().starts_with(Sanitize(text))) {
        return fmt::format("the listener has heard \"{}\" of the last span \"{}\"", listener.Rest(), text);
      }
      continue;
    }
    const std::vector<TokenId> own = writer.Take(span.tokens);
    if (TextOf(*vocabularies[Index(span.role)], own) != text) {
      return fmt::format("the writer's view of span {} is {}", i, Shown(own));
    }
    std::vector<TokenId> expected;
    if (share) {
      std::ranges::copy_if(own, std::back_inserter(expected),
                           [&](TokenId token) { return !vocabularies[0]->Piece(token).empty(); });
    } else {
      expected = Heard(*vocabularies[Index(Other(span.role))], text);
    }
    const std::vector<TokenId> heard = listener.Take(expected.size());
    if (heard != expected) {
      return fmt::format("the listener's view of span {} is {}, not {}", i, Shown(heard), Shown(expected));
    }
  }
  return {};
}

// ---- The same whatever the mode.

struct Tally {
  size_t done = 0, retried = 0, switches = 0, not_discarding = 0;
  std::set<std::string> reasons;
  std::map<std::string_view, size_t> by_method;
};

void Count(const TestCase& test, const Ran& ran, Tally& tally) {
  for (const SampleOutcome& outcome : ran.outcomes) {
    tally.done += outcome.done ? 1 : 0;
    tally.retried += outcome.done && outcome.stats.attempts > 1 ? 1 : 0;
    tally.switches += outcome.stats.switches;
    tally.reasons.insert(outcome.failures.begin(), outcome.failures.end());
    tally.by_method[test.settings.method.name] += outcome.done ? 1 : 0;
  }
}

void ExpectSameInAllModes(const TestCase& test, std::span<const Mode> modes, Tally& tally) {
  const Ran expected = RunOnce(test, {});
  Count(test, expected, tally);
  for (const Mode& mode : modes) {
    const Ran ran = RunOnce(test, mode);
    for (size_t i = 0; i < test.tasks.size(); ++i) {
      ASSERT_EQ(ran.finished[i], 1) << Describe(test, mode) << ", task " << i;
      ASSERT_EQ(ran.texts[i], expected.texts[i]) << Describe(test, mode) << ", task " << i;
    }
    ASSERT_TRUE(ran.result.status.has_value());
    ASSERT_EQ(ran.result.progress.done, expected.result.progress.done);
    ASSERT_EQ(ran.result.progress.done + ran.result.progress.failed, test.tasks.size());
  }
}

constexpr std::array<Mode, 4> kModes{{{.draft_tokens = 1, .concurrency = 64, .hops_max = 3},
                                      {.draft_tokens = 5, .concurrency = 8, .hops_max = 5},
                                      {.draft_tokens = 20, .concurrency = 1},
                                      {.draft_tokens = 64, .concurrency = 64, .hops_max = 9}}};

#ifdef TESSY_SANITIZED
constexpr uint64_t kCases = 300;  // the sanitizers look for other things than rare cases
#else
constexpr uint64_t kCases = 3000;
#endif

TEST(RunAll, ComesToTheSameForEveryDraftLengthConcurrencyAndOrder) {
  const char* only = std::getenv("TESSY_SEED");
  const uint64_t first = only != nullptr ? std::strtoull(only, nullptr, 10) : 0;
  const uint64_t count = only != nullptr ? 1 : kCases;
  Tally tally;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    ASSERT_NO_FATAL_FAILURE(ExpectSameInAllModes(CaseOf(seed), kModes, tally));
    ASSERT_FALSE(HasFailure());
  }
  if (only != nullptr || kCases < 3000) return;
  // The cases are worth their time: all that can happen does.
  EXPECT_GT(tally.done, 5000U);
  EXPECT_GT(tally.retried, 1000U);
  EXPECT_GT(tally.switches, 10000U);
  for (const Method& method : SimpleMethods()) EXPECT_GT(tally.by_method[method.name], 300U) << method.name;
  for (const FailureReason reason :
       {FailureReason::kEmptyGeneration, FailureReason::kEndedInThinking, FailureReason::kThinkingNotClosed,
        FailureReason::kContextFull, FailureReason::kRepetition, FailureReason::kAnswerNotFinished}) {
    EXPECT_TRUE(tally.reasons.contains(std::string(Name(reason)))) << Name(reason);
  }
}

TEST(RunAll, RunsAgainOnTheSameContext) {
  boost::asio::io_context io(1);
  const TestCase test = CaseOf(1);
  ScriptedCast cast(ScriptedCastOptions(test.cast),
                    [&io](auto call) { boost::asio::post(io, std::move(call)); });
  for (int run = 0; run < 2; ++run) {
    const RunCallbacks callbacks{
        .finished = [](const SampleTask&, const SampleOutcome&, uint64_t) { return Status(); },
        .progress = {}};
    const RunResult result =
        RunAll(io, cast, {.sample = test.settings}, test.tasks, {.stop_on_signals = false}, callbacks);
    EXPECT_EQ(result.progress.done + result.progress.failed, test.tasks.size());
  }
}

TEST(RunAll, ComesToTheSameWithMoreSamplesThanPlaces) {
  Tally tally;
  for (uint64_t seed = 0; seed < kCases / 100; ++seed) {
    TestCase test = CaseOf(seed);
    test.tasks = TasksOf(150);
    ASSERT_NO_FATAL_FAILURE(ExpectSameInAllModes(test, kModes, tally));
    ASSERT_FALSE(HasFailure());
  }
}

TEST(RunAll, GivesEveryTokenARandomNumberOfItsOwn) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    TestCase test = CaseOf(seed);
    // Cutting at tokens nothing is discarded, so nothing is drawn twice.
    for (ScriptedPlayer& player : test.cast.players) {
      player.model = player.predictor = kVocabularies[seed % kVocabularies.size()];
    }
    test.settings.cut = CutRule::kToken;
    const Ran ran = RunOnce(test, {});
    std::set<std::array<uint64_t, 3>> positions;
    for (const auto& drawn : ran.drawn) {
      for (const DraftPosition& at : drawn) {
        ASSERT_TRUE(positions.insert({at.stream, at.offset, at.zero_byte_tokens}).second)
            << Describe(test, {}) << ": offset " << at.offset << ", " << at.zero_byte_tokens
            << " tokens without text";
      }
    }
  }
}

TEST(RunAll, GivesTheRolesDifferentRandomNumbersWhereOneDiscardsAndTheOtherGoesOn) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const TestCase test = CaseOf(seed);
    const Ran ran = RunOnce(test, {.draft_tokens = 20});
    std::set<uint64_t> student;
    for (const DraftPosition& at : ran.drawn[0]) student.insert(at.stream);
    for (const DraftPosition& at : ran.drawn[1])
      ASSERT_FALSE(student.contains(at.stream)) << Describe(test, {});
  }
}

// ---- What goes wrong.

// Both roles with the same model.
TestCase SimpleCase(const std::shared_ptr<const ScriptedVocabulary>& vocabulary, size_t tasks) {
  TestCase test;
  for (ScriptedPlayer& player : test.cast.players) {
    player.model = player.predictor = vocabulary;
    player.family = BuiltIn("qwen3");
  }
  test.settings.thinking_tokens_max = 200;
  test.settings.answer_tokens_max = 400;
  test.settings.cut = CutRule::kToken;
  test.tasks = TasksOf(tasks);
  return test;
}

TEST(RunAll, RecordsASampleThatAlwaysFailsOnce) {
  const auto never_closes = VocabularyOf({{" and", 20}, {" on", 20}, {",", 20}, {" x", 20}, {".", 20}});
  for (const uint32_t retries_max : {0U, 1U, 5U}) {
    TestCase test = SimpleCase(never_closes, 7);
    test.settings.retries_max = retries_max;
    const Ran ran = RunOnce(test, {.draft_tokens = 5, .concurrency = 3, .hops_max = 2});
    EXPECT_EQ(ran.result.progress.failed, 7U);
    for (size_t i = 0; i < test.tasks.size(); ++i) {
      EXPECT_EQ(ran.finished[i], 1);
      EXPECT_FALSE(ran.outcomes[i].done);
      EXPECT_EQ(ran.outcomes[i].stats.attempts, retries_max + 1);
      EXPECT_EQ(ran.outcomes[i].failures.size(), retries_max + 1);
      EXPECT_NE(ran.outcomes[i].failed_text, "") << "what it wrote can be looked at";
    }
  }
}

TEST(RunAll, DrawsAFailedSampleAnew) {
  // One in two or so ends in the middle of its thinking: with the same numbers it would do so again.
  const TestCase test = SimpleCase(kLetters, 100);
  const Ran ran = RunOnce(test, {});
  size_t retried = 0;
  for (const SampleOutcome& outcome : ran.outcomes)
    retried += outcome.done && outcome.stats.attempts > 1 ? 1 : 0;
  EXPECT_GT(retried, 20U);
}

TEST(RunAll, RecordsAPromptThatDoesNotFitWithoutARetry) {
  TestCase test = SimpleCase(kWords, 3);
  test.cast.players[1].context_tokens = 4;
  const Ran ran = RunOnce(test, {.concurrency = 2});
  for (const SampleOutcome& outcome : ran.outcomes) {
    EXPECT_FALSE(outcome.done);
    EXPECT_EQ(outcome.failures, std::vector<std::string>{"prompt_too_long"});
  }
}

TEST(RunAll, ThinksNoLongerThanTheSmallestContextAllows) {
  const auto never_closes = VocabularyOf({{" and", 100}, {" on", 99}, {",", 99}});
  for (const Method& method : SimpleMethods()) {
    TestCase test = SimpleCase(never_closes, 10);
    test.settings.method = method;
    test.settings.retries_max = 0;
    test.cast.players[Index(method.thinker.value_or(Role::kTeacher))].context_tokens = 60;
    const Ran ran = RunOnce(test, {});
    size_t thought_on = 0;
    for (const SampleOutcome& outcome : ran.outcomes) {
      // Some end by chance before.
      thought_on += outcome.failures[0] == Name(FailureReason::kThinkingNotClosed) ? 1 : 0;
      EXPECT_NE(outcome.failures[0], Name(FailureReason::kContextFull)) << method.name;
      EXPECT_LT(outcome.stats.failed_attempts_tokens, 60U) << method.name;
    }
    EXPECT_GT(thought_on, 0U) << method.name;
  }
}

std::optional<Error> Broken(bool retryable) {
  return Error{.code = ErrorCode::kBackend, .message = "the engine broke", .retryable = retryable};
}

TEST(RunAll, RetriesWhenAnEngineFailsAtAnyCall) {
  TestCase test = SimpleCase(kWords, 2);
  uint64_t calls = 0;
  test.cast.fault = [&calls](uint64_t call) {
    calls = call + 1;
    return std::optional<Error>();
  };
  const Ran sound = RunOnce(test, {});
  ASSERT_GT(calls, 20U);
  size_t recovered = 0;
  for (uint64_t broken = 0; broken < calls; ++broken) {
    test.cast.fault = [broken](uint64_t call) { return call == broken ? Broken(true) : std::nullopt; };
    const Ran ran = RunOnce(test, {});
    size_t breaks = 0;
    for (size_t i = 0; i < test.tasks.size(); ++i) {
      const SampleOutcome& outcome = ran.outcomes[i];
      const auto& failures = outcome.failures;
      const auto broke = std::ranges::count(failures, "the engine broke");
      ASSERT_EQ(ran.finished[i], 1) << "call " << broken;
      ASSERT_EQ(broke == 0, ran.texts[i] == sound.texts[i]) << "call " << broken;
      breaks += static_cast<size_t>(broke);
      recovered += broke > 0 && outcome.done ? 1 : 0;
    }
    ASSERT_EQ(breaks, 1U) << "call " << broken;
  }
  EXPECT_GT(recovered, 20U);
}

TEST(RunAll, RecordsAnEngineThatStaysBroken) {
  for (const bool retryable : {true, false}) {
    TestCase test = SimpleCase(kWords, 5);
    test.settings.retries_max = 3;
    test.cast.fault = [retryable](uint64_t) { return Broken(retryable); };
    const Ran ran = RunOnce(test, {.concurrency = 4, .hops_max = 3});
    EXPECT_EQ(ran.result.progress.failed, 5U);
    for (size_t i = 0; i < test.tasks.size(); ++i) {
      EXPECT_EQ(ran.finished[i], 1);
      EXPECT_EQ(ran.outcomes[i].failures, std::vector<std::string>(retryable ? 4 : 1, "the engine broke"));
    }
  }
}

// ---- Stopping.

struct Stopped {
  size_t finished = 0;
  RunResult result;
};

Stopped RunUntil(const TestCase& test, const RunOptions& options,
                 const std::function<Status(size_t)>& finished) {
  boost::asio::io_context io(1);
  ScriptedCastOptions players = test.cast;
  players.places = options.concurrency;
  players.hops_max = 5;
  ScriptedCast cast(std::move(players), [&io](auto call) { boost::asio::post(io, std::move(call)); });
  Stopped stopped;
  RunCallbacks callbacks;
  callbacks.finished = [&](const SampleTask&, const SampleOutcome&, uint64_t) {
    return finished(++stopped.finished);
  };
  stopped.result = RunAll(io, cast, {.sample = test.settings}, test.tasks, options, callbacks);
  return stopped;
}

TEST(RunAll, StopsWhenAResultCannotBeStored) {
  const TestCase test = SimpleCase(kWords, 40);
  const Stopped stopped =
      RunUntil(test, {.concurrency = 8, .stop_on_signals = false}, [](size_t count) -> Status {
        if (count < 5) return {};
        return Fail(ErrorCode::kIo, "disk full");
      });
  ASSERT_FALSE(stopped.result.status.has_value());
  EXPECT_EQ(stopped.result.status.error().message, "disk full");
  EXPECT_FALSE(stopped.result.interrupted);
  EXPECT_EQ(stopped.finished, 5U);
  EXPECT_EQ(stopped.result.progress.done + stopped.result.progress.failed, 4U);
}

TEST(RunAll, StopsOnASignal) {
  const TestCase test = SimpleCase(kWords, 400);
  const Stopped stopped = RunUntil(test, {.concurrency = 8}, [](size_t count) -> Status {
    if (count == 5) std::raise(SIGINT);
    return {};
  });
  EXPECT_TRUE(stopped.result.interrupted);
  EXPECT_TRUE(stopped.result.status.has_value());
  EXPECT_GE(stopped.finished, 5U);
  EXPECT_LT(stopped.finished, 100U);
}

TEST(RunSample, IsCancelledAtAnyMoment) {
  const TestCase test = SimpleCase(kWords, 1);
  bool done = false;
  for (uint64_t after = 0; !done; ++after) {
    boost::asio::io_context io(1);
    std::atomic<bool> stop = after == 0;
    ScriptedCastOptions players = test.cast;
    players.fault = [&stop, after](uint64_t call) {
      stop = stop || call + 1 == after;
      return std::optional<Error>();
    };
    ScriptedCast cast(std::move(players), [&io](auto call) { boost::asio::post(io, std::move(call)); });
    RunCounters counters;
    std::optional<SampleOutcome> outcome;
    const auto run = [&]() -> boost::asio::awaitable<void> {
      outcome = co_await RunSample(cast, test.settings, test.tasks[0], counters, stop);
    };
    boost::asio::co_spawn(io, run(), boost::asio::detached);
    io.run();
    ASSERT_TRUE(outcome.has_value());
    done = outcome->done;
    ASSERT_EQ(outcome->cancelled, stop.load()) << "after call " << after;
    ASSERT_NE(outcome->cancelled, outcome->done) << "after call " << after;
    ASSERT_LE(cast.calls(), after + 1 + (done ? 10000 : 0));
  }
}

// ---- To the letter.

TEST(RunSample, WritesWhatItsModelsSay) {
  TestCase test = SimpleCase(kWords, 1);
  test.cast.players[0].script = {"Okay", " the", " Wait", ".\n", " 12.\n<|im_end|>"};
  test.cast.players[1].script = {" x", " =", " 12", "</think>"};
  test.cast.players[0].style_share = 0;  // both always give the next token away
  test.cast.players[1].style_share = 1;
  const Ran ran = RunOnce(test, {});
  const SampleOutcome& outcome = ran.outcomes[0];
  ASSERT_TRUE(outcome.done) << fmt::format("{}", fmt::join(outcome.failures, " "));
  EXPECT_EQ(outcome.thinking.text, "Okay x the = Wait 12.");
  EXPECT_EQ(outcome.answer, " 12.\n");
  EXPECT_EQ(outcome.closed_by, Role::kTeacher);
  EXPECT_EQ(outcome.stats.student_tokens, 4U);
  EXPECT_EQ(outcome.stats.teacher_tokens, 3U);
  EXPECT_EQ(outcome.stats.switches, 7U);
  EXPECT_NE(ran.texts[0].find(R"("content":"<think>\nOkay x the = Wait 12.\n</think>\n\n 12.\n")"),
            std::string::npos)
      << ran.texts[0];
}

TEST(RunSample, ABudgetThatIsUsedUpClosesTheThinkingWhereThatIsAskedFor) {
  TestCase test = SimpleCase(kWords, 1);
  test.cast.players[0].script = {"Okay", " the", " 12.\n<|im_end|>"};
  test.cast.players[1].script = {" x", " ="};
  test.cast.players[0].style_share = 0;
  test.cast.players[1].style_share = 1;
  test.settings.thinking_tokens_max = 4;
  test.settings.force_close = true;
  const Ran ran = RunOnce(test, {});
  const SampleOutcome& outcome = ran.outcomes[0];
  ASSERT_TRUE(outcome.done) << fmt::format("{}", fmt::join(outcome.failures, " "));
  EXPECT_EQ(outcome.thinking.text, "Okay x the =") << "the sentence is no part of it";
  EXPECT_TRUE(outcome.closed_by_budget);
  EXPECT_NE(ran.texts[0].find(R"("closed_by":"budget")"), std::string::npos) << ran.texts[0];
  const std::string& sentence = BuiltIn("qwen3").budget_close;
  const std::string content =
      R"("content":"<think>\nOkay x the =\n\n)" + sentence.substr(2) + R"(\n</think>\n\n 12.\n")";
  EXPECT_NE(ran.texts[0].find(content), std::string::npos) << ran.texts[0];
}

// It is looked for every 64 tokens, and here at the end of a budget that is no such multiple.
TEST(RunSample, ALoopAtTheEndOfTheBudgetIsTheReasonWhereTheBudgetWouldClose) {
  TestCase test = SimpleCase(kWords, 1);
  test.settings.method = *FindMethod("student-only");
  const std::string loop = " the x = the x = the x = the x = the x =";  // a draft's
  test.cast.players[0].script = {loop, loop};
  test.settings.retries_max = 0;
  test.settings.thinking_tokens_max = 30;
  for (const bool force : {false, true}) {
    test.settings.force_close = force;
    EXPECT_THAT(RunOnce(test, {}).outcomes[0].failures,
                testing::ElementsAre(force ? "repetition" : "thinking_not_closed"));
  }
}

TEST(RunAll, EveryThinkingThatFillsItsBudgetIsAnsweredWhereThatIsAskedFor) {
  const auto never_closes = VocabularyOf({{" and", 100}, {" on", 99}, {",", 99}});
  for (const Method& method : SimpleMethods()) {
    TestCase test = SimpleCase(never_closes, 20);
    test.settings.method = method;
    test.settings.retries_max = 0;
    test.settings.thinking_tokens_max = 12;
    test.settings.force_close = true;
    const Ran ran = RunOnce(test, {});
    size_t forced = 0;
    for (const SampleOutcome& outcome : ran.outcomes) {
      if (!outcome.done) continue;
      EXPECT_TRUE(outcome.closed_by_budget) << method.name;
      EXPECT_EQ(outcome.stats.thinking_tokens(), 12U) << method.name;
      ++forced;
    }
    EXPECT_GT(forced, 5U) << method.name;
  }
}

// The prompt has opened the thinking, and the model opens it again.
TEST(RunSample, AnOpenerThatAModelWritesItselfIsNoText) {
  const auto vocabulary = VocabularyOf(
      {{"<think>", 1}, {"\n", 1}, {"Okay", 1}, {" 12", 1}, {"</think>", 1, ScriptedPiece::Kind::kControl}});
  TestCase test = SimpleCase(vocabulary, 1);
  test.settings.method = *FindMethod("student-only");
  test.cast.players[0].script = {"<think>\nOkay 12</think>", " 12<|im_end|>"};
  const Ran ran = RunOnce(test, {});
  ASSERT_TRUE(ran.outcomes[0].done) << fmt::format("{}", fmt::join(ran.outcomes[0].failures, " "));
  EXPECT_EQ(ran.outcomes[0].thinking.text, "Okay 12");
  EXPECT_NE(ran.texts[0].find(R"("content":"<think>\nOkay 12\n</think>\n\n)"), std::string::npos)
      << ran.texts[0];
}

TEST(RunSample, TheEndOfATurnClosesAThinkingThatIsOne) {
  TestCase test = SimpleCase(kWords, 1);
  test.settings.method = *FindMethod("student-only");
  test.cast.players[0].family = BuiltIn("instruct");
  test.cast.players[0].family.handover = "<|im_end|>";
  test.cast.players[0].script = {"Okay the x<|im_end|>", " 12.\n<|im_end|>"};
  const Ran ran = RunOnce(test, {});
  const SampleOutcome& outcome = ran.outcomes[0];
  ASSERT_TRUE(outcome.done) << fmt::format("{}", fmt::join(outcome.failures, " "));
  EXPECT_EQ(outcome.thinking.text, "Okay the x");
  EXPECT_EQ(outcome.answer, " 12.\n");
  EXPECT_EQ(outcome.closed_by, Role::kStudent);
  // Of a family that has no such turn it is the end of all.
  test.cast.players[0].family.end_closes_thinking = false;
  test.settings.retries_max = 0;
  EXPECT_THAT(RunOnce(test, {}).outcomes[0].failures, testing::ElementsAre("ended_in_thinking"));
}

// A student of the family few-shot that writes alone.
TestCase FewShotCase() {
  TestCase test = SimpleCase(VocabularyOf({{"\n", 1},
                                           {"Okay", 1},
                                           {" 12", 1},
                                           {"Question:", 1},
                                           {"Answer:", 1},
                                           {"</think>", 1, ScriptedPiece::Kind::kControl}}),
                             1);
  test.settings.method = *FindMethod("student-only");
  test.cast.players[0].family = BuiltIn("few-shot");
  return test;
}

// What comes behind a stop is not the sample's.
TEST(RunSample, StopsEndThinkingAndAnswerOfTheirFamily) {
  TestCase test = FewShotCase();
  test.cast.players[0].script = {"Okay 12\nAnswer:\n 12", " 12\n", "\nQuestion:\nOkay"};
  const Ran ran = RunOnce(test, {});
  const SampleOutcome& outcome = ran.outcomes[0];
  ASSERT_TRUE(outcome.done) << fmt::format("{}", fmt::join(outcome.failures, " "));
  EXPECT_EQ(outcome.thinking.text, "Okay 12");
  EXPECT_EQ(outcome.answer, " 12");
  EXPECT_EQ(outcome.stats.answer_tokens, 1U);
  EXPECT_EQ(outcome.stats.student_tokens, 2U);
  EXPECT_NE(ran.texts[0].find(R"("content":"<think>\nOkay 12\n</think>\n\n 12")"), std::string::npos)
      << ran.texts[0];
}

// Before the first line no newline stands.
TEST(RunSample, AStopAtTheVeryBeginIsOneToo) {
  TestCase test = FewShotCase();
  test.settings.retries_max = 0;
  test.cast.players[0].script = {"Answer: 12\n 12 12"};
  EXPECT_THAT(RunOnce(test, {}).outcomes[0].failures, testing::ElementsAre("empty_generation"));
  test.cast.players[0].script = {"Okay 12 Answer: 12</think>", "Question: 12 12"};
  const Ran ran = RunOnce(test, {});
  EXPECT_EQ(ran.outcomes[0].thinking.text, "Okay 12 Answer: 12") << "within a line it is a word";
  EXPECT_THAT(ran.outcomes[0].failures, testing::ElementsAre("empty_generation")) << "of the answer";
}

// The student's stops are no words to a teacher of another family.
TEST(RunSample, StopsOfOneFamilyMeanNothingToTheOther) {
  const auto vocabulary = VocabularyOf(
      {{"\n", 1}, {"Okay", 1}, {" 12", 1}, {"\nAnswer:", 1}, {"</think>", 1, ScriptedPiece::Kind::kControl}});
  TestCase test = SimpleCase(vocabulary, 1);
  test.settings.method = *FindMethod("teacher-think");
  test.cast.players[1].script = {"Okay\nAnswer: 12</think>"};
  test.cast.players[0].script = {" 12<|im_end|>"};
  const Ran ran = RunOnce(test, {});
  ASSERT_TRUE(ran.outcomes[0].done) << fmt::format("{}", fmt::join(ran.outcomes[0].failures, " "));
  EXPECT_EQ(ran.outcomes[0].thinking.text, "Okay\nAnswer: 12");
}

TEST(RunSample, WithoutThinkingTheResponseIsTheAnswer) {
  TestCase test = SimpleCase(kWords, 1);
  test.settings.method = *FindMethod("student-only");
  test.settings.thinks = false;
  test.cast.players[0].script = {" 12.\n<|im_end|>"};
  const Ran ran = RunOnce(test, {});
  const SampleOutcome& outcome = ran.outcomes[0];
  ASSERT_TRUE(outcome.done) << fmt::format("{}", fmt::join(outcome.failures, " "));
  EXPECT_EQ(outcome.thinking.text, "");
  EXPECT_EQ(outcome.stats.thinking_tokens(), 0U);
  EXPECT_NE(
      ran.texts[0].find(R"("content":" 12.\n"}],"spans":[{"role":"student","kind":"answer","start":0,)"),
      std::string::npos)
      << ran.texts[0];
  EXPECT_NE(ran.texts[0].find(R"("thinking":"off","closed_by":null)"), std::string::npos) << ran.texts[0];
}

}  // namespace
}  // namespace tessy
