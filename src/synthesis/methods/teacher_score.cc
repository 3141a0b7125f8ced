// teacher-score: the student writes candidates, and the one is kept that the teacher scores highest.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/numbers.h"
#include "synthesis/method_run.h"
#include "synthesis/prompt.h"

namespace tessy::methods {
namespace {

using boost::asio::awaitable;

// The last number in the teacher's answer to the judging prompt.
awaitable<Result<double>> AskTeacher(MethodRun& run, const SampleOutcome& candidate) {
  const std::string response =
      candidate.thinks ? candidate.thinking.text + "\n\n" + candidate.answer : candidate.answer;
  SampleTask judging =
      run.Asking({{.role = "user",
                   .content = FillIn(run.settings().judge_prompt,
                                     {{"{question}", run.task().question->messages.back().content},
                                      {"{response}", response}})}});
  judging.candidate =
      static_cast<uint32_t>(candidate.stats.candidates);  // counted from 1: no candidate's own random numbers
  const SampleOutcome verdict = co_await run.Write(run.Solo(Role::kTeacher), judging);
  if (verdict.lost) co_return tl::unexpected<Error>(*verdict.lost);
  if (verdict.cancelled) co_return Fail(ErrorCode::kCancelled, "cancelled");
  if (!verdict.done) {
    co_return Fail(verdict.refused ? ErrorCode::kRefused : ErrorCode::kBackend,
                   "judge: " + (verdict.failures.empty() ? std::string("unknown") : verdict.failures.back()));
  }
  const auto number = LastNumberIn(verdict.answer);
  if (!number) co_return Fail(ErrorCode::kBackend, "judge: named no number");
  co_return *number;
}

awaitable<Result<double>> Score(MethodRun& run, const SampleOutcome& candidate) {
  if (run.settings().score_by == ScoreBy::kJudge) co_return co_await AskTeacher(run, candidate);
  co_return co_await run.LikelihoodOf(candidate);
}

SampleOutcome Unscored(const MethodRun& run, SampleOutcome candidate, const Error& error) {
  candidate.failed_text = run.TextOf(candidate);
  candidate.done = false;
  if (error.code == ErrorCode::kUnavailable) candidate.lost = error;
  candidate.cancelled = candidate.lost || error.code == ErrorCode::kCancelled;
  candidate.refused = error.code == ErrorCode::kRefused;
  candidate.failures.push_back(error.message);
  return candidate;
}

awaitable<SampleOutcome> KeepBest(MethodRun& run) {
  const uint32_t candidates = run.settings().candidates;
  std::optional<SampleOutcome> best;
  SampleOutcome rest;  // what the others cost, and why the last of them failed
  uint32_t wrong = 0;
  SampleTask task = run.task();
  for (uint32_t i = 0; i < candidates; ++i) {
    task.candidate = i;
    SampleOutcome outcome = co_await run.Write(run.Solo(Role::kStudent), task);
    outcome.stats.candidates = i + 1;
    if (outcome.cancelled) co_return outcome;
    const bool kept = outcome.done && co_await run.IsRight(outcome);
    if (outcome.cancelled) co_return outcome;
    if (!kept) {
      wrong += outcome.done ? 1 : 0;
      MethodRun::Inherit(rest, outcome);
      if (!outcome.done) rest.failures = outcome.failures;
      rest.failed_text = outcome.done ? run.TextOf(outcome) : outcome.failed_text;
      rest.refused = outcome.refused;
      rest.stats.attempts = outcome.stats.attempts;
      continue;
    }
    const auto score = co_await Score(run, outcome);
    if (!score) {
      outcome.stats.failed_attempts_tokens += outcome.stats.tokens() + rest.stats.failed_attempts_tokens;
      if (best) MethodRun::Inherit(outcome, *best);
      co_return Unscored(run, std::move(outcome), score.error());
    }
    outcome.score = *score;
    if (best && *best->score >= *score) {
      MethodRun::Inherit(rest, outcome);
    } else {
      if (best) MethodRun::Inherit(rest, *best);
      best = std::move(outcome);
    }
  }
  if (!best && wrong > 0) rest.failures.emplace_back(kNoRightAnswer);
  if (best) best->stats.failed_attempts_tokens += rest.stats.failed_attempts_tokens;
  SampleOutcome outcome = best ? std::move(*best) : std::move(rest);
  outcome.stats.candidates = candidates;
  outcome.stats.wrong_candidates = wrong;
  co_return outcome;
}

constexpr Method kMethod{.name = "teacher-score",
                         .thinker = Role::kStudent,
                         .answerer = Role::kStudent,
                         .needs_both = true,
                         .scores_candidates = true,
                         .steps = &KeepBest};

}  // namespace

std::span<const Method> TeacherScoreMethods() { return {&kMethod, 1}; }

}  // namespace tessy::methods
