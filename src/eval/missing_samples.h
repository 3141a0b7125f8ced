#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/benchmark_rows.h"
#include "judge/grading.h"

namespace tessy {

// Gives each sample that has no response its verdict, so that there is one for each of the `samples` of each
// problem, by problem and sample. `verdicts` are those of the responses, each of a problem and a sample below
// `samples`. The reason is that of `failures`, a failures.jsonl: "truncated" for what a limit or the context
// cut off, else the failure's own up to its colon; "no response" for a sample of which the file says
// nothing, and for all where there is no such file. Lines on other samples are passed over.
std::vector<SampleVerdict> WithMissingSamples(std::vector<SampleVerdict> verdicts,
                                              const std::vector<BenchmarkProblem>& problems, uint32_t samples,
                                              const std::string& failures);

}  // namespace tessy
