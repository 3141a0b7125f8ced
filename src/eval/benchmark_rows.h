#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "dataset/question.h"
#include "eval/benchmark.h"

namespace tessy {

// Which rows of a benchmark are asked.
struct BenchmarkSelection {
  std::string subset = {};  // one of Benchmark::subsets; empty: all
  // Days, YYYY-MM-DD, both inclusive; empty: no limit. Only where the benchmark has dates.
  std::string since = {};
  std::string until = {};
  uint64_t limit = 0;  // the first rows of these; 0: all
};

// One row of a benchmark, as it is asked and judged.
struct BenchmarkProblem {
  Question question;               // the id and the messages
  std::string expected;            // the answer, or the letter of the right choice; empty for programs
  std::vector<double> tolerances;  // see ComparisonRules
  std::map<std::string, std::string> groups;  // the value of each group that the row has; "month" of a date
  bool in_errata = false;
};

// One line about the data of a benchmark: its files, and where they come from.
std::string DescribeData(const Benchmark& benchmark);

// Reads the rows from the files in a folder, or from one file. Errors are one line: nothing there that the
// benchmark expects (it says what is), a row without what it needs, an id that is there twice, a subset or
// dates that the benchmark does not have, a row without a day where days are chosen, no row that is left.
Result<std::vector<BenchmarkProblem>> ReadBenchmark(const Benchmark& benchmark, const PromptStyle& style,
                                                    const std::string& data,
                                                    const BenchmarkSelection& selection);

// The files that the rows are read from, in order.
Result<std::vector<std::string>> FilesOfRows(const Benchmark& benchmark, const std::string& data,
                                             const BenchmarkSelection& selection);

// Takes a problem, its row (a JSON object; valid during the call), and where that stands ("test5.jsonl:7").
using TakeRow =
    std::function<Status(BenchmarkProblem problem, std::string_view row, const std::string& where)>;

// The same one by one, in order, until an error; for what a row holds besides.
Status ForEachRow(const Benchmark& benchmark, const PromptStyle& style, const std::string& data,
                  const BenchmarkSelection& selection, const TakeRow& take);

// The problems as a file of questions (docs/formats.md): a line each, with `benchmark`, the name, and the
// groups.
std::string QuestionLines(const Benchmark& benchmark, const std::vector<BenchmarkProblem>& problems);

}  // namespace tessy
