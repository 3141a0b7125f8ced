#include "job/export_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/numbers.h"
#include "base/utf8.h"
#include "dataset/question.h"
#include "dataset/thinking.h"
#include "judge/answer.h"
#include "judge/grading.h"

namespace tessy {
namespace {

// A seam in the middle of a token makes of it at most so many more.
constexpr uint64_t kTokensOfSeam = 4;

bool Reject(CheckedRow& checked, std::string reason, std::string detail) {
  checked.row.reset();
  checked.reason = std::move(reason);
  checked.detail = std::move(detail);
  return false;
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

// As LLaMA-Factory looks for it.
bool HasThinkMark(const std::string& content) {
  return content.find("<think>") != std::string::npos || content.find("</think>") != std::string::npos;
}

bool HasOwners(const Response& response) {
  return std::ranges::any_of(response.spans, [](const ResponseSpan& span) {
    return span.kind == SpanKind::kStyle || span.kind == SpanKind::kCapability;
  });
}

bool HasEarlierThinking(const std::vector<Message>& messages) {
  return std::any_of(messages.begin(), messages.end() - 1, [](const Message& message) {
    return message.role == "assistant" && ThinkingOf(message.content).data() != nullptr;
  });
}

std::vector<Message> MessagesOf(const Response& response, const std::string& system) {
  std::vector<Message> messages = response.messages;
  const bool has_system = std::ranges::any_of(messages, [](const Message& m) { return m.role == "system"; });
  if (!system.empty() && !has_system) messages.insert(messages.begin(), {"system", system});
  return messages;
}

// A system turn at most, then user and assistant in turn.
bool Alternates(const std::vector<Message>& messages) {
  size_t at = messages.front().role == "system" ? 1 : 0;
  if ((messages.size() - at) % 2 != 0) return false;
  for (bool is_user = true; at < messages.size(); ++at, is_user = !is_user) {
    if (messages[at].role != (is_user ? "user" : "assistant")) return false;
  }
  return true;
}

}  // namespace

Result<ExportCheck> ExportCheck::Open(const ExportOptions& options) {
  ExportCheck check(options);
  if (!options.questions.empty()) {
    const auto read = ReadQuestions(options.questions, {.skip_bad_lines = options.skip_bad_lines});
    if (!read) return tl::unexpected(read.error());
    const auto answers = ExpectedAnswers(options.questions, read->questions);
    if (!answers) return tl::unexpected(answers.error());
    for (size_t i = 0; i < answers->size(); ++i) check.answers_[read->questions[i].id] = (*answers)[i];
  }
  if (options.template_of.empty()) return check;
  auto loaded = TrainingTemplate::Load(options.template_of, options.family,
                                       TemplateOptions{.variables = {}, .date = options.template_date});
  if (!loaded) return tl::unexpected(loaded.error());
  const Handling& handling = HandlingOf(options);
  if (!loaded->writes_responses() && (handling.by_template || handling.needs_rendering)) {
    return Fail(
        ErrorCode::kInvalidData,
        fmt::format("--template-of {}: its chat template does not write an assistant's turn with thinking "
                    "as it stands, so that a trainer that uses it loses text; ms-swift and llamafactory "
                    "have templates of their own",
                    options.template_of));
  }
  if (!loaded->adds_nothing() && handling.counts_offsets) {
    return Fail(
        ErrorCode::kInvalidData,
        fmt::format("--format {}: the template of {} puts an empty thinking before a text without one; "
                    "Axolotl 0.21.0 then counts offsets from behind it and trains other tokens; "
                    "axolotl-segments says the same of parts and is read right",
                    options.format, options.template_of));
  }
  check.template_ = std::move(*loaded);
  return check;
}

bool ExportCheck::FilterAnswer(const Response& response, CheckedRow& checked) const {
  if (options_.keep != "correct") return true;
  std::string expected;
  if (const auto found = answers_.find(response.question_id); found != answers_.end()) {
    expected = found->second;
  } else if (auto answer = ExpectedAnswer(response.source_json.empty() ? "{}" : response.source_json);
             answer) {
    expected = std::move(*answer);
  } else {
    return Reject(checked, "no_expected_answer",
                  fmt::format("question {}: {}", response.question_id, answer.error().message));
  }
  const std::string answer = AnswerText(response);
  checked.is_right = IsRightAnswer(answer.empty() ? response.messages.back().content : answer, expected);
  if (*checked.is_right) return true;
  return Reject(checked, "wrong_answer", fmt::format("the question's answer is {}", expected));
}

bool ExportCheck::Filter(const Response& response, CheckedRow& checked) const {
  if (!options_.methods.empty() && !Contains(options_.methods, response.method)) {
    return Reject(checked, "other_method", response.method);
  }
  if (!options_.closed_by.empty() && !Contains(options_.closed_by, response.closed_by)) {
    return Reject(checked, "closed_otherwise",
                  response.closed_by.empty() ? "nobody is said to have closed it" : response.closed_by);
  }
  return FilterAnswer(response, checked);
}

bool ExportCheck::CheckShape(const Response& response, bool is_mixed, CheckedRow& checked) const {
  const Handling& handling = HandlingOf(options_);
  const auto& messages = checked.row->messages;
  if (!response.thinks) {
    return Reject(checked, "answer_alone",
                  "it was asked for without thinking, which rows of this format cannot say");
  }
  if (std::ranges::none_of(messages, [](const Message& message) { return message.role == "user"; })) {
    return Reject(checked, "no_question", "there is no turn of the user in it");
  }
  if (IsBlankText(messages.back().content)) return Reject(checked, "no_response", "its text is blank");
  if (handling.adds_thinking && !HasThinkMark(messages.back().content)) {
    return Reject(checked, "no_thinking", "the trainer would put an empty thinking into it, in the loss");
  }
  if (handling.alternates && !Alternates(messages)) {
    return Reject(checked, "turns_do_not_alternate", "the trainer takes user and assistant in turn");
  }
  if (handling.keeps_earlier_thinking && HasEarlierThinking(messages)) {
    checked.flags.emplace_back("earlier_thinking_kept");
  }
  if (WeightsOf(options_).by_part() && !is_mixed && !HasOwners(response))
    checked.flags.emplace_back("no_owners");
  return true;
}

void ExportCheck::Count(CheckedRow& checked) const {
  size_t straddling = 0;
  const auto weights = TokenWeights(*checked.row, straddling);
  checked.straddling = straddling;
  checked.tokens_in_loss =
      static_cast<uint64_t>(std::ranges::count_if(weights, [](float weight) { return weight > 0.0F; }));
  checked.tokens = weights.size();
}

// Trainers that tokenise parts apart see some more. They are counted where that may decide.
uint64_t ExportCheck::TokensOfTrainer(const CheckedRow& checked) const {
  const TrainingRow& row = *checked.row;
  const uint64_t at_most = checked.tokens + kTokensOfSeam * (row.parts.size() + 1);
  if (!HandlingOf(options_).parts_apart || at_most <= options_.tokens_max) return checked.tokens;
  uint64_t tokens = template_->CountTokens(row.rendered.prompt) + template_->CountTokens(row.rendered.end);
  for (const TrainingPart& part : row.parts) {
    tokens +=
        template_->CountTokens(std::string_view(row.content()).substr(part.start, part.end - part.start));
  }
  return std::max(tokens, checked.tokens);
}

bool ExportCheck::CheckText(CheckedRow& checked) const {
  auto text = template_->Render(checked.row->messages);
  if (!text) return Reject(checked, "template_fails", text.error().message);
  if (text->has_control_token) {
    return Reject(checked, "control_token_in_text", "a tokenizer would take a part of the text for markup");
  }
  if (!text->is_intact) {
    if (HandlingOf(options_).by_template) {
      return Reject(checked, "template_loses_text",
                    "the student's template does not write the response as it stands");
    }
    checked.flags.emplace_back("template_loses_text");
  }
  checked.row->rendered = {.prompt = std::move(text->prompt),
                           .end = std::move(text->end),
                           .tokens = std::move(text->tokens),
                           .begins = std::move(text->begins)};
  Count(checked);
  if (const uint64_t tokens = TokensOfTrainer(checked); tokens > options_.tokens_max) {
    return Reject(checked, "too_long", Counted(tokens, "token"));
  }
  if (checked.tokens < options_.tokens_min) {
    return Reject(checked, "too_short", Counted(checked.tokens, "token"));
  }
  return true;
}

CheckedRow ExportCheck::Check(const Response& response, bool is_mixed) const {
  CheckedRow checked;
  if (!is_mixed && !Filter(response, checked)) return checked;
  const LossWeights weights = is_mixed ? LossWeights() : WeightsOf(options_);
  checked.row = RowOf(response, weights);
  checked.row->messages = MessagesOf(response, is_mixed ? "" : options_.system);
  checked.row->weighted = WeightsOf(options_).is_fractional();  // rows of a file have one form
  if (CheckShape(response, is_mixed, checked) && template_) CheckText(checked);
  return checked;
}

}  // namespace tessy
