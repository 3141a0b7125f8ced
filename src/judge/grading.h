#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "dataset/question.h"
#include "dataset/response.h"

namespace tessy {

// The share of right answers in a group of questions.
struct Grade {
  uint64_t questions = 0;
  uint64_t samples = 0;
  uint64_t right = 0;
  uint64_t missing = 0;  // samples without a response; they count as wrong
  double pass_at_1 = 0;  // mean over questions of the share of right samples
  // 95 % confidence interval. By the spread between questions; Wilson's over the questions (Wilson 1927)
  // where that says nothing or less: one sample a question, samples of a question that always agree, a share
  // that is the same for all questions.
  double low = 0;
  double high = 0;
};

struct SampleVerdict {
  std::string question_id;
  uint32_t sample = 0;
  bool right = false;
  std::string extracted;  // what was compared; empty if the response names no answer
  std::string expected;   // the question's answer, as its row has it
  // The rest is said by the judge of a benchmark; the lines of other verdicts do not have these.
  std::string reason = {};                    // "right", "wrong", "no answer", "truncated", "WA"
  std::map<std::string, bool> official = {};  // the verdicts of official graders, by their names
  uint64_t tokens = 0;                        // of the response, where it says so
  std::string detail = {};                    // one line on a program that failed

  bool operator==(const SampleVerdict&) const = default;
};

// One line of verdicts.jsonl, without its newline.
std::string ToJsonLine(const SampleVerdict& verdict);
// The verdict of such a line. kInvalidData: it is none. Unknown keys are passed over.
Result<SampleVerdict> ParseVerdict(std::string_view line);

struct Graded {
  Grade all;
  std::map<std::string, Grade> groups;  // by the value of the field `group_by` of the questions' rows
  std::vector<SampleVerdict> verdicts;  // of the responses that are there, by question and sample
};

// The expected answers, in the order of the questions. A question without one, or with one that cannot be
// compared (see ExpectedAnswer), is an error that names its line.
Result<std::vector<std::string>> ExpectedAnswers(const std::string& questions_path,
                                                 std::span<const Question> questions);

// Judges a response to the question with this index: all of the verdict but the question's id and the sample.
using SampleJudge = std::function<SampleVerdict(size_t question, const Response& response)>;

// Grades a file of responses to the questions, with `samples` samples of each, by that judge. `group_by` and
// the errors are those of the other function.
Result<Graded> GradeResponses(const std::string& responses_path, std::span<const Question> questions,
                              uint32_t samples, const std::string& group_by, const SampleJudge& judge);

// Grades a file of responses against the "answer" fields of the questions (see IsRightAnswer), with
// `samples` samples of each question. `group_by` names a field of the rows ("task"); rows without that field
// are in no group; responses to other questions are passed over. Errors that name the line: a question
// without an answer, a response that is there twice, a sample past `samples`.
Result<Graded> GradeResponses(const std::string& responses_path, const std::string& questions_path,
                              std::span<const Question> questions, uint32_t samples,
                              const std::string& group_by);

}  // namespace tessy
