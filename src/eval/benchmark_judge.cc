#include "eval/benchmark_judge.h"

#include <optional>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "judge/answer.h"
#include "judge/choice_answer.h"
#include "judge/final_answer.h"
#include "judge/official_choice.h"

namespace tessy {
namespace {

void JudgeMath(const Benchmark& benchmark, const std::string& text, const BenchmarkProblem& problem,
               SampleVerdict& verdict) {
  AnswerVerdict judged = JudgeAnswer(text, problem.expected,
                                     {.marked_only = !benchmark.unboxed, .tolerances = problem.tolerances});
  verdict.right = judged.right;
  verdict.extracted = std::move(judged.extracted);
}

void JudgeChoice(const std::string& text, const BenchmarkProblem& problem, SampleVerdict& verdict) {
  const char choice = ChoiceIn(text, 'D', ChoiceRule::kMarked);
  const char expected = problem.expected[0];
  verdict.right = choice == expected;
  if (choice != '\0') verdict.extracted = std::string(1, choice);
  verdict.official = {{"simple-evals", SimpleEvalsChoice(text) == expected},
                      {"opencompass", OpenCompassChoice(text) == expected}};
}

}  // namespace

std::optional<std::string> JudgedText(const Response& response) {
  if (std::string text = AnswerText(response); !IsBlankText(text)) return text;
  if (response.messages.empty()) return std::nullopt;
  const auto answer = AfterThinking(response.messages.back().content);
  return answer ? std::optional(std::string(*answer)) : std::nullopt;
}

SampleJudge JudgeOf(const Benchmark& benchmark, const std::vector<BenchmarkProblem>& problems) {
  return [&benchmark, &problems](size_t question, const Response& response) {
    const BenchmarkProblem& problem = problems[question];
    SampleVerdict verdict{.question_id = {},
                          .sample = 0,
                          .right = false,
                          .extracted = {},
                          .expected = problem.expected,
                          .reason = "truncated",
                          .official = {},
                          .tokens = response.stats.tokens(),
                          .detail = {}};
    const auto text = JudgedText(response);
    if (!text) return verdict;
    if (benchmark.judge == Benchmark::Judge::kChoice) {
      JudgeChoice(*text, problem, verdict);
    } else {
      JudgeMath(benchmark, *text, problem, verdict);
    }
    verdict.reason = verdict.right ? "right" : verdict.extracted.empty() ? "no answer" : "wrong";
    return verdict;
  };
}

}  // namespace tessy
