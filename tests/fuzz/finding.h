#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tessy::fuzz {

// Keeps the input that is being run, so that it is on disk after a crash. One object in a process.
//
// Crashes are signals of faults (also stack overflows), an abort, what a sanitizer reports, and a run that
// takes more than kSecondsMax of the processor's time. Each leaves the input in the file, says one line with
// the target, the seed, the number of the run and the file, and ends the process with status 1.
class Watch {
 public:
  static constexpr int kSecondsMax = 10;
  static constexpr uint64_t kBytesMax =
      uint64_t{2} << 30;  // of memory; not under sanitizers, which take more than they use

  // `file`: of the input that breaks the target.
  Watch(std::string_view target, uint64_t seed, std::string_view file);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // The input must live until the next call, or until Rest.
  void Begin(std::string_view input, uint64_t run);
  void Rest();
};

}  // namespace tessy::fuzz
