#include "dataset/question_parser.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "dataset/json_fields.h"

namespace tessy {
namespace {

namespace dom = simdjson::dom;

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
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // of files that were joined
constexpr std::array<const char*, 2> kIdFields = {"id", "id_ddm"};

tl::unexpected<Error> Bad(std::string reason) { return Fail(ErrorCode::kInvalidData, std::move(reason)); }

std::string_view KindOf(dom::element value) {
  switch (value.type()) {
    case dom::element_type::NULL_VALUE:
      return "null";
    case dom::element_type::STRING:
      return "a string";
    case dom::element_type::BOOL:
      return "a truth value";
    case dom::element_type::ARRAY:
      return "a list";
    case dom::element_type::OBJECT:
      return "an object";
    default:
      return "a number";
  }
}

bool IsNumber(dom::element value) { return KindOf(value) == "a number"; }
std::string_view TextOf(dom::element value) { return value.get_string().value_unsafe(); }

// If a name stands twice, the last field counts. A null counts as a field that is not there: JSON lines that
// were made from tables are full of them.
std::optional<dom::element> FindField(dom::object fields, std::string_view name) {
  std::optional<dom::element> found;
  for (const dom::key_value_pair field : fields) {
    if (field.key == name) found = field.value;
  }
  return found && !found->is_null() ? found : std::nullopt;
}

std::string_view RoleNamed(std::string_view name) {
  if (name == "user" || name == "human") return "user";
  if (name == "assistant" || name == "gpt") return "assistant";
  if (name == "system") return "system";
  return {};
}

// The text of a turn, under one of two names.
Result<std::string_view> TurnText(dom::object turn, const char* name, const char* other_name) {
  auto value = FindField(turn, name);
  if (!value) value = FindField(turn, other_name);
  if (!value) return Bad(fmt::format("has no {}", name));
  if (!value->is_string()) return Bad(fmt::format("has {} for its {}", KindOf(*value), name));
  return TextOf(*value);
}

Result<Message> ReadTurn(dom::element value) {
  if (!value.is_object()) return Bad(fmt::format("is {}, not an object", KindOf(value)));
  const dom::object turn = value.get_object().value_unsafe();
  const auto role = TurnText(turn, "role", "from");
  if (!role) return tl::unexpected(role.error());
  const auto known = RoleNamed(*role);
  if (known.empty()) return Bad(fmt::format("is of the unknown role \"{}\"", *role));
  const auto content = TurnText(turn, "content", "value");
  if (!content) return tl::unexpected(content.error());
  return Message{std::string(known), std::string(*content)};
}

Result<std::vector<Message>> ReadTurns(dom::array list) {
  std::vector<Message> messages;
  for (const dom::element turn : list) {
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
  return IsBlankText(messages.back().content) ? Bad("is empty") : Status();
}

// A row while it is read: its question, and the fields that were used so far.
class Row {
 public:
  Row(dom::object fields, std::string_view line) : fields_(fields), line_(line) {}

  Status ReadPrompt() {
    for (const PromptField& field : kPromptFields) {
      const auto value = Use(field.name);
      if (!value) continue;
      auto status = ReadPromptFrom(field, *value);
      if (!status) return Bad(fmt::format("{} {}", field.name, status.error().message));
      return {};
    }
    return Bad("no prompt, messages, dialogs, conversations or input in it");
  }

  Status ReadId() {
    for (const char* name : kIdFields) {
      const auto value = Use(name);
      if (!value) continue;
      if (value->is_string()) {
        question_.id = TextOf(*value);
      } else if (IsNumber(*value)) {
        question_.id = Spelling(name);
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

  void KeepSource() {
    std::string source;
    for (const RawField& field : RawFields(line_)) {
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
  std::optional<dom::element> Use(const char* name) {
    used_.emplace_back(name);  // a null is not carried over either
    return FindField(fields_, name);
  }

  // A number is taken as it is written.
  std::string Spelling(const char* name) const {
    const auto raw = RawFields(line_);
    return std::string(std::ranges::find(raw.rbegin(), raw.rend(), name, &RawField::name)->text);
  }

  Status ReadPromptFrom(const PromptField& field, dom::element value) {
    if (field.text && value.is_string()) {
      question_.messages = {{"user", std::string(TextOf(value))}};
    } else if (field.turns && value.is_array()) {
      auto turns = ReadTurns(value.get_array().value_unsafe());
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
    const auto prompt = Use("system_prompt");
    if (!prompt) return {};
    if (!prompt->is_string()) return Bad(fmt::format("has {} for its system_prompt", KindOf(*prompt)));
    const std::string_view text = TextOf(*prompt);
    if (!text.empty()) question_.messages.insert(question_.messages.begin(), {"system", std::string(text)});
    return {};
  }

  dom::object fields_;
  std::string_view line_;
  std::vector<std::string> used_;
  Question question_;
};

// Copies valid JSON with a 0 in place of every number that is not inside a string.
std::string WithoutNumbers(std::string_view json) {
  std::string out;
  bool in_string = false;
  bool in_number = false;
  for (size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    const bool begins = !in_string && !in_number && (c == '-' || (c >= '0' && c <= '9'));
    in_number =
        begins || (in_number && std::string_view("0123456789+-.eE").find(c) != std::string_view::npos);
    if (begins) out += '0';
    if (in_number) continue;
    out += c;
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\') out += json[++at];
  }
  return out;
}

}  // namespace

struct QuestionParser::Impl {
  dom::parser parser;
  dom::parser careful;  // the values it has read live until its next line

  Result<dom::object> ParseFields(std::string_view line);
  Result<dom::object> ParseCarefully(std::string_view line);
};

Result<dom::object> QuestionParser::Impl::ParseFields(std::string_view line) {
  dom::object fields;
  if (parser.parse(line.data(), line.size()).get_object().get(fields) == simdjson::SUCCESS) return fields;
  return ParseCarefully(line);
}

// The slower parser says what is wrong. It also reads lines that the fast one refuses: numbers of any size,
// any depth, a byte-order mark.
Result<dom::object> QuestionParser::Impl::ParseCarefully(std::string_view line) {
  if (const auto json = ParseObject(line); !json) return tl::unexpected(json.error());
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  const std::string plain = WithoutNumbers(line);
  dom::object fields;
  careful = dom::parser();
  auto error = careful.allocate(plain.size(), plain.size());
  if (error == simdjson::SUCCESS) error = careful.parse(plain).get_object().get(fields);
  if (error == simdjson::SUCCESS) return fields;
  return Bad(fmt::format("not valid JSON: {}", simdjson::error_message(error)));
}

QuestionParser::QuestionParser() : impl_(std::make_unique<Impl>()) {}
QuestionParser::~QuestionParser() = default;
QuestionParser::QuestionParser(QuestionParser&&) noexcept = default;
QuestionParser& QuestionParser::operator=(QuestionParser&&) noexcept = default;

Result<Question> QuestionParser::Parse(std::string_view line, Source source) {
  const auto fields = impl_->ParseFields(line);
  if (!fields) return tl::unexpected(fields.error());
  Row row(*fields, line);
  if (auto status = row.ReadId(); !status) return tl::unexpected(status.error());
  if (auto status = row.ReadPrompt(); !status) return tl::unexpected(status.error());
  if (source == Source::kKeep) row.KeepSource();
  return row.Take();
}

}  // namespace tessy
