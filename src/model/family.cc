#include "model/family.h"

#include <toml++/toml.h>
#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/check.h"
#include "base/file_text.h"
#include "base/readable_file.h"
#include "base/toml_depth.h"
#include "embedded/families.h"

namespace tessy {
namespace {

constexpr std::string_view kExtension = ".toml";

// Reads the keys of one table; keeps the first problem and does nothing after it.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string_view origin) : table_(table), origin_(origin) {}

  void Read(std::string_view key, std::string& out) {
    const toml::node* node = Find(key);
    if (!node) return;
    if (!node->is_string()) return Complain(*node, key, "must be a string");
    out = node->as_string()->get();
  }

  void Read(std::string_view key, bool& out) {
    const toml::node* node = Find(key);
    if (!node) return;
    if (!node->is_boolean()) return Complain(*node, key, "must be true or false");
    out = node->as_boolean()->get();
  }

  template <class Value>
  void ReadIfThere(std::string_view key, Value& out) {
    if (table_.contains(key)) return Read(key, out);
    known_.push_back(key);
  }

  void Read(std::string_view key, std::vector<std::string>& out) {
    const toml::node* node = Find(key);
    if (!node) return;
    const toml::array* array = node->as_array();
    if (!array) return Complain(*node, key, "must be an array of strings");
    for (const toml::node& element : *array) {
      const auto* text = element.as_string();
      if (!text) return Complain(element, key, "must be an array of strings");
      if (text->get().empty()) return Complain(element, key, "must not hold an empty string");
      out.push_back(text->get());
    }
  }

  void Read(std::string_view key, TemplateOptions& out) {
    known_.push_back(key);
    const toml::node* node = table_.get(key);
    if (problem_ || !node) return;
    const toml::table* options = node->as_table();
    if (!options) return Complain(*node, key, "must be a table");
    for (const auto& [name, value] : *options) ReadOption(name.str(), value, out);
  }

  void Refuse(std::string_view key, std::string_view why) {
    if (const toml::node* node = table_.get(key)) Complain(*node, key, why);
  }

  // The first problem; a key that was not read is one.
  std::optional<Error> Finish() {
    for (const auto& [key, value] : table_) {
      if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
      Complain(key.source().begin.line, key.str(), "is unknown");
    }
    return problem_;
  }

 private:
  const toml::node* Find(std::string_view key) {
    known_.push_back(key);
    const toml::node* node = table_.get(key);
    if (!node) Complain(1, key, "is missing");
    return problem_ ? nullptr : node;
  }

  void ReadOption(std::string_view name, const toml::node& value, TemplateOptions& out) {
    if (const auto* text = value.as_string(); text && name == "date") {
      out.date = text->get();
    } else if (name == "date") {
      Complain(value, name, "must be a string, \"YYYY-MM-DD\" or empty");
    } else if (text) {
      out.variables.emplace_back(name, text->get());
    } else if (const auto* flag = value.as_boolean()) {
      out.variables.emplace_back(name, flag->get());
    } else {
      Complain(value, name, "must be a string, true or false");
    }
  }

  void Complain(const toml::node& node, std::string_view key, std::string_view what) {
    Complain(node.source().begin.line, key, what);
  }

  void Complain(size_t line, std::string_view key, std::string_view what) {
    if (problem_) return;
    std::string message(origin_);
    message.append(":")
        .append(std::to_string(line))
        .append(": the key `")
        .append(key)
        .append("` ")
        .append(what);
    problem_ = Error{ErrorCode::kInvalidData, std::move(message)};
  }

  const toml::table& table_;
  std::string_view origin_;
  std::vector<std::string_view> known_;
  std::optional<Error> problem_;
};

Result<toml::table> ParseToml(std::string_view text, std::string_view origin) {
  if (auto nested = CheckTomlNesting(text, origin); !nested) return tl::unexpected(nested.error());
  try {
    return toml::parse(text, origin);
  } catch (const toml::parse_error& error) {
    return Fail(ErrorCode::kInvalidData, std::string(origin) + ":" +
                                             std::to_string(error.source().begin.line) +
                                             ": not TOML: " + std::string(error.description()));
  }
}

std::string_view Stem(std::string_view file_name) {
  return file_name.substr(0, file_name.size() - kExtension.size());
}

const std::vector<Family>& BuiltIns() {
  static const std::vector<Family> families = [] {
    std::vector<Family> parsed;
    for (const EmbeddedFile& file : embedded::families::kFiles) {
      Result<Family> family = ParseFamily(file.text, file.name);
      TESSY_CHECK(family.has_value() && family->name == Stem(file.name));
      parsed.push_back(*std::move(family));
    }
    return parsed;
  }();
  return families;
}

Result<Family> LoadFamilyFile(std::string_view path) {
  if (auto status = CheckReadable(std::string(path)); !status) return tl::unexpected(status.error());
  std::ifstream file{std::string(path), std::ios::binary};
  if (!file) return Fail(ErrorCode::kNotFound, "cannot read the family file " + std::string(path));
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) return Fail(ErrorCode::kIo, "reading the family file " + std::string(path) + " failed");
  return ParseFamily(AsPlainText(text), path);
}

