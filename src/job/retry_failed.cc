#include "job/retry_failed.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "cooperation/loop.h"

namespace tessy {
namespace {

using Json = nlohmann::json;

// A setting, and a failure that a larger value may spare.
struct Limit {
  const char* key;
  FailureReason reason;
};
constexpr Limit kLimits[] = {{"max_thinking_tokens", FailureReason::kThinkingNotClosed},
                             {"max_answer_tokens", FailureReason::kAnswerNotFinished},
                             {"context", FailureReason::kContextFull},
                             {"context", FailureReason::kPromptTooLong}};

// A context that was not given (0) is all that the models know.
double LimitAt(const Json& record, const std::string& key) {
  const auto found = record.find(key);
  const double value = found != record.end() && found->is_number() ? found->get<double>() : 0.0;
  return key == "context" && value == 0.0 ? std::numeric_limits<double>::infinity() : value;
}

std::set<FailureReason> ReasonsOfRaisedLimits(const std::string& recorded, const std::string& now) {
  const Json before = Json::parse(recorded, nullptr, false);
  const Json present = Json::parse(now, nullptr, false);
  std::set<FailureReason> reasons;
  if (!before.is_object() || !present.is_object()) return reasons;
  for (const Limit& limit : kLimits) {
    if (LimitAt(present, limit.key) > LimitAt(before, limit.key)) reasons.insert(limit.reason);
  }
  return reasons;
}

}  // namespace

std::function<bool(std::string_view)> FailuresToRetry(const std::string& asked, bool accepts_change,
                                                      const std::string& recorded, const std::string& now) {
  auto reasons = accepts_change ? ReasonsOfRaisedLimits(recorded, now) : std::set<FailureReason>();
  if (asked == "all") return [](std::string_view) { return true; };
  if (asked.empty() && reasons.empty()) return {};
  return [asked, reasons = std::move(reasons)](std::string_view reason) {
    const auto named = ReasonNamed(reason);
    return (named && reasons.contains(*named)) || (!asked.empty() && reason.starts_with(asked));
  };
}

}  // namespace tessy
