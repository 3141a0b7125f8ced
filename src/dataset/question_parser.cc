#include "dataset/question_parser.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json_depth.h"
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
constexpr std::array<PromptField, 5> kPromptFields = {{{"prompt", true, true},
                                                       {"messages", false, true},
                                                       {"dialogs", false, true},
                                                       {"conversations", false, true},
                                                       {"input", true, true}}};
constexpr size_t kFirstBytes = 4096;                         // of the parser's buffer, which grows
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // of files that were joined
constexpr std::array<const char*, 2> kIdFields = {"id", "id_ddm"};
constexpr std::array<const char*, 3> kSystemFields = {"system", "system_prompt", "instruction"};
constexpr std::array<const char*, 3> kThinkingFields = {"reasoning_content", "reasoning", "thinking"};
constexpr std::array<std::string_view, 3> kTextParts = {"text", "input_text", "output_text"};

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
  for (const std::string_view assistant : {"assistant", "gpt", "model", "chatgpt", "bot", "ai"}) {
    if (name == assistant) return "assistant";
  }
  if (name == "system" || name == "developer") return "system";
  return {};
}

bool IsBlank(dom::element value) { return value.is_string() && IsBlankText(TextOf(value)); }

// A blank text or an empty list: tables have a column for every form, and most of them are empty.
bool IsEmpty(dom::element value) {
  return IsBlank(value) || (value.is_array() && value.get_array().value_unsafe().size() == 0);
}

// What stands under one of two names in a turn.
Result<dom::element> TurnValue(dom::object turn, const char* name, const char* other_name) {
  auto value = FindField(turn, name);
  if (!value) value = FindField(turn, other_name);
  if (!value) return Bad(fmt::format("has no {}", name));
  return *value;
}

// The text of one part of a content that is a list.
Result<std::string_view> PartText(dom::element part) {
  if (part.is_string()) return TextOf(part);
  if (!part.is_object()) return Bad(fmt::format("has {} in its content", KindOf(part)));
  const dom::object fields = part.get_object().value_unsafe();
  const auto type = FindField(fields, "type");
  const std::string_view name = type && type->is_string() ? TextOf(*type) : "text";
  const auto text = FindField(fields, "text");
  const bool is_text = std::ranges::find(kTextParts, name) != kTextParts.end();
  if (!is_text) return Bad(fmt::format("has a part of the type \"{}\", and only text can be asked", name));
  if (!text || !text->is_string()) return Bad("has a part without a text in its content");
  return TextOf(*text);
}

Result<std::string> ContentText(dom::element content) {
  if (content.is_string()) return std::string(TextOf(content));
  if (!content.is_array()) return Bad(fmt::format("has {} for its content", KindOf(content)));
  std::string joined;
  bool first = true;
  dom::array parts;
  if (content.get_array().get(parts) != simdjson::SUCCESS) return joined;
  for (const dom::element part : parts) {
    const auto text = PartText(part);
    if (!text) return tl::unexpected(text.error());
    joined.append(std::exchange(first, false) ? "" : "\n").append(*text);
  }
  return joined;
}

// What an earlier turn of the assistant thought stands apart in some data. Templates take such thinking out
// of the content where their model wants none, so there it loses nothing.
std::string WithThinking(dom::object turn, std::string content) {
  if (content.find("</think>") != std::string::npos) return content;
  for (const char* name : kThinkingFields) {
    const auto thinking = FindField(turn, name);
    if (!thinking || !thinking->is_string() || IsBlank(*thinking)) continue;
    return fmt::format("<think>\n{}\n</think>\n\n{}", TextOf(*thinking), content);
  }
  return content;
}

