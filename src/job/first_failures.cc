#include "job/first_failures.h"

#include <fmt/format.h>

#include <string_view>

namespace tessy {
namespace {

std::string_view AdviceOf(FailureReason reason) {
  switch (reason) {
    case FailureReason::kEmptyGeneration:
      return "the models end at once: see that --student-family and --teacher-family fit the models (tessy "
             "model inspect "
             "says what a template looks like)";
    case FailureReason::kEndedInThinking:
      return "a model ends its turn without closing its thinking, as models do that were not trained to "
             "think: see that "
             "--student-family and --teacher-family fit the models (tessy model inspect), or take other "
             "models";
    case FailureReason::kThinkingNotClosed:
      return "no model closes its thinking within --max-thinking-tokens (or the context): raise it, take "
             "--close-thinking force, or see that the models are trained to think and that --student-family "
             "and "
             "--teacher-family fit them (tessy model inspect)";
    case FailureReason::kContextFull:
      return "the context is too short: raise --context, or lower --max-thinking-tokens so that an answer "
             "fits, too";
    case FailureReason::kRepetition:
      return "the text repeats itself: raise --temperature or --top-p, or take larger models";
    case FailureReason::kAnswerNotFinished:
      return "no answer ends within --max-answer-tokens: raise it, or see that --student-family names the "
             "token that ends "
             "the model's turn";
    case FailureReason::kBackendError:
      return "an engine or a server fails: its words are in the warnings and in the file of failures";
    case FailureReason::kPromptTooLong:
      return "the questions do not fit: raise --context";
  }
  return "";
}

}  // namespace

std::optional<std::string> FirstFailures::Look(const RunProgress& progress) {
  const auto& failed = progress.counters.failed_attempts;
  over_ = over_ || progress.done > 0 || progress.counters.written > 0 || failed.size() > 1;
  if (over_ || failed.empty() || failed.begin()->second < kAttempts) return std::nullopt;
  over_ = true;
  const auto reason = ReasonNamed(failed.begin()->first);
  return fmt::format(
      "the first {} attempts all failed: {}; {}. Look at what they wrote with: tessy show OUT --failures",
      failed.begin()->second, failed.begin()->first, reason ? AdviceOf(*reason) : "");
}

}  // namespace tessy
