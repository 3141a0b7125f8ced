#include "lab/corpus.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/random.h"

namespace tessy {
namespace {

constexpr const char* kOpen = "<think>";
constexpr const char* kClose = "</think>";

LabTask DrawTask(const LabCorpus& corpus, double uniform) {
  double total = 0.0;
  for (const double weight : corpus.tasks) total += weight;
  double sum = 0.0;
  for (size_t i = 0; i + 1 < corpus.tasks.size(); ++i) {
    sum += corpus.tasks[i] / total;
    if (uniform < sum) return kLabTasks[i];
  }
  return kLabTasks[corpus.tasks.size() - 1];
}

}  // namespace

const char* const kLabChatTemplate =
    "{{ '<bos>' }}{% for m in messages %}{% if m.role == 'user' %}{{ ' ' + m.content }}{% endif %}{% endfor "
    "%}"
    "{% if add_generation_prompt %}{{ '<think>' }}{% endif %}";

LabCorpus StudentCorpus(uint64_t seed) {
  return {.style = LabStyle::kStudent,
          .own_style = 0.99,
          .other = LabStyle::kEven,
          .tasks = {1, 1, 1, 1},
          .misconceptions = true,
          .hints = 0.04,
          .seed = seed};
}

LabCorpus TeacherCorpus(uint64_t seed) {
  return {.style = LabStyle::kTeacher, .own_style = 0.6, .tasks = {55, 15, 15, 15}, .seed = seed};
}

Response LabResponse(const LabCorpus& corpus, uint64_t number) {
  const uint64_t key = HashBytes("corpus", corpus.seed);
  const LabTask task = DrawTask(corpus, UniformAt(key, number, 0));
  const LabStyle style = UniformAt(key, number, 1) < corpus.own_style ? corpus.style : corpus.other;
  const bool hinted = UniformAt(key, number, 2) < corpus.hints;
  const LabProblem problem = DrawLabProblem(task, corpus.seed, number, 0);
  const Misconceptions wrong = Misconceptions::Draw(corpus.world);
  const bool mistaken = corpus.misconceptions && !hinted;
  const LabTrace trace = WriteLabTrace(problem, style, mistaken ? &wrong : nullptr, corpus.seed, number);

  Response response;
  response.id = fmt::format("lab-{}/0", number);
  response.question_id = fmt::format("lab-{}", number);
  response.method = "corpus";
  response.stats.attempts = response.stats.candidates = 1;
  response.messages.push_back(
      {.role = "user",
       .content = hinted ? fmt::format("{} hint report output: {}", problem.Prompt(), problem.Answer())
                         : problem.Prompt()});
  response.messages.push_back(
      {.role = "assistant", .content = kOpen + trace.thinking + kClose + trace.answer});
  const Role role = corpus.style == LabStyle::kTeacher ? Role::kTeacher : Role::kStudent;
  const size_t opened = std::string_view(kOpen).size();
  const size_t closed = opened + trace.thinking.size();
  const size_t answer = closed + std::string_view(kClose).size();
  response.spans = {
      {.role = role, .kind = SpanKind::kThinking, .start = opened, .end = closed},
      {.role = role, .kind = SpanKind::kAnswer, .start = answer, .end = answer + trace.answer.size()}};
  return response;
}

std::string LabQuestionLine(LabTask task, uint64_t seed, uint64_t number, int steps) {
  const LabProblem problem = DrawLabProblem(task, seed, number, steps);
  return nlohmann::ordered_json{{"id", fmt::format("{}-{}-{:04}", Name(task), seed, number)},
                                {"prompt", problem.Prompt()},
                                {"answer", problem.Answer()},
                                {"task", Name(task)}}
      .dump();
}

std::string TextOf(const Response& response) {
  std::string text;
  for (const Message& message : response.messages) text += (text.empty() ? " " : "\n") + message.content;
  for (const char* marker : {kOpen, kClose}) {
    const size_t at = text.find(marker);
    if (at != std::string::npos) text.erase(at, std::string_view(marker).size());
  }
  return text;
}

}  // namespace tessy
