#include "synthesis/method_run.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "synthesis/await.h"

namespace tessy {

using boost::asio::awaitable;

Method MethodRun::Solo(Role role) const {
  Method solo = method();
  solo.thinker = solo.answerer = role;
  solo.needs_both = false;
  return solo;
}

SampleTask MethodRun::Asking(std::vector<Message> messages) const {
  auto question = std::make_shared<Question>(*task_.question);
  question->messages = std::move(messages);
  SampleTask task = task_;
  task.question = std::move(question);
  return task;
}

awaitable<SampleOutcome> MethodRun::Write(Method who, SampleTask task) {
  SampleSettings settings = settings_.sample;
  settings.method = who;
  const auto place = co_await TakePlace();
  co_return co_await RunSample(cast_, settings, task, counters_, stop_, store_);
}

awaitable<std::optional<Places::Held>> MethodRun::TakePlace() {
  if (settings_.places == nullptr) co_return std::nullopt;
  co_return co_await settings_.places->Take();
}

awaitable<Result<double>> MethodRun::LikelihoodOf(const SampleOutcome& outcome) {
  const auto place = co_await TakePlace();
  co_return co_await Await<double>([&](auto done) {
    cast_.Score(Role::kTeacher, task_.question->messages, outcome.thinking.text, outcome.answer,
                std::move(done));
  });
}

awaitable<bool> MethodRun::IsRight(SampleOutcome& outcome) {
  if (settings_.judge == nullptr) co_return true;
  auto right = Result<bool>(Fail(ErrorCode::kCancelled, "cancelled"));
  if (!stop_) {
    if (settings_.judging) settings_.judging();
    right = co_await Await<bool>([&](auto done) {
      settings_.judge->Ask(*task_.question, {.thinking = outcome.thinking.text, .answer = outcome.answer},
                           std::move(done));
    });
  }
  if (right) co_return *right;
  outcome.cancelled = right.error().code == ErrorCode::kCancelled;
  if (outcome.cancelled) {
    outcome.done = false;
  } else if (settings_.unjudged) {
    settings_.unjudged(task_, right.error());
  }
  co_return false;
}

awaitable<SampleOutcome> MethodRun::UntilRight(Method who, SampleTask task) {
  SampleOutcome last;
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < std::max(1U, settings_.candidates); ++i) {
    task.candidate = i;
    SampleOutcome outcome = co_await Write(who, task);
    if (i > 0) Inherit(outcome, last);
    outcome.stats.candidates = i + 1;
    outcome.stats.wrong_candidates = wrong;
    if (outcome.cancelled || !outcome.done) co_return outcome;
    if (co_await IsRight(outcome) || outcome.cancelled) co_return outcome;
    ++wrong;
    last = std::move(outcome);
  }
  last.done = false;
  last.stats.wrong_candidates = wrong;
  last.stats.failed_attempts_tokens += last.stats.tokens();
  last.failed_text = TextOf(last);
  last.failures.emplace_back(kNoRightAnswer);
  co_return last;
}

std::string MethodRun::TextOf(const SampleOutcome& outcome) const { return WrittenText(cast_, outcome); }

void MethodRun::Inherit(SampleOutcome& kept, const SampleOutcome& lost) {
  kept.stats.failed_attempts_tokens +=
      lost.stats.failed_attempts_tokens + (lost.done ? lost.stats.tokens() : 0);
}

}  // namespace tessy
