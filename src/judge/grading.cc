#include "judge/grading.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "base/json_depth.h"
#include "judge/answer.h"
#include "judge/statistics.h"

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
  bool all_agree = true;
  for (const Tally& tally : tallies) {
    ++grade.questions;
    grade.samples += samples;
    grade.right += tally.right;
    grade.missing += samples - std::min(samples, tally.there);
    const double share = static_cast<double>(tally.right) / samples;
    grade.pass_at_1 += share;
    squares += share * share;
    all_agree = all_agree && (tally.right == 0 || tally.right == samples);
  }
  if (grade.questions == 0) return grade;
  const auto n = static_cast<double>(grade.questions);
  grade.pass_at_1 /= n;
  const double p = grade.pass_at_1;
  // Of equal shares the difference of the squares is rounding alone.
  const double variance = squares / n - p * p;
  Interval interval = Wilson95(p, n);
  if (!all_agree && variance > 1e-12) {
    const double half = kZ * std::sqrt(variance / (n - 1));
    interval = {p - half, p + half};
  }
  grade.low = std::max(0.0, interval.low);
  grade.high = std::min(1.0, interval.high);
  return grade;
}

std::string GroupOf(const Question& question, const std::string& group_by) {
  const auto json =
      nlohmann::json::parse(question.source_json.empty() ? "{}" : question.source_json, nullptr, false);
  if (!json.is_object() || !json.contains(group_by)) return "";
  const auto& value = json[group_by];
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Reads the responses to some questions, and judges each sample once.
class Grading {
 public:
  Grading(std::span<const Question> questions, const SampleJudge& judge, uint32_t samples)
      : questions_(questions), judge_(judge), samples_(samples), seen_(questions.size()) {
    for (size_t i = 0; i < questions.size(); ++i) places_.emplace(questions[i].id, i);
  }

  Status Read(const std::string& path) {
    auto reader = ResponseReader::Open(path);
    if (!reader) return tl::unexpected(reader.error());
    while (true) {
      auto response = reader->Next();
      if (!response) return tl::unexpected(response.error());
      if (!*response) break;
      const auto place = places_.find((*response)->question_id);
      if (place == places_.end()) continue;
      if (auto status = Take(**response, place->second, path, reader->line()); !status) return status;
    }
    if (most_ <= samples_) return {};
    return Fail(ErrorCode::kInvalidArgument, beyond_ + fmt::format("; --samples {} grades them all", most_));
  }

  std::vector<Tally> Tallies() const {
    std::vector<Tally> tallies(seen_.size());
    for (size_t i = 0; i < seen_.size(); ++i) {
      for (const auto& [sample, judged] : seen_[i]) {
        ++tallies[i].there;
        if (judged.verdict.right) ++tallies[i].right;
      }
    }
    return tallies;
  }

  std::vector<SampleVerdict> Verdicts() && {
    std::vector<SampleVerdict> verdicts;
    for (auto& of_question : seen_) {
      for (auto& [sample, judged] : of_question) verdicts.push_back(std::move(judged.verdict));
    }
    return verdicts;
  }

 private:
  struct Judged {
    SampleVerdict verdict;
    size_t line = 0;
  };

  Status Take(const Response& response, size_t place, const std::string& path, size_t line) {
    const uint32_t sample = response.sample;
    if (sample >= samples_) {
      if (most_ <= samples_) {
        beyond_ = fmt::format("{}:{}: sample {} of question \"{}\" is past the {} that {} graded", path, line,
                              sample, response.question_id, samples_, samples_ == 1 ? "is" : "are");
      }
      most_ = std::max(most_, uint64_t{sample} + 1);
      return {};
    }
    const auto [judged, is_new] = seen_[place].try_emplace(sample);
    if (!is_new) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}:{}: sample {} of question \"{}\" is in line {} already; remove one of them",
                              path, line, sample, response.question_id, judged->second.line));
    }
    judged->second = {.verdict = judge_(place, response), .line = line};
    judged->second.verdict.question_id = questions_[place].id;
    judged->second.verdict.sample = sample;
    return {};
  }

  std::span<const Question> questions_;
  const SampleJudge& judge_;
  uint32_t samples_;
  std::unordered_map<std::string, size_t> places_;
  std::vector<std::map<uint32_t, Judged>> seen_;  // of each question, by sample
  uint64_t most_ = 0;                             // samples that a question has, if there are too many
  std::string beyond_;                            // the first of them
};

}  // namespace

