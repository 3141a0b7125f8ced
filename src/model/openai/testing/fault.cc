#include "model/openai/testing/fault.h"

#include <fmt/format.h>

#include <iterator>
#include <vector>

#include "base/random.h"

namespace tessy {

std::string Describe(const Fault& fault) {
  using Kind = Fault::Kind;
  switch (fault.kind) {
    case Kind::kNone:
      return "nothing";
    case Kind::kDelay:
      return fmt::format("{} ms of delay", fault.ms);
    case Kind::kResetBeforeStatus:
      return "reset before the status line";
    case Kind::kCloseBeforeStatus:
      return "closed before the status line";
    case Kind::kStatus:
      return fault.retry_after < 0
                 ? fmt::format("status {}", fault.status)
                 : fmt::format("status {}, Retry-After {}", fault.status, fault.retry_after);
    case Kind::kHtmlPage:
      return fmt::format("a page with status {}", fault.status);
    case Kind::kHang:
      return "not a byte";
    case Kind::kEmpty:
      return "empty body";
    case Kind::kStall:
      return fmt::format("stalls after {} tokens", fault.tokens);
    case Kind::kSlowLoris:
      return fmt::format("a byte every {} ms after {} tokens", fault.ms, fault.tokens);
    case Kind::kTruncatedJson:
      return fmt::format("truncated JSON after {} tokens", fault.tokens);
    case Kind::kGarbageLine:
      return fmt::format("a line of garbage after {} tokens", fault.tokens);
    case Kind::kEventNotJson:
      return fmt::format("no JSON after {} tokens", fault.tokens);
    case Kind::kEventNotUtf8:
      return fmt::format("no UTF-8 after {} tokens", fault.tokens);
    case Kind::kEventCutInCharacter:
      return fmt::format("closed inside a character after {} tokens", fault.tokens);
    case Kind::kEventOfOtherShape:
      return fmt::format("an event of another shape after {} tokens", fault.tokens);
    case Kind::kErrorEvent:
      return fmt::format("an error event after {} tokens", fault.tokens);
    case Kind::kHugeEvent:
      return fmt::format("an event without an end after {} tokens", fault.tokens);
    case Kind::kFinishLength:
      return fmt::format("finished by length after {} tokens", fault.tokens);
    case Kind::kFinishAbort:
      return fmt::format("aborted after {} tokens", fault.tokens);
    case Kind::kResetAfterBytes:
      return fmt::format("reset after {} bytes", fault.bytes);
    case Kind::kCloseAfterBytes:
      return fmt::format("closed after {} bytes", fault.bytes);
  }
  return "";
}

FaultSchedule RandomFaults(uint64_t seed, const FaultMix& mix) {
  std::vector<Fault::Kind> kinds;
  for (size_t i = 1; i < Fault::kKinds; ++i) {
    if ((mix.kinds >> i & 1) != 0) kinds.push_back(static_cast<Fault::Kind>(i));
  }
  return [seed, mix, kinds](uint64_t number) {
    const auto draw = [&](uint64_t purpose, uint64_t count) {
      return static_cast<uint64_t>(UniformAt(seed, number, purpose) * static_cast<double>(count));
    };
    if (kinds.empty() || number >= mix.requests_max || UniformAt(seed, number, 0) >= mix.share)
      return Fault{};
    constexpr int kStatuses[] = {400, 401, 404, 408, 413, 429, 500, 502, 503, 504};
    return Fault{.kind = kinds[draw(1, kinds.size())],
                 .ms = static_cast<int64_t>(draw(2, mix.ms_max + 1)),
                 .tokens = draw(3, mix.tokens_max + 1),
                 .bytes = draw(4, mix.bytes_max + 1),
                 .status = kStatuses[draw(5, std::size(kStatuses))],
                 .retry_after = static_cast<int>(draw(6, mix.retry_after_max + 2)) - 1};
  };
}

}  // namespace tessy
