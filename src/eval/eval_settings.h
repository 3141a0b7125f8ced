#pragma once

#include <string>

#include "job/settings.h"
#include "job/synth_options.h"

namespace tessy {

// The options of an evaluation; `EvalSettings` explains each of them.
struct EvalOptions {
  EvalOptions();

  std::string model;      // a .gguf file or a server's address; empty: `responses` are graded
  std::string responses;  // a file; empty: `model` is asked
  std::string verdicts;   // a file; empty: in the run's folder, and nowhere where `responses` are graded
  std::string group_by = "task";
  // A built-in benchmark or a .toml file, in place of questions. See benchmark.h and benchmark_rows.h.
  std::string benchmark;
  std::string data;          // the folder or file with its rows
  std::string prompt_style;  // a .toml file; empty: the benchmark's own
  std::string subset;
  std::string since;  // YYYY-MM-DD
  std::string until;
  int judge_workers = 0;      // of programs; 0: as many as there are processors
  std::string sandbox_level;  // "A", "B", "C"; empty: the best that the machine grants
  std::string python;         // the interpreter of programs; empty: Debian's
  bool judge_only = false;    // the responses in `asking.out` are judged, and no model is asked
  // How the model is asked: by the method student-only, as the student. Its questions, its `out` and its
  // samples a question are those of the evaluation; its method, its student and its teacher are not read.
  SynthOptions asking;
};

// The table of EvalOptions.
Settings EvalSettings(EvalOptions& options);

}  // namespace tessy
