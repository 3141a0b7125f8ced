#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "judge/code_tests.h"
#include "judge/fair_mutex.h"
#include "judge/output_compare.h"
#include "judge/sandbox/box.h"
#include "judge/verdict.h"

namespace tessy {

enum class Language : uint8_t { kPython, kPyPy, kCpp };

// The limits of one test. Wall time is three times the CPU time and 2 s more.
struct CodeLimits {
  std::chrono::nanoseconds cpu{std::chrono::seconds(6)};
  uint64_t memory = 1ULL << 30;   // bytes
  uint64_t output = 64ULL << 20;  // bytes
};

// A program to be judged, and how.
struct CodeTask {
  std::string code;
  Language language = Language::kPython;
  CodeTests tests = {};
  CodeLimits limits = {};
  OutputRule rule = OutputRule::kLines;
};

struct RunnerOptions {
  BoxOptions box = {};
  std::string python = "/usr/bin/python3";  // an interpreter that the sandbox shows
  std::string pypy = "/usr/bin/pypy3";
  std::string compiler = "/usr/bin/g++";
  std::string cache_folder = {};         // compiled programs and the precompiled header; empty: none are kept
  std::chrono::seconds compile_max{60};  // CPU time; wall time is three times that and 2 s
  bool looks_twice = true;  // runs again, alone, what exceeded its time by little or by the clock
};

// Judges programs in a box of its own, one after the other: they read standard input, or are functions that
// are called (CodeTests::function; Python). Tests run until the first that fails. What they should print
// never enters the box. C++ is compiled in the box, too (C++17, -O2).
//
// Python runs as a plain script with names of LiveCodeBench's prelude as builtins; a function is called in
// one process for all tests, on one instance of its class.
class ProgramRunner {
 public:
  // `beside`: held shared by every run, and alone by the second run of what exceeded its time, so that one
  // does not lose to its neighbours. It outlives the runner.
  ProgramRunner(RunnerOptions options, FairMutex& beside);
  ~ProgramRunner();
  ProgramRunner(ProgramRunner&&) noexcept;
  ProgramRunner& operator=(ProgramRunner&&) noexcept = delete;

  // Errors say nothing of the program: kUnavailable, no sandbox; kBackend, it failed three times; kNotFound,
  // no interpreter or compiler; kInvalidData, a broken test; kCancelled, Interrupt.
  Result<CodeVerdict> Judge(const CodeTask& task);
  // Ends the judgement under way. From any thread.
  void Interrupt();
  // kUnavailable as above.
  Result<SandboxLevel> Level();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
