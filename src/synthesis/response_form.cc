#include "synthesis/response_form.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace tessy {
namespace {

// Grows the content and counts its code points as it goes.
class Content {
 public:
  void AddMarkup(std::string_view text) { Add(text); }
  ResponseSpan AddSpan(Role role, SpanKind kind, std::string_view text, uint64_t tokens) {
    const size_t start = code_points_;
    Add(Sanitize(text));
    return {.role = role, .kind = kind, .start = start, .end = code_points_, .tokens = tokens};
  }
  std::string Take() { return std::move(text_); }

 private:
  void Add(std::string_view text) {
    text_ += text;
    code_points_ += CountCodePoints(text);
  }

  std::string text_;
  size_t code_points_ = 0;
};

}  // namespace

Response FormResponse(const SampleTask& task, const SampleOutcome& outcome, const Method& method,
                      const Family& student_family) {
  const Question& question = *task.question;
  Response response;
  response.id = fmt::format("{}/{}", question.id, task.sample);
  response.question_id = question.id;
  response.sample = task.sample;
  response.method = std::string(method.name);
  response.messages = question.messages;
  response.source_json = question.source_json;
  response.thinks = outcome.thinks;
  if (outcome.thinks) {
    response.closed_by = outcome.closed_by_budget ? "budget" : std::string(Name(outcome.closed_by));
  }

  Content content;
  if (outcome.thinks) content.AddMarkup(student_family.content_open);
  for (const Span& span : outcome.thinking.spans) {
    const auto text = std::string_view(outcome.thinking.text).substr(span.begin, span.end - span.begin);
    response.spans.push_back(content.AddSpan(span.role, span.kind, text, span.tokens));
  }
  if (outcome.closed_by_budget) content.AddMarkup(student_family.budget_close);
  if (outcome.thinks) content.AddMarkup(student_family.content_close);
  response.spans.push_back(
      content.AddSpan(outcome.answered_by, SpanKind::kAnswer, outcome.answer, outcome.stats.answer_tokens));
  response.messages.push_back({.role = "assistant", .content = content.Take()});

  response.stats = outcome.stats;
  return response;
}

}  // namespace tessy
