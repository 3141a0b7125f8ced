#include "select/source_question.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/json_depth.h"
#include "base/shorten.h"
#include "base/utf8.h"
#include "dataset/json_fields.h"

namespace tessy {
namespace {

namespace dom = simdjson::dom;

constexpr std::array<std::string_view, 6> kColumns = {"conversations", "messages", "question",
                                                      "problem",       "prompt",   "input"};
constexpr std::array<std::string_view, 12> kOtherPromptColumns = {
    "dialogs", "system",  "system_prompt",    "instruction",     "id", "id_ddm", "image", "images",
    "count",   "origins", "same_but_numbers", "teacher_decision"};
constexpr std::array<std::string_view, 24> kResponseColumns = {"output",
                                                               "outputs",
                                                               "response",
                                                               "responses",
                                                               "completion",
                                                               "completions",
                                                               "solution",
                                                               "solutions",
                                                               "generation",
                                                               "generations",
                                                               "generated_text",
                                                               "generated_solution",
                                                               "reasoning",
                                                               "reasoning_content",
                                                               "reasoning_trace",
                                                               "thinking",
                                                               "r1_generation",
                                                               "deepseek_reasoning",
                                                               "deepseek_solution",
                                                               "qwq_critique",
                                                               "chosen",
                                                               "rejected",
                                                               "tool_calls",
                                                               "content"};
constexpr std::array<std::string_view, 4> kIdColumns = {"id", "id_ddm", "question_id", "problem_id"};
constexpr std::string_view kHeader = "<|start_header_id|>";
constexpr std::string_view kHeaderEnd = "<|end_header_id|>";
constexpr std::string_view kTurnEnd = "<|eot_id|>";

template <size_t N>
bool Holds(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::string_view TextOf(dom::element value) { return value.get_string().value_unsafe(); }

std::optional<dom::element> Find(dom::object fields, std::string_view name) {
  std::optional<dom::element> found;
  for (const dom::key_value_pair field : fields) {
    if (field.key == name) found = field.value;
  }
  return found && !found->is_null() ? found : std::nullopt;
}

bool IsEmptyList(dom::element value) {
  return value.is_array() && value.get_array().value_unsafe().size() == 0;
}

bool IsPlaceholder(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return true;
  const size_t end = text.find_last_not_of(" \t\r\n");
  return text.substr(begin, end - begin + 1) == "-" || IsBlankText(text);
}

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// What a field or a list of turns says.
struct Asked {
  std::string text;
  size_t user_turns = 0;
  bool has_system = false;
  std::string reason;
  std::string detail;
};

void AddTurn(Asked& asked, std::string_view role, std::string text) {
  if (role == "system" || role == "developer") asked.has_system |= !IsBlankText(text);
  if (role != "user" && role != "human") return;
  if (++asked.user_turns == 1) asked.text = std::move(text);
}

// A text with Llama-3's marks of turns.
Asked ReadMarkup(std::string_view text) {
  Asked asked;
  while (true) {
    const size_t header = text.find(kHeader);
    if (header == std::string_view::npos) return asked;
    text.remove_prefix(header + kHeader.size());
    const size_t end = text.find(kHeaderEnd);
    if (end == std::string_view::npos) return asked;
    const std::string_view role = Trimmed(text.substr(0, end));
    text.remove_prefix(end + kHeaderEnd.size());
    const size_t close = std::min(text.find(kTurnEnd), text.size());
    AddTurn(asked, role, std::string(Trimmed(text.substr(0, close))));
    text.remove_prefix(close);
  }
}

Asked ReadText(std::string_view text) {
  if (text.find(kHeader) != std::string_view::npos) return ReadMarkup(text);
  while (text.ends_with(kTurnEnd)) text = Trimmed(text.substr(0, text.size() - kTurnEnd.size()));
  return {.text = std::string(text), .user_turns = 1, .has_system = false, .reason = {}, .detail = {}};
}

// The content of a turn: a text, or parts that must be texts.
std::string ReadContent(dom::element content, Asked& asked) {
  if (content.is_string()) return std::string(TextOf(content));
  std::string joined;
  dom::array parts;
  if (content.get_array().get(parts) != simdjson::SUCCESS) {
    asked.reason = "not_text";
    return joined;
  }
  for (const dom::element part : parts) {
    if (!joined.empty()) joined += '\n';
    dom::object fields;
    if (part.is_string()) {
      joined += TextOf(part);
    } else if (part.get_object().get(fields) == simdjson::SUCCESS) {
      const auto type = Find(fields, "type");
      const std::string_view name = type && type->is_string() ? TextOf(*type) : "text";
      const auto text = Find(fields, "text");
      if (text && text->is_string()) joined += TextOf(*text);
      if (name.find("text") != std::string_view::npos) continue;
      asked.reason = name.find("image") != std::string_view::npos ? "image" : "not_text";
      asked.detail = fmt::format("a part of the type \"{}\"", Shortened(name));
    } else {
      asked.reason = "not_text";
    }
  }
  return joined;
}

Asked ReadTurns(dom::array turns) {
  Asked asked;
  for (const dom::element turn : turns) {
    dom::object fields;
    if (turn.get_object().get(fields) != simdjson::SUCCESS) {
      asked.reason = "not_text";
      return asked;
    }
    auto role = Find(fields, "role");
    if (!role) role = Find(fields, "from");
    auto content = Find(fields, "content");
    if (!content) content = Find(fields, "value");
    if (!role || !role->is_string() || !content) continue;
    const std::string_view name = TextOf(*role);
    const bool counts = name == "user" || name == "human" || name == "system" || name == "developer";
    if (counts) AddTurn(asked, name, ReadContent(*content, asked));
  }
  return asked;
}

Asked ReadAsked(dom::element value) {
  if (value.is_string()) return ReadText(TextOf(value));
  if (value.is_array()) return ReadTurns(value.get_array().value_unsafe());
  Asked asked;
  asked.reason = "not_text";
  asked.detail = "neither a text nor a list of turns";
  return asked;
}

std::string AsText(const std::optional<dom::element>& value) {
  if (!value) return {};
  return value->is_string() ? std::string(TextOf(*value)) : simdjson::minify(*value);
}

std::string RestOf(std::string_view row, std::string_view column) {
  std::string rest;
  for (const RawField& field : RawFields(row)) {
    if (field.name == column || IsPromptColumn(field.name) || IsResponseColumn(field.name)) continue;
    if (field.text == "null") continue;
    rest += rest.empty() ? '{' : ',';
    rest.append(field.key).push_back(':');
    AppendCompact(rest, field.text);
  }
  return rest.empty() ? rest : rest + '}';
}

// What no command takes for a question. `row`: as it was read, because U+FFFD stands for halves in strict
// JSON.
void RejectBrokenText(SourceQuestion& question, std::string_view row, std::string_view column) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  const auto has_half = [&] {
    return std::ranges::any_of(RawFields(row), [&](const RawField& field) {
      return field.name == column && HasHalfSurrogate(field.text);
    });
  };
  if (question.text.find('\0') != std::string::npos) {
    question.detail = "a NUL character in it";
  } else if (question.text.find(kReplacement) != std::string::npos && has_half()) {
    question.detail = "half of a surrogate pair in it";
  } else {
    return;
  }
  question.reason = "not_text";
}

bool HasImages(dom::object fields) {
  for (const char* name : {"image", "images"}) {
    const auto value = Find(fields, name);
    if (value && !IsEmptyList(*value) && !(value->is_string() && TextOf(*value).empty())) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> SourceColumns() { return {kColumns.begin(), kColumns.end()}; }

std::vector<std::string> EvaluationColumns() {
  return {"question_content", "problem_statement", "prompt", "problem",  "Problem",
          "question",         "Question",          "input",  "messages", "conversations"};
}

bool IsResponseColumn(std::string_view name) { return Holds(kResponseColumns, name); }
bool IsPromptColumn(std::string_view name) {
  return Holds(kColumns, name) || Holds(kOtherPromptColumns, name);
}

bool IsEvaluationColumn(std::string_view name) {
  static const std::vector<std::string> kEvaluationColumns = EvaluationColumns();
  return IsPromptColumn(name) || Holds(kIdColumns, name) ||
         std::ranges::find(kEvaluationColumns, name) != kEvaluationColumns.end();
}

struct SourceParser::Impl {
  std::vector<std::string> columns;
  dom::parser parser;
  std::string strict;  // the line as strict JSON, while it is read

  // `row` becomes the text whose fields are returned.
  Result<dom::object> Fields(std::string_view& row);
  void Ask(dom::object fields, SourceQuestion& question, std::string_view& used) const;
};

Result<dom::object> SourceParser::Impl::Fields(std::string_view& row) {
  dom::object fields;
  if (NestsDeeperThan(row, kNestingMax)) {
    return Fail(ErrorCode::kInvalidData, fmt::format("nested more than {} levels deep", kNestingMax));
  }
  if (parser.parse(row.data(), row.size()).get_object().get(fields) == simdjson::SUCCESS) return fields;
  const auto json = ParseObject(row);  // says what is wrong, and takes what Python writes
  if (!json) return tl::unexpected(json.error());
  strict = AsStrictJson(row);
  row = strict;
  const std::string plain = json->dump(-1, ' ', false, Json::error_handler_t::replace);
  if (parser.parse(plain).get_object().get(fields) == simdjson::SUCCESS) return fields;
  return Fail(ErrorCode::kInvalidData, "not valid JSON");
}

void SourceParser::Impl::Ask(dom::object fields, SourceQuestion& question, std::string_view& used) const {
  question.reason = "no_question";
  for (const std::string& name : columns) {
    const auto value = Find(fields, name);
    if (!value || IsEmptyList(*value)) continue;
    Asked asked = ReadAsked(*value);
    question.has_system |= asked.has_system;
    used = name;
    question.reason = std::move(asked.reason);
    question.detail = std::move(asked.detail);
    if (!question.reason.empty()) return;
    if (asked.user_turns > 1) {
      question.reason = "multi_turn";
      question.detail = fmt::format("{} turns of the user", asked.user_turns);
      return;
    }
    question.text = std::move(asked.text);
    if (!IsPlaceholder(question.text)) return;
    question.reason = asked.user_turns == 0 ? "no_question" : "placeholder";
    question.detail = fmt::format("{} holds \"{}\"", name, Shortened(question.text));
  }
}

SourceParser::SourceParser(std::vector<std::string> columns) : impl_(std::make_unique<Impl>()) {
  impl_->columns = std::move(columns);
}
SourceParser::~SourceParser() = default;
SourceParser::SourceParser(SourceParser&&) noexcept = default;
SourceParser& SourceParser::operator=(SourceParser&&) noexcept = default;

SourceQuestion SourceParser::Parse(std::string_view row) {
  SourceQuestion question;
  const std::string_view whole = row;
  const auto fields = impl_->Fields(row);
  if (!fields) {
    question.reason = "bad_line";
    question.detail = fields.error().message;
    return question;
  }
  std::string_view used;
  impl_->Ask(*fields, question, used);
  for (const std::string_view name : kIdColumns) {
    if (question.id.empty()) question.id = AsText(Find(*fields, name));
  }
  for (const char* name : {"system", "system_prompt", "instruction"}) {
    const auto system = Find(*fields, name);
    question.has_system |= used != name && system && system->is_string() && !IsBlankText(TextOf(*system));
  }
  if (question.reason.empty() && HasImages(*fields)) question.reason = "image";
  if (question.reason == "placeholder") {
    question.dataset = AsText(Find(*fields, "dataset"));
    question.split = AsText(Find(*fields, "split"));
    question.index = AsText(Find(*fields, "index"));
  }
  if (question.reason.empty()) RejectBrokenText(question, whole, used);
  if (question.reason.empty() || question.reason == "placeholder") {
    question.rest_json = RestOf(row, used);
    question.has_source_id = used != "source_id" && Find(*fields, "source_id").has_value();
  }
  return question;
}

Status SourceParser::CheckColumns(std::string_view row) {
  const auto fields = impl_->Fields(row);
  if (!fields) return {};  // Parse says so
  std::vector<std::string> names;
  for (const dom::key_value_pair field : *fields) {
    if (std::ranges::find(impl_->columns, field.key) != impl_->columns.end()) return {};
    names.emplace_back(field.key);
  }
  return Fail(ErrorCode::kInvalidData,
              fmt::format("no column of questions in it ({}); it has {}; name the right one with --column",
                          ListShortened(impl_->columns), names.empty() ? "none" : ListShortened(names)));
}

}  // namespace tessy
