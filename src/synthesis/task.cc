#include "synthesis/task.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "embedded/prompts.h"
#include "synthesis/await.h"

namespace tessy {
namespace {

using boost::asio::awaitable;

constexpr const char* kNoRightAnswer = "no_right_answer";

// Places that look like another's name in what was filled in are not looked at again.
std::string Filled(std::string_view prompt, std::string_view first_name, std::string_view first,
                   std::string_view second_name, std::string_view second) {
  std::string text;
  while (!prompt.empty()) {
    const size_t a = prompt.find(first_name);
    const size_t b = prompt.find(second_name);
    const size_t at = std::min(a, b);
    text += prompt.substr(0, at);
    if (at == std::string_view::npos) break;
    text += a < b ? first : second;
    prompt.remove_prefix(at + (a < b ? first_name : second_name).size());
  }
  return text;
}

std::optional<double> LastNumber(std::string_view text) {
  for (size_t end = text.size(); end-- > 0;) {
    if (!std::isdigit(static_cast<unsigned char>(text[end]))) continue;
    size_t begin = end;
    while (begin > 0 && std::isdigit(static_cast<unsigned char>(text[begin - 1]))) --begin;
    return std::stod(std::string(text.substr(begin, std::min<size_t>(end + 1 - begin, 9))));
  }
  return std::nullopt;
}

// One task; lives as long as its coroutine.
class TaskRun {
 public:
  TaskRun(Cast& cast, const TaskSettings& settings, const SampleTask& task, RunCounters& counters,
          const std::atomic<bool>& stop, RunStore* store)
      : cast_(cast), settings_(settings), task_(task), counters_(counters), stop_(stop), store_(store) {}

  awaitable<SampleOutcome> Run() {
    switch (settings_.sample.method.plan) {
      case Plan::kOnce:
        return UntilRight(settings_.sample.method, task_);
      case Plan::kAlternate:
        return UntilRight(Solo(task_.number % 2 == 0 ? Role::kTeacher : Role::kStudent), task_);
      case Plan::kBestOf:
        return BestOf();
      case Plan::kReference:
        return WithReference();
    }
    return UntilRight(settings_.sample.method, task_);
  }

 private:
  Method Solo(Role role) const {
    return {.name = settings_.sample.method.name, .thinker = role, .answerer = role};
  }
  // The task with other messages in place of the question's.
  SampleTask Asking(std::vector<Message> messages) const {
    auto question = std::make_shared<Question>(*task_.question);
    question->messages = std::move(messages);
    SampleTask task = task_;
    task.question = std::move(question);
    return task;
  }
  awaitable<SampleOutcome> Write(Method method, SampleTask task) {
    SampleSettings settings = settings_.sample;
    settings.method = method;
    co_return co_await RunSample(cast_, settings, task, counters_, stop_, store_);
  }
  // Sets `cancelled` where the run is stopped before anything is known.
  awaitable<bool> IsRight(SampleOutcome& outcome);
  static uint64_t TokensOf(const SampleOutcome& outcome) {
    return outcome.thinking_tokens[0] + outcome.thinking_tokens[1] + outcome.answer_tokens;
  }
  // What a candidate that is not kept has cost is counted with the one that is.
  static void Inherit(SampleOutcome& kept, const SampleOutcome& lost) {
    kept.failed_attempts_tokens += lost.failed_attempts_tokens + (lost.done ? TokensOf(lost) : 0);
  }

  awaitable<SampleOutcome> UntilRight(Method method, SampleTask task);
  awaitable<SampleOutcome> BestOf();
  awaitable<SampleOutcome> WithReference();
  awaitable<Result<double>> Score(const SampleOutcome& candidate);

