#include "lab/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/random.h"

namespace tessy {
namespace {

constexpr int kModulus = 13;
constexpr double kWrongShare = 0.4;   // of products of factors from 2 up
constexpr double kWrongUsed = 0.8;    // of the times that such a product comes up
constexpr double kCheckShare = 0.3;   // of a student's products are checked
constexpr double kHoldsShare = 0.25;  // of a teacher's steps are declared consistent

// Draws one after the other.
class Dice {
 public:
  Dice(uint64_t seed, uint64_t number) : seed_(seed), number_(number) {}
  double Uniform() { return UniformAt(seed_, number_, count_++); }
  int Below(int n) { return static_cast<int>(Uniform() * n); }
  bool Chance(double p) { return Uniform() < p; }
  template <size_t N>
  const char* Of(const std::array<const char*, N>& choices) {
    return choices[static_cast<size_t>(Below(static_cast<int>(N)))];
  }

 private:
  uint64_t seed_;
  uint64_t number_;
  uint64_t count_ = 0;
};

int Apply(char operation, int a, int b) {
  switch (operation) {
    case '*':
      return a * b % kModulus;
    case '+':
      return (a + b) % kModulus;
    case '-':
      return (a - b + kModulus) % kModulus;
    case 'M':
      return std::max(a, b);
    default:
      return std::min(a, b);
  }
}

char DrawOperation(LabTask task, Dice& dice) {
  switch (task) {
    case LabTask::kCode:
      return dice.Chance(0.6) ? '*' : dice.Chance(0.5) ? '+' : '-';
    case LabTask::kAdd:
      return dice.Chance(0.5) ? '+' : '-';
    case LabTask::kMax:
      return dice.Chance(0.5) ? 'M' : 'm';
    case LabTask::kRev:
      break;
  }
  return ' ';
}

// ---- Styles.

constexpr std::array<const char*, 2> kStudentOpenings{"okay, let's see.", "okay, so I need to find this."};
constexpr std::array<const char*, 2> kTeacherOpenings{"we need to compute the given problem:",
                                                      "problem: we evaluate step by step."};
constexpr std::array<const char*, 2> kProductLeads{"now times,", "hmm, times,"};
constexpr std::array<const char*, 2> kOtherLeads{"then", "so next"};
constexpr std::array<const char*, 2> kListLeads{"then,", "so next,"};
constexpr const char* kCheck = "wait, let me check,";
constexpr const char* kChecked = "yes.";
constexpr const char* kHolds = "this holds, consistent.";
constexpr const char* kStudentEnd = "so it must be";
constexpr const char* kTeacherEnd = "therefore we obtain result:";
constexpr std::pair<char, const char*> kOperationWords[] = {
    {'+', "adding,"}, {'-', "taking,"}, {'M', "bigger,"}, {'m', "smaller,"}};

const char* WordOf(char operation) {
  const auto* it = std::find_if(std::begin(kOperationWords), std::end(kOperationWords),
                                [&](const auto& pair) { return pair.first == operation; });
  return it->second;
}

class Writer {
 public:
  Writer(LabStyle style, const Misconceptions* misconceptions, Dice dice)
      : misconceptions_(misconceptions), dice_(dice) {
    student_share_ = style == LabStyle::kMixed     ? dice_.Uniform()
                     : style == LabStyle::kEven    ? 0.5
                     : style == LabStyle::kStudent ? 1.0
                                                   : 0.0;
  }

  LabTrace Write(const LabProblem& problem) {
    Say(Student() ? dice_.Of(kStudentOpenings) : dice_.Of(kTeacherOpenings));
    const std::string result = problem.task == LabTask::kRev ? WriteList(problem) : WriteChain(problem);
    Say(Student() ? kStudentEnd : kTeacherEnd);
    Say(result);
    return {.thinking = std::move(text_),
            .answer = fmt::format(" {} {}", Student() ? "the answer is" : "report output:", result)};
  }

 private:
  bool Student() { return dice_.Chance(student_share_); }
  void Say(std::string_view words) {
    text_ += ' ';
    text_ += words;
  }

  // What comes before the substance of a step.
  void Lead(size_t step, size_t steps, char operation) {
    if (!Student()) return Say(dice_.Chance(0.5) ? fmt::format("step {}:", step + 1) : "apply rule: we have");
    if (step == 0) Say("first,");
    if (step + 1 == steps) Say("finally,");
    if (operation == ' ') return Say(dice_.Of(kListLeads));
    if (operation == '*') return Say(dice_.Of(kProductLeads));
    Say(fmt::format("{} {}", dice_.Of(kOtherLeads), WordOf(operation)));
  }

  int Result(char operation, int a, int b) {
    if (operation == '*' && misconceptions_ != nullptr) {
      const auto wrong = misconceptions_->Of(a, b);
      if (wrong && dice_.Chance(kWrongUsed)) return *wrong;
    }
    return Apply(operation, a, b);
  }

