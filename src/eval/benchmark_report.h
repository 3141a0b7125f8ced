#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "eval/benchmark.h"
#include "eval/benchmark_rows.h"
#include "judge/grading.h"
#include "judge/statistics.h"

namespace tessy {

// pass@1 of some problems: the mean of their shares of right samples. 95 % interval: Wilson's where each has
// one sample, else the bootstrap over problems.
struct Rate {
  uint64_t problems = 0;
  double pass_at_1 = 0;
  Interval interval;
};

// The verdict of an official grader on the same samples.
struct OfficialView {
  double pass_at_1 = 0;
  uint64_t differs = 0;  // samples on which it says something else than we do
};

// The figures that a benchmark's verdicts give. Samples that never came count as wrong everywhere.
struct BenchmarkReport {
  std::string benchmark;
  std::string title;
  std::string subset;           // empty: none was chosen
  std::string official_prompt;  // OfficialPromptName of the style that was asked; empty: none
  bool asked = true;            // false: responses were given, and what was asked is not known
  uint64_t published_rows = 0;  // of the benchmark or the subset; 0: not known
  uint32_t samples = 1;         // of each problem
  Rate all;
  std::map<uint64_t, double> pass_at;  // pass@k for k = 2, 4, 8 … up to the samples
  std::vector<double> runs;            // pass@1 of the first samples, of the second ones, …
  std::map<std::string, std::map<std::string, Rate>> groups;  // by group and its value
  std::map<std::string, uint64_t> reasons;                    // samples by their reason; "no response" is one
  std::map<std::string, OfficialView> official;
  uint64_t errata = 0;     // problems with known faults
  Rate without_errata;     // where there are any
  std::string sandbox;     // the level at which programs ran; empty: there were none
  double mean_tokens = 0;  // of the responses that say so; 0: none does
};

BenchmarkReport MakeReport(const Benchmark& benchmark, const std::vector<BenchmarkProblem>& problems,
                           const std::vector<SampleVerdict>& verdicts, uint32_t samples);

// For a terminal, and as one JSON object (docs/evaluation.md explains its keys).
std::string ReportText(const BenchmarkReport& report);
std::string ReportJson(const BenchmarkReport& report);

}  // namespace tessy
