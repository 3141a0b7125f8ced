#include "dataset/formats/format_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/shorten.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "dataset/thinking_apart.h"

namespace tessy {
namespace {

constexpr const char* kSystemFields[] = {"system", "system_prompt"};

std::string_view RoleNamed(std::string_view name) {
  if (name == "user" || name == "human") return "user";
  if (name == "system" || name == "developer") return "system";
  for (const std::string_view assistant : {"assistant", "gpt", "model", "chatgpt", "bot", "ai"}) {
    if (name == assistant) return "assistant";
  }
  return {};
}

std::string RoleText(const Json& turn) {
  const bool has_role = turn.contains("role") && !turn["role"].is_null();
  return TextField(turn, has_role ? "role" : "from");
}

struct Content {
  std::string text = {};
  std::string thinking = {};  // of parts that are no text
};

Result<Content> ContentOf(const Json& content) {
  if (content.is_string()) return Content{.text = content.get<std::string>()};
  if (!content.is_array()) return BadRow(fmt::format("has {} for its content", KindOf(content)));
  Content joined;
  for (const Json& part : content) {
    if (const auto thinking = ThinkingInPart(part)) {
      joined.thinking.append(joined.thinking.empty() ? "" : "\n").append(*thinking);
      continue;
    }
    if (!MayBeText(part)) {
      return BadRow(fmt::format("has a part of the type {} in its content, which is no text",
                                Shortened(part["type"].dump())));
    }
    const std::string text = part.is_string()   ? part.get<std::string>()
                             : part.is_object() ? TextField(part, "text")
                                                : std::string();
    if (text.empty()) return BadRow("has a part without a text in its content");
    joined.text.append(joined.text.empty() ? "" : "\n").append(text);
  }
  return joined;
}

}  // namespace

tl::unexpected<Error> BadRow(std::string reason) { return Fail(ErrorCode::kInvalidData, std::move(reason)); }

std::string TextField(const Json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Json MessageList(std::span<const Message> messages) {
  Json list = Json::array();
  for (const Message& message : messages) {
    list.push_back(Json{{"role", Sanitize(message.role)}, {"content", Sanitize(message.content)}});
  }
  return list;
}

Json RowBegin(const TrainingRow& row) { return Json{{"id", row.id}, {"question_id", row.question_id}}; }

std::string RowEnd(Json row, const TrainingRow& input) {
  Json spans = Json::array();
  for (const ResponseSpan& span : input.spans) {
    spans.push_back(Json{{"role", Name(span.role)},
                         {"kind", Name(span.kind)},
                         {"start", span.start},
                         {"end", span.end},
                         {"tokens", span.tokens}});
  }
  row["spans"] = std::move(spans);
  return row.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view TextOf(const TrainingRow& row, const TrainingPart& part) {
  return std::string_view(row.content()).substr(part.start, part.end - part.start);
}

bool IsAssistantTurn(const Json& turn) {
  return turn.is_object() && RoleNamed(RoleText(turn)) == "assistant";
}

const Json* TurnsIn(const Json& row, const char* key) {
  const auto found = row.find(key);
  const bool is_list = found != row.end() && found->is_array() && !found->empty();
  return is_list && found->back().is_object() ? &*found : nullptr;
}

Result<Message> ReadForeignTurn(const Json& turn) {
  if (!turn.is_object()) return BadRow(fmt::format("is {}, not an object", KindOf(turn)));
  const std::string role = RoleText(turn);
  const std::string_view known = RoleNamed(role);
  if (known.empty()) return BadRow(fmt::format("is of the unknown role \"{}\"", role));
  const auto has = [&](const char* key) { return turn.contains(key) && !turn[key].is_null(); };
  const char* key = has("content") ? "content" : "value";
  if (!has(key)) return BadRow("has no content");
  auto content = ContentOf(turn[key]);
  if (!content) return tl::unexpected(content.error());
  if (known != "assistant") {
    if (content->thinking.empty()) return Message{std::string(known), std::move(content->text)};
    return BadRow("has thinking in its content and is not the assistant's");
  }
  std::string thinking = ApartIn(turn).text;
  if (thinking.empty()) thinking = std::move(content->thinking);
  const bool is_apart = !IsBlankText(thinking) && !HasOwnThinking(content->text, thinking);
  return Message{std::string(known), is_apart ? WithThinking(thinking, content->text) : content->text};
}

void AddSystem(std::vector<Message>& messages, const std::string& system) {
  const bool has_one = std::ranges::any_of(messages, [](const Message& m) { return m.role == "system"; });
  if (!has_one && !IsBlankText(system)) messages.insert(messages.begin(), Message{"system", system});
}

Result<ForeignRow> ReadForeignTurns(const Json& list, const Json& row) {
  ForeignRow read;
  for (const Json& turn : list) {
    auto message = ReadForeignTurn(turn);
    if (!message) return BadRow(fmt::format("turn {} {}", read.messages.size() + 1, message.error().message));
    read.messages.push_back(std::move(*message));
  }
  for (const char* key : kSystemFields) AddSystem(read.messages, TextField(row, key));
  if (read.messages.empty() || read.messages.back().role != "assistant") {
    return BadRow("the last of its turns is not the assistant's");
  }
  return read;
}

Result<ForeignRow> JoinTurns(const Json& list, size_t count, const Json& row, float (*weight)(const Json&)) {
  Json turns = list;
  const size_t first = turns.size() - count;
  std::string content;
  std::vector<TrainingPart> parts;
  for (size_t i = first; i < turns.size(); ++i) {
    const std::string text = TextField(turns[i], turns[i].contains("content") ? "content" : "value");
    if (text.empty()) return BadRow(fmt::format("turn {} has no text", i + 1));
    parts.push_back(
        {.start = content.size(), .end = content.size() + text.size(), .weight = weight(list[i])});
    content += text;
  }
  turns.erase(turns.begin() + static_cast<std::ptrdiff_t>(first), turns.end());
  turns.push_back(Json{{"role", "assistant"}, {"content", content}});
  auto read = ReadForeignTurns(turns, row);
  if (read) read->parts = std::move(parts);
  return read;
}

TemplateLine TemplateOf(const Recipe& recipe, std::string_view trainer, std::span<const TemplateName> known) {
  std::string names;
  for (const TemplateName& name : known) {
    if (recipe.family == name.family) return {.name = std::string(name.name)};
    names += fmt::format("{}{} for {}", names.empty() ? "" : ", ", name.name, name.family);
  }
  const std::string whose = recipe.family.empty()
                                ? "the student's template, which is known with --template-of alone"
                                : "the template of the family " + VisibleLine(Shortened(recipe.family));
  return {.name = "NAME-THE-TEMPLATE",
          .remark = fmt::format("  # EDIT: what {} calls {} ({})", trainer, whose, names)};
}

}  // namespace tessy