void Set(TemplateOptions& options, const std::string& name, const TemplateOptions::Value& value) {
  for (auto& [known, old] : options.variables) {
    if (known == name) {
      old = value;
      return;
    }
  }
  options.variables.emplace_back(name, value);
}

}  // namespace

TemplateOptions MergeOptions(const TemplateOptions& defaults, const TemplateOptions& overrides) {
  TemplateOptions merged = defaults;
  for (const auto& [name, value] : overrides.variables) Set(merged, name, value);
  if (!overrides.date.empty()) merged.date = overrides.date;
  return merged;
}

namespace {

void ReadKeys(TableReader& reader, Family& family) {
  reader.Read("name", family.name);
  reader.Read("template_marks", family.template_marks);
  reader.ReadIfThere("thinking_marks", family.thinking_marks);
  reader.Read("open_thinking", family.open_thinking);
  reader.Read("close_tokens", family.close_tokens);
  reader.Read("close_texts", family.close_texts);
  reader.ReadIfThere("end_closes_thinking", family.end_closes_thinking);
  reader.ReadIfThere("thinking_stops", family.thinking_stops);
  reader.ReadIfThere("thinking_request", family.thinking_request);
  reader.ReadIfThere("answer_request", family.answer_request);
  reader.Read("handover", family.handover);
  reader.ReadIfThere("budget_close", family.budget_close);
  reader.ReadIfThere("answer_stops", family.answer_stops);
  reader.ReadIfThere("skip_thinking", family.skip_thinking);
  reader.Read("content_open", family.content_open);
  reader.Read("content_close", family.content_close);
  reader.Read("trim", family.trim);
  reader.Read("end_tokens", family.end_tokens);
  reader.Read("default_template", family.default_template);
  reader.ReadIfThere("use_default_template", family.use_default_template);
  reader.Read("template_options", family.template_options);
}

// What cannot work together.
void CheckKeys(TableReader& reader, const Family& family) {
  if (family.name.empty()) reader.Refuse("name", "must not be empty");
  if (family.close_texts.empty() && family.close_tokens.empty() && !family.end_closes_thinking) {
    reader.Refuse("close_texts", "and `close_tokens` are both empty: the thinking could never close");
  }
  if (std::any_of(family.trim.begin(), family.trim.end(), [](char c) { return (c & 0x80) != 0; })) {
    reader.Refuse("trim", "must be ASCII characters");
  }
  if (!family.answer_request.empty() && !family.handover.empty()) {
    reader.Refuse("answer_request", "and `handover` are both given: the hand-over is then the template's");
  }
  if (!family.answer_request.empty() && !family.end_closes_thinking) {
    reader.Refuse("answer_request",
                  "needs `end_closes_thinking = true`: the thinking is then a turn of its own, which its end "
                  "closes");
  }
  if (family.use_default_template && family.default_template.empty()) {
    reader.Refuse("default_template", "must not be empty where `use_default_template` is true");
  }
}

}  // namespace

Result<Family> ParseFamily(std::string_view text, std::string_view origin) {
  const Result<toml::table> table = ParseToml(text, origin);
  if (!table) return tl::unexpected(table.error());
  Family family;
  TableReader reader(*table, origin);
  ReadKeys(reader, family);
  CheckKeys(reader, family);
  if (const std::optional<Error> problem = reader.Finish()) return tl::unexpected(*problem);
  return family;
}

Result<Family> LoadFamily(std::string_view name_or_path) {
  for (const Family& family : BuiltIns()) {
    if (family.name == name_or_path) return family;
  }
  if (name_or_path.ends_with(kExtension)) return LoadFamilyFile(name_or_path);
  std::string names;
  for (const std::string& name : BuiltInFamilies()) names += (names.empty() ? "" : ", ") + name;
  return Fail(ErrorCode::kNotFound, "no family is called \"" + std::string(name_or_path) +
                                        "\": built in are " + names +
                                        "; any other is given as the path of a .toml file");
}

std::string DetectFamily(std::string_view chat_template) {
  const auto has_one_of = [&](const std::vector<std::string>& marks) {
    return std::ranges::any_of(
        marks, [&](const std::string& mark) { return chat_template.find(mark) != std::string_view::npos; });
  };
  for (const Family& family : BuiltIns()) {
    const bool thinks = family.thinking_marks.empty() || has_one_of(family.thinking_marks);
    if (thinks && has_one_of(family.template_marks)) return family.name;
  }
  return "plain";
}

std::vector<std::string> BuiltInFamilies() {
  std::vector<std::string> names;
  for (const Family& family : BuiltIns()) names.push_back(family.name);
  return names;
}

}  // namespace tessy
