#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tessy {

// Programs under a sanitizer are slower, so time limits and waits are multiplied by this.
#ifdef TESSY_SANITIZED
inline constexpr int kSlowness = 10;
#else
inline constexpr int kSlowness = 1;
#endif

struct ProgramOptions {
  std::string folder = {};                    // the working folder; empty: this process's
  std::vector<std::string> environment = {};  // "NAME=value", in addition to this process's
  std::chrono::milliseconds time_limit{30000};
  uint64_t file_bytes_max = 0;      // a write beyond it fails as on a full disk; 0: no limit
  bool output_is_terminal = false;  // standard output is a pseudoterminal
};

struct ProgramResult {
  int exit_status = -1;  // -1: ended by a signal
  int signal = 0;
  bool timed_out = false;   // the program was killed
  uint64_t peak_bytes = 0;  // the largest resident memory
  std::string out;
  std::string err;
};

// A running program whose output is captured. It is killed if it still runs when the object is destroyed.
class Program {
 public:
  // `arguments[0]` is the program: a path, or a name to look up in PATH. Standard input is empty.
  Program(const std::vector<std::string>& arguments, const ProgramOptions& options);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void Signal(int number) const;
  // Reads the output until the program ends, or kills it after the time limit.
  ProgramResult Wait();

 private:
  void Start(const std::vector<std::string>& arguments, const ProgramOptions& options, const int (&ends)[2]);
  int OpenOutput(bool terminal);

  std::chrono::milliseconds time_limit_;
  pid_t process_ = -1;
  int out_ = -1;
  int err_ = -1;
};

ProgramResult RunProgram(const std::vector<std::string>& arguments, const ProgramOptions& options = {});

}  // namespace tessy
