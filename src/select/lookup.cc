#include "select/lookup.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <filesystem>

#include "dataset/json_fields.h"
#include "dataset/tables/table_reader.h"

namespace tessy {
namespace {

// The first in the name that begins a word: "code_contests" and "latest" name no split.
std::string SplitNamedIn(std::string_view name) {
  for (size_t at = 0; at < name.size(); ++at) {
    if (at > 0 && std::isalpha(static_cast<unsigned char>(name[at - 1])) != 0) continue;
    for (const char* split : {"train", "test", "valid"}) {
      if (name.substr(at).starts_with(split)) return split;
    }
  }
  return {};
}

// The name of the file tells more than those of the folders that it is in.
std::string SplitOf(const std::string& file, const std::string& folder) {
  const std::filesystem::path whole(file);
  const auto below = whole.lexically_relative(folder);
  // Of a single file its name tells.
  for (std::filesystem::path path = below == "." ? whole.filename() : below; !path.empty();
       path = path.parent_path()) {
    if (auto split = SplitNamedIn(path.filename().string()); !split.empty()) return split;
    if (path == path.parent_path()) break;
  }
  return "train";
}

std::string StringIn(const Json& row, const char* name) {
  const auto field = row.find(name);
  return field != row.end() && field->is_string() ? field->get<std::string>() : "";
}

void AppendSection(std::string& text, std::string_view heading, const std::string& content) {
  if (!content.empty()) text += fmt::format("\n\n{}\n\n{}", heading, content);
}

// The columns that TextOfTask reads: others, such as test cases, are many times as long.
bool IsColumnOfTask(std::string_view name) {
  constexpr std::array<std::string_view, 6> kColumns = {"question",      "description", "input_format",
                                                        "output_format", "examples",    "note"};
  return std::ranges::find(kColumns, name) != kColumns.end();
}

std::string WithoutOwner(const std::string& name) { return name.substr(name.rfind('/') + 1); }

}  // namespace

std::string TextOfTask(std::string_view row) {
  const auto json = ParseObject(row);
  if (!json) return {};
  if (std::string question = StringIn(*json, "question"); !question.empty()) return question;
  std::string text = StringIn(*json, "description");
  if (text.empty()) return {};
  AppendSection(text, "Input", StringIn(*json, "input_format"));
  AppendSection(text, "Output", StringIn(*json, "output_format"));
  if (const auto examples = json->find("examples"); examples != json->end() && examples->is_array()) {
    if (!examples->empty()) text += "\n\nExamples";
    for (const Json& example : *examples) {
      if (!example.is_object()) continue;
      AppendSection(text, "Input", StringIn(example, "input"));
      AppendSection(text, "Output", StringIn(example, "output"));
    }
  }
  AppendSection(text, "Note", StringIn(*json, "note"));
  return text;
}

Result<Lookup> Lookup::Make(const std::vector<std::string>& given, const std::atomic<bool>* stop) {
  Lookup lookup;
  lookup.stop_ = stop;
  for (const std::string& text : given) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("--lookup {}: is not of the form NAME=FOLDER, for instance taco=data/TACO", text));
    }
    DataSet data_set;
    data_set.folder = text.substr(equals + 1);
    lookup.data_sets_[WithoutOwner(text.substr(0, equals))] = std::move(data_set);
  }
  return lookup;
}

Result<std::string> Lookup::Find(const SourceQuestion& question) {
  const auto found = data_sets_.find(WithoutOwner(question.dataset));
  if (found == data_sets_.end()) return std::string();
  DataSet& data_set = found->second;
  if (!data_set.is_read) {
    if (auto status = Read(data_set); !status) return tl::unexpected(status.error());
  }
  const std::string split = question.split.starts_with("valid") ? "valid" : question.split;
  const auto rows = data_set.splits.find(split);
  size_t index = 0;
  const char* end = question.index.data() + question.index.size();
  const auto [stop, error] = std::from_chars(question.index.data(), end, index);
  if (rows == data_set.splits.end() || error != std::errc() || stop != end) return std::string();
  return index < rows->second.size() ? rows->second[index] : std::string();
}

Status Lookup::Read(DataSet& data_set) const {
  data_set.splits.clear();
  auto table = TableReader::Open(data_set.folder,
                                 {.leaves_out = [](std::string_view name) { return !IsColumnOfTask(name); }});
  if (!table) return tl::unexpected(table.error());
  while (true) {
    if (stop_ != nullptr && *stop_) return {};
    const auto row = table->Next();
    if (!row) return tl::unexpected(row.error());
    if (!*row) break;
    data_set.splits[SplitOf(table->files()[table->file()], data_set.folder)].push_back(TextOfTask(**row));
  }
  data_set.is_read = true;
  return {};
}

}  // namespace tessy
