#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace tessy {

// A fault in one answer of a scripted server.
struct Fault {
  enum class Kind : uint8_t {
    kNone,
    // Before the answer.
    kDelay,              // `ms` longer than usual; then all is well
    kResetBeforeStatus,  // RST
    kCloseBeforeStatus,  // FIN
    kStatus,             // `status`, with Retry-After where `retry_after` is not negative
    kHtmlPage,           // `status` with a page of a proxy
    kHang,               // not a byte, until the client goes
    kEmpty,              // 200, and nothing
    // In the answer's body, after `tokens` tokens of it.
    kStall,          // not a byte more, until the client goes
    kSlowLoris,      // a byte of a comment every `ms`, never a token more
    kTruncatedJson,  // an event, or the body, of which the end is missing; then the regular end of a response
    kGarbageLine,    // a line that is no field of an event; then all is well
    kEventNotJson,
    kEventNotUtf8,
    kEventCutInCharacter,  // FIN after the first byte of a character
    kEventOfOtherShape,
    kErrorEvent,  // an error under status 200
    kHugeEvent,   // 20 MB without an end
    kFinishLength,
    kFinishAbort,
    // In the body after `bytes` bytes of it, wherever that is.
    kResetAfterBytes,  // RST
    kCloseAfterBytes,  // FIN
  };
  static constexpr size_t kKinds = static_cast<size_t>(Kind::kCloseAfterBytes) + 1;

  Kind kind = Kind::kNone;
  int64_t ms = 0;
  size_t tokens = 0;
  size_t bytes = 0;
  int status = 503;
  int retry_after = -1;  // seconds
};

std::string Describe(const Fault& fault);  // "reset after 120 bytes"

// The fault of a request by its number, which counts from 0 as requests come.
using FaultSchedule = std::function<Fault(uint64_t)>;

struct FaultMix {
  double share = 0.2;      // of requests that meet a fault
  uint64_t kinds = ~0ULL;  // a bit for each Fault::Kind that may be among them
  int64_t ms_max = 20;     // of delays, and between the bytes of a slow loris
  size_t tokens_max = 12;
  size_t bytes_max = 1500;
  int retry_after_max = 0;             // seconds; 0 comes in a header, too
  uint64_t requests_max = UINT64_MAX;  // from this one on all is well
};

// Faults by chance; a pure function of the seed and the request's number.
FaultSchedule RandomFaults(uint64_t seed, const FaultMix& mix);

constexpr uint64_t BitOf(Fault::Kind kind) { return 1ULL << static_cast<unsigned>(kind); }

}  // namespace tessy