std::string ToJsonLine(const SampleVerdict& verdict) {
  nlohmann::ordered_json json{{"question_id", verdict.question_id},
                              {"sample", verdict.sample},
                              {"right", verdict.right},
                              {"extracted", verdict.extracted},
                              {"expected", verdict.expected}};
  if (!verdict.reason.empty()) json["reason"] = verdict.reason;
  if (!verdict.official.empty()) json["official"] = verdict.official;
  if (verdict.tokens > 0) json["tokens"] = verdict.tokens;
  if (!verdict.detail.empty()) json["detail"] = verdict.detail;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<SampleVerdict> ParseVerdict(std::string_view line) {
  const auto json = ParseBounded<nlohmann::json>(line);
  const bool is_verdict = json.is_object() && json.contains("question_id") &&
                          json["question_id"].is_string() && json.contains("sample") &&
                          json["sample"].is_number_unsigned() && json.contains("right") &&
                          json["right"].is_boolean();
  if (!is_verdict) {
    return Fail(ErrorCode::kInvalidData,
                "is no verdict: \"question_id\", \"sample\" and \"right\" are needed");
  }
  SampleVerdict verdict{.question_id = json["question_id"],
                        .sample = json["sample"],
                        .right = json["right"],
                        .extracted = {},
                        .expected = {}};
  const auto text = [&](const char* key) {
    return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : std::string();
  };
  verdict.extracted = text("extracted");
  verdict.expected = text("expected");
  verdict.reason = text("reason");
  verdict.detail = text("detail");
  if (json.contains("official") && json["official"].is_object()) {
    for (const auto& [name, right] : json["official"].items()) verdict.official[name] = right == true;
  }
  if (json.contains("tokens") && json["tokens"].is_number_unsigned()) verdict.tokens = json["tokens"];
  return verdict;
}

Result<std::vector<std::string>> ExpectedAnswers(const std::string& questions_path,
                                                 std::span<const Question> questions) {
  std::vector<std::string> answers;
  for (const Question& question : questions) {
    auto answer = ExpectedAnswer(question.source_json);
    if (!answer) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}:{}: {}", questions_path, question.line, answer.error().message));
    }
    answers.push_back(std::move(*answer));
  }
  return answers;
}

Result<Graded> GradeResponses(const std::string& responses_path, std::span<const Question> questions,
                              uint32_t samples, const std::string& group_by, const SampleJudge& judge) {
  Grading grading(questions, judge, samples);
  if (auto status = grading.Read(responses_path); !status) return tl::unexpected(status.error());
  const std::vector<Tally> tallies = grading.Tallies();
  std::map<std::string, std::vector<Tally>> groups;
  for (size_t i = 0; i < questions.size(); ++i) {
    if (const std::string group = GroupOf(questions[i], group_by); !group.empty())
      groups[group].push_back(tallies[i]);
  }
  Graded graded{.all = GradeOf(tallies, samples), .groups = {}, .verdicts = std::move(grading).Verdicts()};
  for (const auto& [name, group] : groups) graded.groups[name] = GradeOf(group, samples);
  return graded;
}

Result<Graded> GradeResponses(const std::string& responses_path, const std::string& questions_path,
                              std::span<const Question> questions, uint32_t samples,
                              const std::string& group_by) {
  const auto expected = ExpectedAnswers(questions_path, questions);
  if (!expected) return tl::unexpected(expected.error());
  return GradeResponses(responses_path, questions, samples, group_by,
                        [&](size_t question, const Response& response) {
                          AnswerVerdict verdict = JudgeAnswer(AnswerText(response), (*expected)[question]);
                          return SampleVerdict{.question_id = {},
                                               .sample = 0,
                                               .right = verdict.right,
                                               .extracted = std::move(verdict.extracted),
                                               .expected = (*expected)[question]};
                        });
}

}  // namespace tessy
