#include "eval/benchmark_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/json_depth.h"
#include "dataset/tables/table_files.h"
#include "dataset/tables/table_reader.h"
#include "job/settings.h"
#include "judge/choice_order.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

// Longer fields are tests, which no prompt shows.
constexpr size_t kFieldMax = size_t{1} << 20;

std::string Listed(const std::vector<std::string>& names) {
  std::string list;
  for (size_t i = 0; i < names.size(); ++i) {
    list += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  }
  return list;
}

Result<std::vector<std::string>> FilesIn(const Benchmark& benchmark, const std::string& data,
                                         const std::string& subset,
                                         const std::vector<std::string>& patterns) {
  const auto fail = [&](const std::string& what) {
    return Fail(ErrorCode::kNotFound, fmt::format("{}; {}", what, DescribeData(benchmark)));
  };
  if (data.empty()) return fail("--data is missing");
  std::error_code error;
  if (!std::filesystem::exists(data, error)) return fail(fmt::format("--data {}: is not there", data));
  if (!std::filesystem::is_directory(data, error)) {
    if (subset.empty()) return std::vector<std::string>{data};
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--subset {}: chooses among the files of a folder, and --data {} is one file; "
                            "leave --subset out, or name the folder",
                            subset, data));
  }
  std::vector<std::string> files;
  for (const std::string& pattern : patterns) {
    const std::string name = data + "/" + pattern;
    if (!IsSeveralFiles(name) && !std::filesystem::exists(name, error)) continue;
    const auto found = TableFiles(name);
    if (!found && found.error().code != ErrorCode::kNotFound) return tl::unexpected(found.error());
    if (found) files.insert(files.end(), found->begin(), found->end());
  }
  if (files.empty() && !subset.empty()) {
    return fail(fmt::format("--data {}: has no {}, which --subset {} needs", data, Listed(patterns), subset));
  }
  if (files.empty()) return fail(fmt::format("--data {}: has none of the files", data));
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

std::string TextOf(const Json& value, std::string_view between = "\n") {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array() &&
      std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_string(); })) {
    std::string lines;
    for (const Json& line : value) {
      if (!lines.empty()) lines += between;
      lines += line.get_ref<const std::string&>();
    }
    return lines;
  }
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

RowFields FieldsOf(const Json& row) {
  RowFields fields;
  for (const auto& [name, value] : row.items()) {
    const bool absent = value.is_null() || value == false || (!value.is_number() && value.empty());
    if (absent || (value.is_string() && value.get_ref<const std::string&>().size() > kFieldMax)) continue;
    if (std::string text = TextOf(value); !text.empty()) fields[name] = std::move(text);
  }
  return fields;
}

// The first of the fields that the row has.
const std::string* FirstOf(const RowFields& fields, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (const auto field = fields.find(name); field != fields.end()) return &field->second;
  }
  return nullptr;
}

std::vector<double> Numbers(std::string_view list) {
  std::vector<double> numbers;
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    std::string_view one = list.substr(0, end);
    while (!one.empty() && one[0] == ' ') one.remove_prefix(1);
    double number = 0;
    if (std::from_chars(one.data(), one.data() + one.size(), number).ec == std::errc())
      numbers.push_back(number);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return numbers;
}

// Makes problems of rows, in their order.
class ProblemMaker {
 public:
  ProblemMaker(const Benchmark& benchmark, const PromptStyle& style, const BenchmarkSelection& selection)
      : benchmark_(benchmark), style_(style), selection_(selection) {}

