#include "model/openai/retries.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/random.h"

namespace tessy {

RequestFailure FailureOf(const HttpClient::Ended& ended, const std::string& text, int64_t patience_ms) {
  const int status = ended.status;
  RequestFailure failure{.reason = status > 0 ? fmt::format("status {}: {}", status, text) : text};
  failure.overload = status == 429 || status == 503;
  failure.not_for_us = status == 401 || status == 403 || status == 404;
  if (failure.overload) failure.retry_after_ms = ended.PauseMs(patience_ms);
  return failure;
}

std::optional<int64_t> Retries::Next(const RequestFailure& failure, int64_t now_ms) {
  if (failure.overload && refusals_ == 0) refused_since_ms_ = now_ms;
  const bool patient =
      failure.overload ? now_ms - refused_since_ms_ < options_->patience_ms : tries_ < options_->retries_max;
  const uint32_t before = failure.overload ? refusals_++ : tries_++;
  if (!patient) return std::nullopt;
  const int64_t pause =
      std::min(options_->retry_pause_max_ms, options_->retry_pause_ms << std::min(before, 16U));
  const double jitter = 0.5 + 0.5 * UniformAt(key_, before, offset_);
  return std::max(static_cast<int64_t>(static_cast<double>(pause) * jitter), failure.retry_after_ms);
}

Error Retries::GivenUp(const RequestFailure& failure) const {
  return {.code = failure.not_for_us ? ErrorCode::kUnavailable : ErrorCode::kBackend,
          .message = fmt::format("gave up after {} tries: {}", failure.overload ? refusals_ : tries_,
                                 failure.reason),
          .retryable = !failure.not_for_us};
}

}  // namespace tessy
