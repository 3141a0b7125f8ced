#pragma once

#include <vector>

#include "eval/benchmark.h"
#include "eval/benchmark_rows.h"
#include "judge/grading.h"

namespace tessy {

// The judge of a benchmark's answers. `benchmark` and `problems` must outlive it. kInvalidArgument for a
// benchmark of programs: they have to be run.
Result<SampleJudge> JudgeOf(const Benchmark& benchmark, const std::vector<BenchmarkProblem>& problems);

}  // namespace tessy
