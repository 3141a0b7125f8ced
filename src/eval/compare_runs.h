#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "judge/statistics.h"

namespace tessy {

// A problem on which two runs differ.
struct ChangedProblem {
  std::string id;
  double share_a = 0;  // of its right samples
  double share_b = 0;
};

// Two evaluations of the same problems, side by side.
struct Comparison {
  std::string name_a;
  std::string name_b;
  uint64_t problems = 0;  // that both have
  uint64_t only_a = 0;    // that the other one does not have
  uint64_t only_b = 0;
  double pass_a = 0;  // pass@1 of the common problems
  double pass_b = 0;
  double difference = 0;             // b - a
  Interval interval;                 // of the difference, 95 %: the paired bootstrap over problems
  double bootstrap_p = 1;            // BootstrapP of the differences
  std::optional<double> mcnemar;     // the exact test; only where both have one sample a problem
  std::vector<ChangedProblem> won;   // better in b, the greatest difference first
  std::vector<ChangedProblem> lost;  // better in a
};

// Compares two files of verdicts. A name is that of such a file, or of the responses whose run has written
// one (NAME.run/verdicts.jsonl). Only problems that both have are compared. Errors: a file that is not there,
// a line that is no verdict, a sample that is there twice, no problem in common.
Result<Comparison> CompareRuns(const std::string& a, const std::string& b);

// For a terminal, with at most `most` problems of each list; and as one JSON object with all of them.
std::string ComparisonText(const Comparison& comparison, size_t most = 20);
std::string ComparisonJson(const Comparison& comparison);

}  // namespace tessy
