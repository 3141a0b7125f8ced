#include "job/first_failures.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace tessy {
namespace {

std::string_view AdviceOf(FailureReason reason) {
  switch (reason) {
    case FailureReason::kEmptyGeneration:
      return "the models end at once; see that their families fit (tessy model inspect names them)";
    case FailureReason::kEndedInThinking:
      return "a model ends its turn without closing its thinking, as models do that were not trained to "
             "think; "
             "ask such a model as the family instruct (--student-family and so on), a base model as "
             "few-shot, or see that the families fit (tessy model inspect names them)";
    case FailureReason::kThinkingNotClosed:
      return "no model closes its thinking within --max-thinking-tokens (or the context); raise it, take "
             "--close-thinking force, or see that the families fit; models that were not trained to think "
             "are "
             "asked as the family instruct (--student-family and so on), base models as few-shot";
    case FailureReason::kContextFull:
      return "the context is too short; raise --context, or lower --max-thinking-tokens so that an answer "
             "fits";
    case FailureReason::kRepetition:
      return "the text repeats itself, as small models do; raise --temperature or --top-p, or take larger "
             "models";
    case FailureReason::kAnswerNotFinished:
      return "no answer ends within --max-answer-tokens; raise it, or see that the model's family names the "
             "token that ends a turn";
    case FailureReason::kBackendError:
      return "an engine or a server fails; its words are in the warnings and in the file of failures";
    case FailureReason::kThinkingWritten:
      return "the model thinks though it is told not to; take another model, or leave --thinking off out";
    case FailureReason::kPromptTooLong:
      return "the questions do not fit into the context of the models; raise --context";
  }
  return "";
}

}  // namespace

std::optional<std::string> FirstFailures::Look(const RunProgress& progress) {
  const auto& failed = progress.counters.failed_attempts;
  over_ = over_ || progress.done > 0 || progress.counters.written > 0;
  uint64_t attempts = 0;
  for (const auto& [reason, count] : failed) attempts += count;
  if (over_ || attempts < kAttempts) return std::nullopt;
  over_ = true;
  const auto& [reason, count] =
      *std::ranges::max_element(failed, {}, [](const auto& one) { return one.second; });
  const std::string look =
      out_.empty() ? "" : fmt::format(". See what they wrote: tessy show {} --failures", out_);
  const std::string most = failed.size() > 1 ? fmt::format(", {} of them by", count) : ":";
  return fmt::format("the first {} attempts all failed{} {}; {}{}", attempts, most, Name(reason),
                     AdviceOf(reason), look);
}

}  // namespace tessy
