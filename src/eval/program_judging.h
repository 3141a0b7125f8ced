#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "eval/benchmark.h"
#include "eval/benchmark_rows.h"
#include "judge/grading.h"

namespace tessy {

struct ProgramJudgingOptions {
  int workers = 0;     // see CodePool
  std::string level;   // of the sandbox: "A", "B", "C"; empty: the best that the machine grants
  std::string python;  // the interpreter; empty: Debian's
  // A file to which each verdict is added as soon as it is there, and from which those of the same program,
  // tests, limits, interpreter or compiler, and level are taken when the same is judged again. Empty: none is
  // kept.
  std::string record;
};

// The verdict on one program.
struct ProgramOutcome {
  std::string letters;  // "AC", "WA", "TLE", "MLE", "RTE", "OLE", "CE"
  std::string reason;   // one line; empty: accepted
};

// The verdicts on the programs of a file of responses, by problem (its index) and sample.
struct ProgramVerdicts {
  std::map<std::pair<size_t, uint32_t>, ProgramOutcome> verdicts;
  std::string level;  // of the sandbox
};

// The level at which programs would run. kUnavailable: the machine grants no sandbox, or not the wanted one.
Result<std::string> LevelOfSandbox(const ProgramJudgingOptions& options);

// kNotFound: the interpreter or the compiler of the benchmark's language is not there.
Status CheckLanguage(const Benchmark& benchmark, const ProgramJudgingOptions& options);

// Judges the programs of all responses on the tests of their rows. The rows are read once more, one at a
// time, because their tests may be large. Programs run on several threads, each with a box of its own.
// Errors: those of ReadBenchmark, of reading responses, and of ProgramRunner; a row whose tests cannot be
// read. Nothing is judged twice: what is in the record is taken from there.
Result<ProgramVerdicts> JudgePrograms(const Benchmark& benchmark, const PromptStyle& style,
                                      const std::string& data, const BenchmarkSelection& selection,
                                      const std::vector<BenchmarkProblem>& problems,
                                      const std::string& responses, uint32_t samples,
                                      const ProgramJudgingOptions& options);

// The judge that looks a response's verdict up; an answer without a program has "no code". Both must outlive
// it.
SampleJudge JudgeOf(const Benchmark& benchmark, const ProgramVerdicts& verdicts);

}  // namespace tessy
