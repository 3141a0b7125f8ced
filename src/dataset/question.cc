#include "dataset/question.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/random.h"
#include "base/utf8.h"
#include "dataset/json_fields.h"
#include "dataset/line_reader.h"

namespace tessy {
namespace {

struct PromptField {
  const char* name;
  bool text;   // may be a text
  bool turns;  // may be a list of turns
};
constexpr std::array<PromptField, 5> kPromptFields = {{{"prompt", true, false},
                                                       {"messages", false, true},
                                                       {"dialogs", false, true},
                                                       {"conversations", false, true},
                                                       {"input", true, true}}};
constexpr std::array<const char*, 2> kIdFields = {"id", "id_ddm"};

tl::unexpected<Error> Bad(std::string reason) { return Fail(ErrorCode::kInvalidData, std::move(reason)); }

// Null stands for a field that is not there: tables turned into JSON lines are full of them.
const Json* FindField(const Json& row, const char* name) {
  const auto found = row.find(name);
  return found == row.end() || found->is_null() ? nullptr : &*found;
}

std::string_view RoleNamed(std::string_view name) {
  if (name == "user" || name == "human") return "user";
  if (name == "assistant" || name == "gpt") return "assistant";
  if (name == "system") return "system";
  return {};
}

// A text of a turn under one of two names.
Result<std::string> TurnText(const Json& turn, const char* name, const char* other_name) {
  const Json* value = FindField(turn, name);
  if (value == nullptr) value = FindField(turn, other_name);
  if (value == nullptr) return Bad(fmt::format("has no {}", name));
  if (!value->is_string()) return Bad(fmt::format("has {} for its {}", KindOf(*value), name));
  return value->get<std::string>();
}

Result<Message> ReadTurn(const Json& turn) {
  if (!turn.is_object()) return Bad(fmt::format("is {}, not an object", KindOf(turn)));
  auto role = TurnText(turn, "role", "from");
  if (!role) return tl::unexpected(role.error());
  const auto known = RoleNamed(*role);
  if (known.empty()) return Bad(fmt::format("is of the unknown role \"{}\"", *role));
  auto content = TurnText(turn, "content", "value");
  if (!content) return tl::unexpected(content.error());
  return Message{std::string(known), std::move(*content)};
}

Result<std::vector<Message>> ReadTurns(const Json& list) {
  std::vector<Message> messages;
  for (const Json& turn : list) {
    auto message = ReadTurn(turn);
    if (!message) return Bad(fmt::format("turn {} {}", messages.size() + 1, message.error().message));
    messages.push_back(std::move(*message));
  }
  while (!messages.empty() && messages.back().role == "assistant") messages.pop_back();
  const auto is_user = [](const Message& message) { return message.role == "user"; };
  if (std::ranges::none_of(messages, is_user)) return Bad("holds no turn of the user");
  if (!is_user(messages.back())) return Bad("ends in a turn of the system");
  return messages;
}

Status CheckMessages(const std::vector<Message>& messages) {
  for (const Message& message : messages) {
    if (message.content.find('\0') != std::string::npos) return Bad("holds a NUL character");
  }
  const std::string& asked = messages.back().content;
  for (size_t at = 0; at < asked.size();) {
    const CodePoint c = FirstCodePoint(std::string_view(asked).substr(at));
    if (!IsWhitespace(c.value)) return {};
    at += c.bytes;
  }
  return Bad("is empty");
}

// A row while it is read: the question, and which fields it has used up.
class Row {
 public:
  explicit Row(const Json& fields) : fields_(fields) {}

  Status ReadPrompt() {
    for (const PromptField& field : kPromptFields) {
      const Json* value = Use(field.name);
      if (value == nullptr) continue;
      auto status = ReadPromptFrom(field, *value);
      if (!status) return Bad(fmt::format("{} {}", field.name, status.error().message));
      return {};
    }
    return Bad("no prompt, messages, dialogs, conversations or input in it");
  }

  // Numbers keep their spelling.
  Status ReadId(const std::vector<RawField>& raw) {
    for (const char* name : kIdFields) {
      const Json* value = Use(name);
      if (value == nullptr) continue;
      if (value->is_string()) {
        question_.id = value->get<std::string>();
      } else if (value->is_number()) {
        const auto written = std::ranges::find(raw.rbegin(), raw.rend(), name, &RawField::name);
        question_.id = written->text;
      } else {
        return Bad(fmt::format("{} is {}, not a text or number", name, KindOf(*value)));
      }
      if (question_.id.empty()) return Bad(fmt::format("{} is empty", name));
      const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
      if (std::ranges::any_of(question_.id, is_control)) {
        return Bad(fmt::format("{} holds a control character", name));
      }
      return {};
    }
    return {};
  }

  void KeepSource(const std::vector<RawField>& raw) {
    std::string source;
    for (const RawField& field : raw) {
      if (std::ranges::find(used_, field.name) != used_.end()) continue;
      source += source.empty() ? '{' : ',';
      source += field.key;
      source += ':';
      AppendCompact(source, field.text);
    }
    if (!source.empty()) question_.source_json = std::move(source) + '}';
  }

