#include "judge/grading.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "dataset/response.h"
#include "judge/answer.h"

namespace tessy {
namespace {

constexpr double kZ = 1.959964;  // normal quantile of a 95 % interval

struct Tally {
  uint32_t right = 0;
  uint32_t there = 0;
};

Grade GradeOf(const std::vector<Tally>& tallies, uint32_t samples) {
  Grade grade;
  double squares = 0.0;
  for (const Tally& tally : tallies) {
    ++grade.questions;
    grade.samples += samples;
    grade.right += tally.right;
    grade.missing += samples - std::min(samples, tally.there);
    const double share = static_cast<double>(tally.right) / samples;
    grade.pass_at_1 += share;
    squares += share * share;
  }
  if (grade.questions == 0) return grade;
  const auto n = static_cast<double>(grade.questions);
  grade.pass_at_1 /= n;
  const double p = grade.pass_at_1;
  double middle = p;
  double half = 0.0;
  if (samples == 1) {
    middle = (p + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
    half = kZ / (1 + kZ * kZ / n) * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  } else if (grade.questions > 1) {
    half = kZ * std::sqrt(std::max(0.0, squares / n - p * p) / (n - 1));
  }
  grade.low = std::max(0.0, middle - half);
  grade.high = std::min(1.0, middle + half);
  return grade;
}

std::string GroupOf(const Question& question, const std::string& group_by) {
  const auto json =
      nlohmann::json::parse(question.source_json.empty() ? "{}" : question.source_json, nullptr, false);
  if (!json.is_object() || !json.contains(group_by)) return "";
  const auto& value = json[group_by];
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

Result<std::vector<std::string>> ExpectedAnswers(const std::string& questions_path,
                                                 std::span<const Question> questions) {
  std::vector<std::string> answers;
  for (const Question& question : questions) {
    auto answer = ExpectedAnswer(question.source_json);
    if (!answer) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}:{}: has no \"answer\" to compare with", questions_path, question.line));
    }
    answers.push_back(std::move(*answer));
  }
  return answers;
}

Result<Graded> GradeResponses(const std::string& responses_path, const std::string& questions_path,
                              std::span<const Question> questions, uint32_t samples,
                              const std::string& group_by) {
  const auto expected = ExpectedAnswers(questions_path, questions);
  if (!expected) return tl::unexpected(expected.error());
  std::unordered_map<std::string, size_t> places;
  for (size_t i = 0; i < questions.size(); ++i) places.emplace(questions[i].id, i);
  std::vector<Tally> tallies(questions.size());
  auto reader = ResponseReader::Open(responses_path);
  if (!reader) return tl::unexpected(reader.error());
  while (true) {
    auto response = reader->Next();
    if (!response) return tl::unexpected(response.error());
    if (!*response) break;
    const auto place = places.find((*response)->question_id);
    if (place == places.end() || (*response)->sample >= samples) continue;
    Tally& tally = tallies[place->second];
    ++tally.there;
    if (IsRightAnswer(AnswerText(**response), (*expected)[place->second])) ++tally.right;
  }
  std::map<std::string, std::vector<Tally>> groups;
  for (size_t i = 0; i < questions.size(); ++i) {
    if (const std::string group = GroupOf(questions[i], group_by); !group.empty())
      groups[group].push_back(tallies[i]);
  }
  Graded graded{.all = GradeOf(tallies, samples), .groups = {}};
  for (const auto& [name, group] : groups) graded.groups[name] = GradeOf(group, samples);
  return graded;
}

}  // namespace tessy