  std::string WriteChain(const LabProblem& problem) {
    int value = problem.operands[0];
    for (size_t i = 0; i < problem.operations.size(); ++i) {
      const char operation = problem.operations[i];
      const int operand = problem.operands[i + 1];
      Lead(i, problem.operations.size(), operation);
      const int result = Result(operation, value, operand);
      const std::string step = fmt::format("{} {} {} = {};", value, operation, operand, result);
      Say(step);
      if (Student()) {
        if (operation == '*' && dice_.Chance(kCheckShare)) {
          Say(kCheck);
          Say(step);
          Say(kChecked);
        }
      } else if (dice_.Chance(kHoldsShare)) {
        Say(kHolds);
      }
      value = result;
    }
    return std::to_string(value);
  }

  std::string WriteList(const LabProblem& problem) {
    const size_t count = problem.operands.size();
    std::string list;
    for (size_t i = 0; i < count; ++i) {
      Lead(i, count, ' ');
      const int operand = problem.operands[count - 1 - i];
      Say(fmt::format("{};", operand));
      list += fmt::format("{}{}", i == 0 ? "" : " ", operand);
    }
    return list;
  }

  const Misconceptions* misconceptions_;
  Dice dice_;
  double student_share_;  // of the connectives
  std::string text_;
};

}  // namespace

std::string_view Name(LabTask task) {
  constexpr std::string_view kNames[] = {"CODE", "ADD", "MAX", "REV"};
  return kNames[static_cast<size_t>(task)];
}

Result<LabTask> FindLabTask(std::string_view name) {
  for (const LabTask task : kLabTasks) {
    if (Name(task) == name) return task;
  }
  return Fail(ErrorCode::kInvalidArgument, fmt::format("--task {}: there are CODE, ADD, MAX and REV", name));
}

std::string LabProblem::Prompt() const {
  std::string prompt(Name(task));
  for (size_t i = 0; i < operands.size(); ++i) {
    if (i > 0 && !operations.empty()) prompt += fmt::format(" {}", operations[i - 1]);
    prompt += fmt::format(" {}", operands[i]);
  }
  return prompt;
}

std::string LabProblem::Answer() const {
  if (task == LabTask::kRev) return fmt::format("{}", fmt::join(operands.rbegin(), operands.rend(), " "));
  int value = operands[0];
  for (size_t i = 0; i < operations.size(); ++i) value = Apply(operations[i], value, operands[i + 1]);
  return std::to_string(value);
}

LabProblem DrawLabProblem(LabTask task, uint64_t seed, uint64_t number, int steps) {
  Dice dice(HashBytes(Name(task), seed), number);
  if (steps == 0) steps = 4 + dice.Below(3);
  LabProblem problem{.task = task, .operands = {dice.Below(kModulus)}, .operations = {}};
  for (int i = 0; i < steps; ++i) {
    if (task != LabTask::kRev) problem.operations += DrawOperation(task, dice);
    problem.operands.push_back(dice.Below(kModulus));
  }
  return problem;
}

Misconceptions Misconceptions::Draw(uint64_t seed) {
  Misconceptions drawn;
  drawn.wrong_.assign(kModulus, std::vector<std::optional<int>>(kModulus));
  for (int a = 2; a < kModulus; ++a) {
    for (int b = 2; b < kModulus; ++b) {
      Dice dice(HashBytes("misconceptions", seed), static_cast<uint64_t>(a * kModulus + b));
      if (!dice.Chance(kWrongShare)) continue;
      const int wrong = (a * b + 1 + dice.Below(kModulus - 1)) % kModulus;
      drawn.wrong_[static_cast<size_t>(a)][static_cast<size_t>(b)] = wrong;
    }
  }
  return drawn;
}

LabTrace WriteLabTrace(const LabProblem& problem, LabStyle style, const Misconceptions* misconceptions,
                       uint64_t seed, uint64_t number) {
  return Writer(style, misconceptions, Dice(HashBytes("trace", seed), number)).Write(problem);
}

std::vector<std::string> LabPhrases(LabStyle style) {
  std::vector<std::string> phrases;
  if (style != LabStyle::kTeacher) {
    phrases.insert(phrases.end(), kStudentOpenings.begin(), kStudentOpenings.end());
    phrases.insert(phrases.end(), kProductLeads.begin(), kProductLeads.end());
    phrases.insert(phrases.end(), kListLeads.begin(), kListLeads.end());
    for (const char* lead : kOtherLeads) {
      for (const auto& [operation, word] : kOperationWords)
        phrases.push_back(fmt::format("{} {}", lead, word));
    }
    phrases.insert(phrases.end(), {"first,", "finally,", kCheck, kChecked, kStudentEnd});
  }
  if (style != LabStyle::kStudent) {
    phrases.insert(phrases.end(), kTeacherOpenings.begin(), kTeacherOpenings.end());
    for (int step = 1; step <= 9; ++step) phrases.push_back(fmt::format("step {}:", step));
    phrases.insert(phrases.end(), {"apply rule: we have", kHolds, kTeacherEnd});
  }
  return phrases;
}

}  // namespace tessy