Result<Message> ReadTurn(dom::element value) {
  if (!value.is_object()) return Bad(fmt::format("is {}, not an object", KindOf(value)));
  const dom::object turn = value.get_object().value_unsafe();
  const auto role = TurnValue(turn, "role", "from");
  if (!role) return tl::unexpected(role.error());
  if (!role->is_string()) return Bad(fmt::format("has {} for its role", KindOf(*role)));
  const auto known = RoleNamed(TextOf(*role));
  if (known.empty()) return Bad(fmt::format("is of the unknown role \"{}\"", TextOf(*role)));
  const auto written = TurnValue(turn, "content", "value");
  if (!written) return tl::unexpected(written.error());
  auto content = ContentText(*written);
  if (!content) return tl::unexpected(content.error());
  if (known == "assistant") *content = WithThinking(turn, std::move(*content));
  return Message{std::string(known), std::move(*content)};
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
  // `written`: the line as its file has it; `line`: the same as strict JSON.
  Row(dom::object fields, std::string_view line, std::string_view written)
      : fields_(fields), line_(line), written_(written) {}

  Status ReadPrompt() {
    std::string empty;
    for (const PromptField& field : kPromptFields) {
      const auto value = Use(field.name);
      if (!value) continue;
      if (IsEmpty(*value)) {
        if (empty.empty()) empty = fmt::format("{} {}", field.name, EmptyText(*value));
        continue;
      }
      auto status = ReadPromptFrom(field, *value);
      if (!status) return Bad(fmt::format("{} {}", field.name, status.error().message));
      return {};
    }
    return Bad(empty.empty() ? "no prompt, messages, dialogs, conversations or input in it" : empty);
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
      if (auto status = CheckHalves(name, name); !status) return status;
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
  static std::string_view EmptyText(dom::element value) {
    return value.is_array() ? "holds no turn of the user" : "is empty";
  }

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
    if (auto status = ReadSystem(); !status) return status;
    if (auto status = CheckHalves(field.name, ""); !status) return status;
    return CheckMessages(question_.messages);
  }

  // What stands beside the turns is the system's turn, unless they have one. It is then data like any other.
  Status ReadSystem() {
    const auto is_system = [](const Message& message) { return message.role == "system"; };
    if (std::ranges::any_of(question_.messages, is_system)) return {};
    const char* taken = nullptr;
    std::string_view text;
    for (const char* name : kSystemFields) {
      const auto value = Use(name);
      if (!value || IsBlank(*value)) continue;
      if (!value->is_string()) return Bad(fmt::format("has {} for its {}", KindOf(*value), name));
      if (taken != nullptr && TextOf(*value) != text) {
        return Bad(fmt::format("has both {} and {}, and they differ; only one can be the system's turn",
                               taken, name));
      }
      taken = name;
      text = TextOf(*value);
    }
    if (taken == nullptr) return {};
    question_.messages.insert(question_.messages.begin(), {"system", std::string(text)});
    return CheckHalves(taken, taken);
  }

  // What is asked must be text; what is only carried over need not be.
  // `said`: the field's name, where who reports the error does not say it.
  Status CheckHalves(const char* name, std::string_view said) const {
    if (line_.data() == written_.data()) return {};
    const auto raw = RawFields(written_);
    const auto found = std::ranges::find(raw.rbegin(), raw.rend(), name, &RawField::name);
    if (found == raw.rend() || !HasHalfSurrogate(found->text)) return {};
    return Bad(fmt::format("{}{}holds half of a surrogate pair (\\ud800 to \\udfff), which is no character",
                           said, said.empty() ? "" : " "));
  }

  dom::object fields_;
  std::string_view line_;
  std::string_view written_;
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
  std::string strict;   // likewise the line that it read, as strict JSON

  Result<dom::object> ParseFields(std::string_view& line);
  Result<dom::object> ParseCarefully(std::string_view& line);
};

// `line` becomes the text whose fields are returned.
Result<dom::object> QuestionParser::Impl::ParseFields(std::string_view& line) {
  dom::object fields;
  if (parser.max_depth() != kNestingMax && parser.allocate(kFirstBytes, kNestingMax) != simdjson::SUCCESS)
    return Fail(ErrorCode::kResourceLimit, "there is no memory left to read lines");
  if (parser.parse(line.data(), line.size()).get_object().get(fields) == simdjson::SUCCESS) return fields;
  return ParseCarefully(line);
}

// The slower parser says what is wrong. It also reads lines that the fast one refuses: numbers of any size,
// NaN, halves of characters, a byte-order mark.
Result<dom::object> QuestionParser::Impl::ParseCarefully(std::string_view& line) {
  if (const auto json = ParseObject(line); !json) return tl::unexpected(json.error());
  strict = AsStrictJson(line);
  line = strict;
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  const std::string plain = WithoutNumbers(line);
  dom::object fields;
  careful = dom::parser();
  auto error = careful.allocate(plain.size(), kNestingMax + 1);
  if (error == simdjson::SUCCESS) error = careful.parse(plain).get_object().get(fields);
  if (error == simdjson::SUCCESS) return fields;
  return Bad("not valid JSON");
}

QuestionParser::QuestionParser() : impl_(std::make_unique<Impl>()) {}
QuestionParser::~QuestionParser() = default;
QuestionParser::QuestionParser(QuestionParser&&) noexcept = default;
QuestionParser& QuestionParser::operator=(QuestionParser&&) noexcept = default;

Result<Question> QuestionParser::Parse(std::string_view line, Source source) {
  const std::string_view written = line;
  const auto fields = impl_->ParseFields(line);
  if (!fields) return tl::unexpected(fields.error());
  Row row(*fields, line, written);
  if (auto status = row.ReadId(); !status) return tl::unexpected(status.error());
  if (auto status = row.ReadPrompt(); !status) return tl::unexpected(status.error());
  if (source == Source::kKeep) row.KeepSource();
  return row.Take();
}

}  // namespace tessy
