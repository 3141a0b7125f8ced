#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "cooperation/trace.h"

namespace tessy {

// The effort that one response took, or the sums over several. Tokens are counted in the vocabulary of
// their writer.
//
// A new counter is a member here and a row in kSampleStats, from which the keys of the rows, the columns of
// the store and the sums of a run follow; it must be counted where it happens.
struct SampleStats {
  uint64_t student_tokens = 0;  // of the thinking, as is teacher_tokens
  uint64_t teacher_tokens = 0;
  uint64_t answer_tokens = 0;
  uint64_t switches = 0;          // hand-overs from one role to the other
  uint64_t drafted_tokens = 0;    // generated, of the attempt that is kept
  uint64_t discarded_tokens = 0;  // among them, rolled back
  uint64_t attempts = 0;
  uint64_t failed_attempts_tokens = 0;  // of attempts and candidates that are not kept
  uint64_t candidates = 0;              // written for this response
  uint64_t wrong_candidates = 0;        // among them, where answers are checked
  uint64_t wall_ms = 0;

  uint64_t thinking_tokens() const { return student_tokens + teacher_tokens; }
  uint64_t thinking_tokens(Role role) const {
    return role == Role::kStudent ? student_tokens : teacher_tokens;
  }
  uint64_t tokens() const { return thinking_tokens() + answer_tokens; }
  SampleStats& operator+=(const SampleStats& other);

  bool operator==(const SampleStats&) const = default;
};

// One counter under the name that it has in files.
struct SampleStat {
  std::string_view key;
  uint64_t SampleStats::*value = nullptr;
  bool required = true;          // false: files of older programs have rows without it
  bool only_if_several = false;  // it is left off where one candidate was written
  uint64_t if_absent = 0;        // the value of a row, or of a store, without it
};

inline constexpr std::array kSampleStats{
    SampleStat{"student_tokens", &SampleStats::student_tokens},
    SampleStat{"teacher_tokens", &SampleStats::teacher_tokens},
    SampleStat{"answer_tokens", &SampleStats::answer_tokens},
    SampleStat{"switches", &SampleStats::switches},
    SampleStat{"drafted_tokens", &SampleStats::drafted_tokens},
    SampleStat{"discarded_tokens", &SampleStats::discarded_tokens},
    SampleStat{"attempts", &SampleStats::attempts},
    SampleStat{"failed_attempts_tokens", &SampleStats::failed_attempts_tokens, false},
    SampleStat{"candidates", &SampleStats::candidates, false, true, 1},
    SampleStat{"wrong_candidates", &SampleStats::wrong_candidates, false, true},
    SampleStat{"wall_ms", &SampleStats::wall_ms}};
// A member that has no row would be lost in every file.
static_assert(sizeof(SampleStats) == kSampleStats.size() * sizeof(uint64_t));

inline SampleStats& SampleStats::operator+=(const SampleStats& other) {
  for (const SampleStat& stat : kSampleStats) this->*stat.value += other.*stat.value;
  return *this;
}

}  // namespace tessy
