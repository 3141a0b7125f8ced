#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "eval/prompt_style.h"
#include "judge/code_extraction.h"
#include "judge/output_compare.h"

namespace tessy {

// A part of a benchmark that is reported by itself: some of its files.
struct BenchmarkSubset {
  std::string name;
  std::vector<std::string> files;  // as Benchmark::files
  uint64_t rows = 0;
};

// How the programs of a benchmark are judged.
struct BenchmarkPrograms {
  CodeRule rule = CodeRule::kLastFence;
  enum class Language : uint8_t { kPython, kPyPy, kCpp };
  Language language = Language::kPython;
  OutputRule compare = OutputRule::kLines;
  uint64_t seconds = 6;        // of CPU time, a test
  uint64_t memory_mib = 1024;  // a test
  bool tests_are_read = true;  // false: they are in a form that CodeTestsOf does not know
};

// A benchmark as data: where its rows are, what is asked, and how answers are judged. One TOML file each;
// docs/evaluation.md explains its keys. Value type.
struct Benchmark {
  enum class Judge : uint8_t {
    kMath,    // the answer, above all the last box, by value (JudgeAnswer)
    kChoice,  // a letter (ChoiceIn)
    kCode,    // a program that tests run
  };
  enum class Order : uint8_t { kRotating, kPythonRandom };  // of choices: RotatedOrder, PythonRandomOrders

  std::string name;
  std::string title;
  std::string source;              // where the rows come from
  std::vector<std::string> files;  // names or patterns of *, ? and [] in the folder of the data
  uint64_t rows = 0;               // as published; 0: not known
  std::vector<BenchmarkSubset> subsets;
  // Names of the row's fields; the first that a row has counts.
  std::vector<std::string> id;  // none: "NAME-" and the number of the row
  std::vector<std::string> question;
  std::vector<std::string> answer;         // the right choice, where letters are judged
  std::vector<std::string> wrong_choices;  // three names
  std::vector<std::string> tolerance;      // absolute, a number or several with commas
  std::vector<std::string> groups;         // fields by whose values the report has rows
  std::string date;                        // the field of a day, YYYY-MM-DD…; its months are a group, too
  std::vector<std::string> errata;         // ids whose tests or answers are known to be wrong
  Judge judge = Judge::kMath;
  Order order = Order::kRotating;
  bool unboxed = false;       // kMath: an answer that stands in no box counts, too
  BenchmarkPrograms program;  // kCode
  PromptStyle prompt;
};

// A benchmark's text. Errors name `origin` and the line.
Result<Benchmark> ParseBenchmark(std::string_view toml, const std::string& origin);

// A built-in benchmark, or one from the path of a .toml file. kNotFound lists what is built in.
Result<Benchmark> LoadBenchmark(const std::string& name_or_path);

std::vector<std::string> BuiltInBenchmarks();  // their names, in order

}  // namespace tessy