  // The problem of a row; none if the selection leaves it out. The error names no file.
  Result<std::optional<BenchmarkProblem>> Make(std::string_view line) {
    const Json row = ParseBounded<Json>(line);
    if (!row.is_object()) return Fail(ErrorCode::kInvalidData, "is no JSON object");
    RowFields fields = FieldsOf(row);
    const size_t number = number_++;
    const auto selected = IsSelected(fields);
    if (!selected) return tl::unexpected(selected.error());
    if (!*selected) return std::nullopt;
    BenchmarkProblem problem;
    const std::string* id = FirstOf(fields, benchmark_.id);
    problem.question.id = id ? *id : fmt::format("{}-{}", benchmark_.name, number + 1);
    const std::string* question = FirstOf(fields, benchmark_.question);
    if (!question) return tl::unexpected(Missing(benchmark_.question).error());
    fields["question"] = *question;
    JoinAnswers(row, fields);
    if (auto status = SetExpected(number, fields, problem); !status) return tl::unexpected(status.error());
    if (const std::string* tolerance = FirstOf(fields, benchmark_.tolerance))
      problem.tolerances = Numbers(*tolerance);
    SetGroups(fields, problem);
    auto messages = MessagesOf(style_, fields);
    if (!messages) return tl::unexpected(messages.error());
    problem.question.messages = *std::move(messages);
    return problem;
  }

 private:
  static Status Missing(const std::vector<std::string>& names) {
    return Fail(ErrorCode::kInvalidData, fmt::format("has no field {}", Listed(names)));
  }

  // The day of the row; empty: it has none.
  std::string DayOf(const RowFields& fields) const {
    const auto date = fields.find(benchmark_.date);
    if (date == fields.end()) return {};
    std::string day = date->second.substr(0, 10);
    return CheckDate(day).empty() ? day : std::string();
  }

  Result<bool> IsSelected(const RowFields& fields) const {
    if (selection_.since.empty() && selection_.until.empty()) return true;
    const std::string day = DayOf(fields);
    if (day.empty()) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("has no day in \"{}\" (YYYY-MM-DD), and --since and --until need one",
                              benchmark_.date));
    }
    return (selection_.since.empty() || day >= selection_.since) &&
           (selection_.until.empty() || day <= selection_.until);
  }

  // Several answers are compared as a list.
  void JoinAnswers(const Json& row, RowFields& fields) const {
    for (const std::string& name : benchmark_.answer) {
      if (fields.count(name) > 0 && row[name].is_array()) fields[name] = TextOf(row[name], ", ");
    }
  }

  Status SetExpected(size_t number, RowFields& fields, BenchmarkProblem& problem) {
    if (benchmark_.judge == Benchmark::Judge::kCode) return {};
    const std::string* answer = FirstOf(fields, benchmark_.answer);
    if (!answer) return Missing(benchmark_.answer);
    problem.expected = *answer;
    if (benchmark_.judge != Benchmark::Judge::kChoice) return {};
    std::vector<std::string> choices{*answer};
    for (const std::string& name : benchmark_.wrong_choices) {
      const auto choice = fields.find(name);
      if (choice == fields.end()) return Missing({name});
      choices.push_back(choice->second);
    }
    const ChoiceOrder order = OrderOf(number);
    for (size_t i = 0; i < order.size(); ++i)
      fields[std::string(1, static_cast<char>('A' + i))] = choices[order[i]];
    problem.expected = std::string(1, RightLetter(order));
    return {};
  }

  ChoiceOrder OrderOf(size_t number) {
    if (benchmark_.order == Benchmark::Order::kRotating) return RotatedOrder(number);
    if (number >= orders_.size()) orders_ = PythonRandomOrders(2 * number + 256);
    return orders_[number];
  }

  void SetGroups(const RowFields& fields, BenchmarkProblem& problem) const {
    for (const std::string& name : benchmark_.groups) {
      if (const auto field = fields.find(name); field != fields.end()) problem.groups[name] = field->second;
    }
    if (const std::string day = DayOf(fields); !day.empty()) problem.groups["month"] = day.substr(0, 7);
    const auto& errata = benchmark_.errata;
    problem.in_errata = std::find(errata.begin(), errata.end(), problem.question.id) != errata.end();
  }

  const Benchmark& benchmark_;
  const PromptStyle& style_;
  const BenchmarkSelection& selection_;
  std::vector<ChoiceOrder> orders_;
  size_t number_ = 0;
};

