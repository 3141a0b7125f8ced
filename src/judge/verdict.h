#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tessy {

// The verdict of a judge on a program, in the order of the letters that contests use: AC, WA, TLE, MLE, RTE,
// OLE, CE.
enum class ProgramVerdict : uint8_t {
  kAccepted,
  kWrongAnswer,
  kTimeLimit,     // more CPU time than allowed, or three times that and 2 s by the clock
  kMemoryLimit,   // the kernel ended it for its memory, or it was seen to hold too much
  kRuntimeError,  // a signal, or a status that is not 0, whatever it has printed
  kOutputLimit,
  kCompileError,
};
std::string_view LettersOf(ProgramVerdict verdict);  // "AC"

struct CodeVerdict {
  ProgramVerdict verdict = ProgramVerdict::kAccepted;
  std::string reason = {};  // one line; empty: accepted
  int test = -1;            // the first that failed, from 0; -1: none
  size_t tests_run = 0;
  std::chrono::nanoseconds cpu_max{0};  // of a test
  std::chrono::nanoseconds wall_max{0};
  uint64_t memory_max = 0;  // bytes, of a test
  std::string output = {};  // of the test that failed, its first 4 kB
  bool ran_again = false;   // a time limit was looked at a second time, with nothing beside it
};

}  // namespace tessy
