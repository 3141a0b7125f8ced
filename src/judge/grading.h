#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "dataset/question.h"

namespace tessy {

// The share of right answers in a group of questions.
struct Grade {
  uint64_t questions = 0;
  uint64_t samples = 0;
  uint64_t right = 0;
  uint64_t missing = 0;  // samples without a response; they count as wrong
  double pass_at_1 = 0;  // mean over questions of the share of right samples
  double low = 0;   // 95 % confidence interval: Wilson's for one sample a question (Wilson 1927), else by the
  double high = 0;  // spread between questions
};

struct Graded {
  Grade all;
  std::map<std::string, Grade> groups;  // by the value of the field `group_by` of the questions' rows
};

// The expected answers, in the order of the questions. A question without one is an error that names its
// line.
Result<std::vector<std::string>> ExpectedAnswers(const std::string& questions_path,
                                                 std::span<const Question> questions);

// Grades a file of responses against the "answer" fields of the questions (see IsRightAnswer), with
// `samples` samples of each question. `group_by` names a field of the rows ("task"); rows without that field
// are in no group. A question without an answer is an error that names its line.
Result<Graded> GradeResponses(const std::string& responses_path, const std::string& questions_path,
                              std::span<const Question> questions, uint32_t samples,
                              const std::string& group_by);

}  // namespace tessy