Result<std::vector<std::string>> PatternsOf(const Benchmark& benchmark, const BenchmarkSelection& selection) {
  if (benchmark.date.empty() && !(selection.since.empty() && selection.until.empty())) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--since and --until: the rows of {} have no dates", benchmark.name));
  }
  if (selection.subset.empty()) return benchmark.files;
  std::vector<std::string> names;
  for (const BenchmarkSubset& subset : benchmark.subsets) {
    if (subset.name == selection.subset) return subset.files;
    names.push_back(subset.name);
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("--subset {}: {} has {}", selection.subset, benchmark.name,
                          names.empty() ? "no subsets" : "the subsets " + Listed(names)));
}

}  // namespace

std::string DescribeData(const Benchmark& benchmark) {
  return fmt::format("{} expects {} in the folder of --data{}", benchmark.name, Listed(benchmark.files),
                     benchmark.source.empty() ? "" : ", from " + benchmark.source);
}

Result<std::vector<std::string>> FilesOfRows(const Benchmark& benchmark, const std::string& data,
                                             const BenchmarkSelection& selection) {
  const auto patterns = PatternsOf(benchmark, selection);
  if (!patterns) return tl::unexpected(patterns.error());
  return FilesIn(benchmark, data, selection.subset, *patterns);
}

Status ForEachRow(const Benchmark& benchmark, const PromptStyle& style, const std::string& data,
                  const BenchmarkSelection& selection, const TakeRow& take) {
  const auto files = FilesOfRows(benchmark, data, selection);
  if (!files) return tl::unexpected(files.error());
  std::unordered_map<std::string, std::string> places;  // where each id stands
  ProblemMaker maker(benchmark, style, selection);
  for (const std::string& file : *files) {
    auto reader = TableReader::Open(file);
    if (!reader) return tl::unexpected(reader.error());
    for (;;) {
      const auto row = reader->Next();
      if (!row) return tl::unexpected(row.error());
      if (!*row) break;
      const std::string where = reader->Where();
      auto problem = maker.Make(**row);
      if (!problem) return Fail(problem.error().code, where + ": " + problem.error().message);
      if (!*problem) continue;
      const auto [place, is_new] = places.emplace((*problem)->question.id, where);
      if (!is_new) {
        return Fail(ErrorCode::kInvalidData,
                    fmt::format("{}: \"{}\" is in {} already; remove one of the two files or rows", where,
                                place->first, place->second));
      }
      if (auto status = take(**std::move(problem), **row, where); !status) return status;
      if (selection.limit > 0 && places.size() == selection.limit) return {};
    }
  }
  if (!places.empty()) return {};
  return Fail(
      ErrorCode::kNotFound,
      fmt::format("--data {}: no row of {} is left by --subset, --since and --until", data, benchmark.name));
}

Result<std::vector<BenchmarkProblem>> ReadBenchmark(const Benchmark& benchmark, const PromptStyle& style,
                                                    const std::string& data,
                                                    const BenchmarkSelection& selection) {
  std::vector<BenchmarkProblem> problems;
  const auto read = ForEachRow(benchmark, style, data, selection,
                               [&](BenchmarkProblem problem, std::string_view, const std::string&) -> Status {
                                 problems.push_back(std::move(problem));
                                 return {};
                               });
  if (!read) return tl::unexpected(read.error());
  return problems;
}

std::string QuestionLines(const Benchmark& benchmark, const std::vector<BenchmarkProblem>& problems) {
  std::string lines;
  for (const BenchmarkProblem& problem : problems) {
    Json row{{"benchmark", benchmark.name}, {"id", problem.question.id}, {"messages", Json::array()}};
    for (const Message& message : problem.question.messages) {
      row["messages"].push_back({{"role", message.role}, {"content", message.content}});
    }
    for (const auto& [name, value] : problem.groups) {
      if (!row.contains(name)) row[name] = value;
    }
    lines += row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return lines;
}

}  // namespace tessy
