#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tessy {

// The miniature world: arithmetic modulo 13 from left to right. CODE (mostly products) is the domain that is
// tuned for; ADD (sums and differences), MAX (chains of maxima M and minima m) and REV (a list backwards) are
// what must not be forgotten.
enum class LabTask : uint8_t { kCode, kAdd, kMax, kRev };
inline constexpr LabTask kLabTasks[] = {LabTask::kCode, LabTask::kAdd, LabTask::kMax, LabTask::kRev};
std::string_view Name(LabTask task);  // "CODE", …
Result<LabTask> FindLabTask(std::string_view name);

struct LabProblem {
  LabTask task = LabTask::kCode;
  std::vector<int> operands;  // 0 … 12
  std::string operations;     // between them; empty for REV

  std::string Prompt() const;  // "CODE 7 * 3 + 12"
  std::string Answer() const;  // "7"; for REV the list, "12 3 7"
};

// Draws made with one seed: the n-th problem does not depend on the others. `steps` 0: 4 to 6.
LabProblem DrawLabProblem(LabTask task, uint64_t seed, uint64_t number, int steps);

enum class LabStyle : uint8_t {
  kStudent,  // names each operation, checks itself: "now times,", "wait, let me check,"
  kTeacher,  // generic: "step 3:", "apply rule: we have"
  kEven,     // every connective of one or of the other, by a coin
  kMixed     // every connective of one or of the other, by a share that is the trace's own
};

// The false beliefs of the student about products: about 40 % of the products of factors from 2 up have one
// fixed wrong value.
class Misconceptions {
 public:
  static Misconceptions Draw(uint64_t seed);
  // The wrong value of a * b; empty if the student knows the product.
  std::optional<int> Of(int a, int b) const { return wrong_[static_cast<size_t>(a)][static_cast<size_t>(b)]; }

 private:
  std::vector<std::vector<std::optional<int>>> wrong_;
};

struct LabTrace {
  std::string thinking;
  std::string answer;  // the text after the thinking: "the answer is 8"
};

// A trace in this style. With misconceptions a wrong product is written four times out of five, and the
// following steps build on it.
LabTrace WriteLabTrace(const LabProblem& problem, LabStyle style, const Misconceptions* misconceptions,
                       uint64_t seed, uint64_t number);

// Every phrase that a style puts around the substance, as `tessy annotate --annotator phrases:` reads them.
std::vector<std::string> LabPhrases(LabStyle style);

}  // namespace tessy
