#include "eval/prompt_style.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/sha256.h"
#include "base/shorten.h"
#include "embedded/official_prompts.h"
#include "eval/toml_table.h"
#include "store/append_file.h"

namespace tessy {
namespace {

// One {{…}} of a template.
struct Tag {
  enum class Kind { kField, kOpen, kOpenWithout, kClose };
  Kind kind = Kind::kField;
  std::string_view name;
  std::optional<std::string_view> value;  // of {{#name=value}}
};

Tag ReadTag(std::string_view inside) {
  Tag tag{.kind = Tag::Kind::kField, .name = inside, .value = std::nullopt};
  if (inside.empty()) return tag;
  if (inside[0] == '#') tag.kind = Tag::Kind::kOpen;
  if (inside[0] == '^') tag.kind = Tag::Kind::kOpenWithout;
  if (inside[0] == '/') tag.kind = Tag::Kind::kClose;
  if (tag.kind == Tag::Kind::kField) return tag;
  tag.name.remove_prefix(1);
  const size_t equals = tag.name.find('=');
  if (tag.kind == Tag::Kind::kOpen && equals != std::string_view::npos) {
    tag.value = tag.name.substr(equals + 1);
    tag.name = tag.name.substr(0, equals);
  }
  return tag;
}

bool Stands(const Tag& tag, const RowFields& fields) {
  const auto field = fields.find(tag.name);
  const bool there = field != fields.end();
  if (tag.kind == Tag::Kind::kOpenWithout) return !there;
  return there && (!tag.value || field->second == *tag.value);
}

// Writes a template for one row.
class Filling {
 public:
  explicit Filling(const RowFields& fields) : fields_(fields) {}

  Result<std::string> Write(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      const size_t open = std::min(text.find("{{", at), text.size());
      const size_t close = open < text.size() ? text.find("}}", open) : std::string_view::npos;
      if (Shown()) out_ += text.substr(at, open - at);
      if (open == text.size()) break;
      if (close == std::string_view::npos) return Bad(text.substr(open), "is not closed");
      if (auto status = Take(ReadTag(text.substr(open + 2, close - open - 2))); !status) {
        return tl::unexpected(status.error());
      }
      at = close + 2;
    }
    if (!open_.empty()) return Bad("{{#" + open_.back().name + "}}", "is not closed");
    return std::move(out_);
  }

 private:
  struct Part {
    std::string name;
    bool shown;  // together with all parts around it
  };

  static tl::unexpected<Error> Bad(std::string_view tag, std::string_view what) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("the template's {} {}", Shortened(tag, 40), what));
  }

  bool Shown() const { return open_.empty() || open_.back().shown; }

  Status Take(const Tag& tag) {
    if (tag.kind == Tag::Kind::kClose) {
      if (open_.empty() || open_.back().name != tag.name) {
        return Bad(fmt::format("{{{{/{}}}}}", tag.name), "closes what is not open");
      }
      open_.pop_back();
      return {};
    }
    if (tag.kind != Tag::Kind::kField) {
      open_.push_back({std::string(tag.name), Shown() && Stands(tag, fields_)});
      return {};
    }
    if (!Shown()) return {};
    const auto field = fields_.find(tag.name);
    if (field == fields_.end()) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("has no \"{}\", which the template asks for", Shortened(tag.name, 40)));
    }
    out_ += field->second;
    return {};
  }

  const RowFields& fields_;
  std::vector<Part> open_;
  std::string out_;
};

std::string Digest(std::string_view text) {
  Sha256 sum;
  sum.Add(text);
  return sum.Finish();
}

RowFields FieldsOf(const nlohmann::json& object) {
  RowFields fields;
  for (const auto& [name, value] : object.items()) fields[name] = value.get<std::string>();
  return fields;
}

bool IsOfficial(const PromptStyle& style, const nlohmann::json& row) {
  if (style.system.empty() == row.contains("system")) return false;
  const auto messages = MessagesOf(style, FieldsOf(row["fields"]));
  if (!messages || Digest(messages->back().content) != row["user"]) return false;
  return !row.contains("system") || Digest(messages->front().content) == row["system"];
}

}  // namespace

Result<std::string> FillTemplate(std::string_view text, const RowFields& fields) {
  return Filling(fields).Write(text);
}

Result<std::vector<Message>> MessagesOf(const PromptStyle& style, const RowFields& fields) {
  std::vector<Message> messages;
  if (!style.system.empty()) {
    auto system = FillTemplate(style.system, fields);
    if (!system) return tl::unexpected(system.error());
    messages.push_back({"system", *std::move(system)});
  }
  auto user = FillTemplate(style.user, fields);
  if (!user) return tl::unexpected(user.error());
  messages.push_back({"user", *std::move(user)});
  return messages;
}

Result<PromptStyle> LoadPromptStyle(const std::string& path) {
  auto text = ReadText(path);
  if (!text) return tl::unexpected(text.error());
  auto table = ParsedToml(*text, path);
  if (!table) return tl::unexpected(table.error());
  TomlKeys keys(*table, path);
  PromptStyle style;
  keys.Read("user", style.user);
  keys.Read("system", style.system);
  if (auto status = keys.Finish(); !status) return tl::unexpected(status.error());
  if (style.user.empty())
    return Fail(ErrorCode::kInvalidData, path + ": has no \"user\", the text that is asked");
  return style;
}

std::string OfficialPromptName(const PromptStyle& style) {
  return OfficialPromptName(style, embedded::official_prompts::kOfficialPromptsJsonl);
}

std::string OfficialPromptName(const PromptStyle& style, std::string_view official_rows) {
  std::set<std::string> matched;
  std::set<std::string> missed;
  while (!official_rows.empty()) {
    const size_t end = std::min(official_rows.find('\n'), official_rows.size());
    const auto row = nlohmann::json::parse(official_rows.substr(0, end), nullptr, false);
    official_rows.remove_prefix(std::min(end + 1, official_rows.size()));
    if (!row.is_object()) continue;
    (IsOfficial(style, row) ? matched : missed).insert(row["style"].get<std::string>());
  }
  for (const std::string& name : matched) {
    if (!missed.contains(name)) return name;
  }
  return {};
}

}  // namespace tessy
