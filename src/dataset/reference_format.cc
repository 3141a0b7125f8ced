#include "dataset/reference_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/utf8.h"
#include "dataset/json_fields.h"

namespace tessy {
namespace {

constexpr std::array kPromptFields{"prompt", "messages", "dialogs", "conversations", "input"};
constexpr std::array kOurFields{"n_tokens_total", "n_tokens_teacher", "n_tokens_student"};

constexpr std::array kAssistants{"assistant", "gpt", "model", "chatgpt", "bot", "ai"};

bool IsAssistant(const Json& turn) {
  const bool has_role = turn.contains("role") && !turn["role"].is_null();
  const std::string role = turn.value(has_role ? "role" : "from", std::string());
  return std::ranges::find(kAssistants, role) != kAssistants.end();
}

// Whether the value, as it is written, can hold a question: see ReadQuestions.
bool CanAsk(std::string_view text) {
  const Json value = Json::parse(text, nullptr, false);
  if (value.is_string()) return !IsBlankText(value.get<std::string>());
  return !value.is_null() && !value.is_discarded() && !(value.is_array() && value.empty());
}

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// The turns up to the question, then the response. The list is written anew: numbers and escapes may be
// spelled otherwise.
std::string TurnsWith(std::string_view written, const std::string& content) {
  Json turns = Json::parse(written);
  size_t asked = turns.size();
  while (asked > 0 && IsAssistant(turns[asked - 1])) --asked;
  Json answer = turns[asked - 1];
  if (asked < turns.size()) answer = turns[asked];
  for (const char* old : {"reasoning_content", "reasoning", "thinking"}) answer.erase(old);
  const bool share_gpt = !answer.contains("role") || answer["role"].is_null();
  answer[share_gpt ? "from" : "role"] = share_gpt ? "gpt" : "assistant";
  answer[answer.contains("content") && !answer["content"].is_null() ? "content" : "value"] = content;
  turns.erase(turns.begin() + static_cast<std::ptrdiff_t>(asked), turns.end());
  turns.push_back(std::move(answer));
  return Dump(turns);
}

struct Counts {
  uint64_t total = 0, teacher = 0, student = 0;
};

Counts CountsOf(const Response& response) {
  Counts counts{.total = response.stats.tokens(),
                .teacher = response.stats.teacher_tokens,
                .student = response.stats.student_tokens};
  for (const ResponseSpan& span : response.spans) {
    if (span.kind == SpanKind::kAnswer)
      (span.role == Role::kTeacher ? counts.teacher : counts.student) += span.tokens;
  }
  return counts;
}

}  // namespace

std::string ToReferenceLine(std::string_view row, const Response& response) {
  const std::string strict = AsStrictJson(row);
  const auto fields = RawFields(strict);
  // As in questions, the last of two fields with one name counts, and an empty one is no field.
  const auto last = [&](std::string_view name) {
    const auto found = std::ranges::find(fields.rbegin(), fields.rend(), name, &RawField::name);
    return found == fields.rend() || !CanAsk(found->text) ? nullptr : &*found;
  };
  const RawField* asked = nullptr;
  for (const char* name : kPromptFields) {
    if (asked == nullptr) asked = last(name);
  }
  const std::string& content = response.messages.back().content;
  const bool has_turns = asked != nullptr && asked->text.starts_with('[');
  std::string line = "{";
  for (const RawField& field : fields) {
    if (std::ranges::find(kOurFields, field.name) != kOurFields.end()) continue;
    if (!has_turns && field.name == "content") continue;
    line += field.key;
    line += ':';
    if (has_turns && &field == asked) {
      line += TurnsWith(field.text, content);
    } else {
      AppendCompact(line, field.text);
    }
    line += ',';
  }
  if (!has_turns) line += fmt::format("\"content\":{},", Dump(content));
  const Counts counts = CountsOf(response);
  return line + fmt::format("\"n_tokens_total\":{},\"n_tokens_teacher\":{},\"n_tokens_student\":{}}}",
                            counts.total, counts.teacher, counts.student);
}

}  // namespace tessy