  Question Take() { return std::move(question_); }

 private:
  const Json* Use(const char* name) {
    const Json* value = FindField(fields_, name);
    used_.emplace_back(name);  // a null is nothing to carry over either
    return value;
  }

  Status ReadPromptFrom(const PromptField& field, const Json& value) {
    if (field.text && value.is_string()) {
      question_.messages = {{"user", value.get<std::string>()}};
    } else if (field.turns && value.is_array()) {
      auto turns = ReadTurns(value);
      if (!turns) return tl::unexpected(turns.error());
      question_.messages = std::move(*turns);
    } else {
      const std::string_view wanted = !field.turns ? "a text"
                                      : field.text ? "a text or a list of turns"
                                                   : "a list of turns";
      return Bad(fmt::format("is {}, not {}", KindOf(value), wanted));
    }
    if (std::string_view(field.name) == "input") {
      if (auto status = ReadSystemPrompt(); !status) return status;
    }
    return CheckMessages(question_.messages);
  }

  Status ReadSystemPrompt() {
    const auto is_system = [](const Message& message) { return message.role == "system"; };
    if (std::ranges::any_of(question_.messages, is_system)) return {};
    const Json* prompt = Use("system_prompt");
    if (prompt == nullptr) return {};
    if (!prompt->is_string()) return Bad(fmt::format("has {} for its system_prompt", KindOf(*prompt)));
    auto text = prompt->get<std::string>();
    if (!text.empty()) question_.messages.insert(question_.messages.begin(), {"system", std::move(text)});
    return {};
  }

  const Json& fields_;
  std::vector<std::string> used_;
  Question question_;
};

Result<Question> ReadRow(std::string_view line) {
  const auto fields = ParseObject(line);
  if (!fields) return tl::unexpected(fields.error());
  const auto raw = RawFields(line);
  Row row(*fields);
  if (auto status = row.ReadId(raw); !status) return tl::unexpected(status.error());
  if (auto status = row.ReadPrompt(); !status) return tl::unexpected(status.error());
  row.KeepSource(raw);
  return row.Take();
}

// Messages hold no NUL, so it can part them.
std::string PromptName(const std::vector<Message>& messages) {
  std::string text;
  for (const Message& message : messages) {
    text.append(message.role).push_back('\0');
    text.append(message.content).push_back('\0');
  }
  return fmt::format("q-{:016x}", HashBytes(text));
}

// Names the rows that came without an id.
void NameQuestions(std::vector<Question>& questions, std::unordered_set<std::string> taken) {
  std::unordered_map<std::string, size_t> seen;
  for (Question& question : questions) {
    if (!question.id.empty()) continue;
    const std::string name = PromptName(question.messages);
    do {
      const size_t occurrence = ++seen[name];
      question.id = occurrence == 1 ? name : fmt::format("{}-{}", name, occurrence);
    } while (!taken.insert(question.id).second);
  }
}

Status CheckIds(const std::string& file, const std::vector<Question>& questions) {
  std::unordered_map<std::string_view, size_t> lines;
  for (const Question& question : questions) {
    if (question.id.empty()) continue;
    const auto [first, is_new] = lines.emplace(question.id, question.line);
    if (!is_new) {
      return Fail(
          ErrorCode::kInvalidData,
          fmt::format(
              "{}: the id \"{}\" stands in line {} and in line {}; give each question its own, or none "
              "(then one is made)",
              file, question.id, first->second, question.line));
    }
  }
  return {};
}

std::string NoQuestions(const std::string& file, const std::vector<BadLine>& bad_lines) {
  if (bad_lines.empty()) return fmt::format("{}: is empty: no questions in it", file);
  return fmt::format("{}: no questions in it: all {} lines are bad, line {}: {}", file, bad_lines.size(),
                     bad_lines.front().line, bad_lines.front().reason);
}

}  // namespace

Result<Questions> ReadQuestions(const std::string& path, const ReadQuestionsOptions& options) {
  auto reader = LineReader::Open(path);
  if (!reader) return tl::unexpected(reader.error());
  Questions read;
  while (true) {
    auto line = reader->Next();
    if (!line) return tl::unexpected(line.error());
    if (!*line) break;
    auto question = ReadRow(**line);
    if (question) {
      question->line = reader->line();
      read.questions.push_back(std::move(*question));
    } else if (options.skip_bad_lines) {
      read.bad_lines.push_back({reader->line(), question.error().message});
    } else {
      return Bad(fmt::format("{}: {} (--skip-bad-lines skips such lines)", reader->Where(),
                             question.error().message));
    }
  }
  if (read.questions.empty()) return Bad(NoQuestions(reader->name(), read.bad_lines));
  if (auto status = CheckIds(reader->name(), read.questions); !status) return tl::unexpected(status.error());
  std::unordered_set<std::string> taken;
  for (const Question& question : read.questions) {
    if (!question.id.empty()) taken.insert(question.id);
  }
  NameQuestions(read.questions, std::move(taken));
  return read;
}

}  // namespace tessy
