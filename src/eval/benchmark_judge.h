#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/benchmark.h"
#include "eval/benchmark_rows.h"
#include "judge/grading.h"

namespace tessy {

// The text of a response that is judged; nothing where the response was cut off inside its thinking. Pure.
std::optional<std::string> JudgedText(const Response& response);

// The judge of a benchmark's short answers (kMath, kChoice). `benchmark` and `problems` must outlive it.
SampleJudge JudgeOf(const Benchmark& benchmark, const std::vector<BenchmarkProblem>& problems);

}  // namespace tessy