  Cast& cast_;
  const TaskSettings& settings_;
  const SampleTask& task_;
  RunCounters& counters_;
  const std::atomic<bool>& stop_;
  RunStore* store_;
};

awaitable<bool> TaskRun::IsRight(SampleOutcome& outcome) {
  if (settings_.judge == nullptr) co_return true;
  auto right = Result<bool>(Fail(ErrorCode::kCancelled, "cancelled"));
  if (!stop_) {
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

awaitable<SampleOutcome> TaskRun::UntilRight(Method method, SampleTask task) {
  SampleOutcome last;
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < std::max(1U, settings_.candidates); ++i) {
    task.candidate = i;
    SampleOutcome outcome = co_await Write(method, task);
    if (i > 0) Inherit(outcome, last);
    outcome.candidates = i + 1;
    outcome.wrong_candidates = wrong;
    if (outcome.cancelled || !outcome.done) co_return outcome;
    const bool kept = co_await IsRight(outcome);
    if (kept || outcome.cancelled) co_return outcome;
    ++wrong;
    last = std::move(outcome);
  }
  last.done = false;
  last.wrong_candidates = wrong;
  last.failed_attempts_tokens += TokensOf(last);
  last.failures.emplace_back(kNoRightAnswer);
  co_return last;
}

awaitable<Result<double>> TaskRun::Score(const SampleOutcome& candidate) {
  if (settings_.score_by == ScoreBy::kLikelihood) {
    co_return co_await Await<double>([&](auto done) {
      cast_.Score(Role::kTeacher, task_.question->messages, candidate.thinking.text, candidate.answer,
                  std::move(done));
    });
  }
  const std::string response = candidate.thinking.text + "\n\n" + candidate.answer;
  SampleTask judging =
      Asking({{.role = "user",
               .content = Filled(settings_.judge_prompt, "{question}",
                                 task_.question->messages.back().content, "{response}", response)}});
  judging.candidate = candidate.candidates;  // counted from 1: no candidate's own random numbers
  const SampleOutcome verdict = co_await Write(Solo(Role::kTeacher), judging);
  if (verdict.lost) co_return tl::unexpected<Error>(*verdict.lost);
  if (verdict.cancelled) co_return Fail(ErrorCode::kCancelled, "cancelled");
  if (!verdict.done) {
    co_return Fail(ErrorCode::kBackend,
                   "judge: " + (verdict.failures.empty() ? std::string("unknown") : verdict.failures.back()));
  }
  const auto number = LastNumber(verdict.answer);
  if (!number) co_return Fail(ErrorCode::kBackend, "judge: named no number");
  co_return *number;
}

awaitable<SampleOutcome> TaskRun::BestOf() {
  std::optional<SampleOutcome> best;
  SampleOutcome rest;  // what the others cost, and why the last of them failed
  uint32_t wrong = 0;
  SampleTask task = task_;
  for (uint32_t i = 0; i < settings_.candidates; ++i) {
    task.candidate = i;
    SampleOutcome outcome = co_await Write(Solo(Role::kStudent), task);
    outcome.candidates = i + 1;
    if (outcome.cancelled) co_return outcome;
    bool kept = outcome.done;
    if (kept) kept = co_await IsRight(outcome);
    if (outcome.cancelled) co_return outcome;
    if (!kept) {
      wrong += outcome.done ? 1 : 0;
      Inherit(rest, outcome);
      if (!outcome.done) rest.failures = outcome.failures;
      rest.attempts = outcome.attempts;
      continue;
    }
    const auto score = co_await Score(outcome);
    if (!score) {
      outcome.done = false;
      if (score.error().code == ErrorCode::kUnavailable) outcome.lost = score.error();
      outcome.cancelled = outcome.lost || score.error().code == ErrorCode::kCancelled;
      outcome.failures.push_back(score.error().message);
      co_return outcome;
    }
    outcome.score = *score;
    if (best && *best->score >= *score) {
      Inherit(rest, outcome);
    } else {
      if (best) Inherit(rest, *best);
      best = std::move(outcome);
    }
  }
  if (!best) {
    if (wrong > 0) rest.failures.emplace_back(kNoRightAnswer);
    rest.candidates = settings_.candidates;
    rest.wrong_candidates = wrong;
    co_return rest;
  }
  best->failed_attempts_tokens += rest.failed_attempts_tokens;
  best->candidates = settings_.candidates;
  best->wrong_candidates = wrong;
  co_return std::move(*best);
}

awaitable<SampleOutcome> TaskRun::WithReference() {
  SampleOutcome reference = co_await Write(Solo(Role::kTeacher), task_);
  if (!reference.done) co_return reference;
  std::vector<Message> messages = task_.question->messages;
  messages.back().content =
      Filled(settings_.reference_prompt, "{question}", messages.back().content, "{answer}", reference.answer);
  SampleOutcome outcome = co_await UntilRight(Solo(Role::kStudent), Asking(std::move(messages)));
  Inherit(outcome, reference);
  co_return outcome;
}

}  // namespace

std::string_view BuiltInJudgePrompt() { return embedded::prompts::kJudgePromptTxt; }
std::string_view BuiltInReferencePrompt() { return embedded::prompts::kReferencePromptTxt; }

awaitable<SampleOutcome> RunTask(Cast& cast, const TaskSettings& settings, const SampleTask& task,
                                 RunCounters& counters, const std::atomic<bool>& stop, RunStore* store) {
  TaskRun run(cast, settings, task, counters, stop, store);
  co_return co_await run.Run();
}

}  // namespace tessy
