#include "eval/benchmark.h"

#include <fmt/format.h>

#include <span>

#include "base/near_names.h"
#include "embedded/benchmarks.h"
#include "eval/toml_table.h"
#include "store/append_file.h"

namespace tessy {
namespace {

constexpr std::string_view kExtension = ".toml";

std::string_view NameOfFile(std::string_view file) { return file.substr(0, file.size() - kExtension.size()); }

Status ReadSubsets(TomlKeys& keys, const std::string& origin, Benchmark& benchmark) {
  const toml::table* subsets = keys.Table("subsets");
  if (!subsets) return {};
  for (const auto& [name, node] : *subsets) {
    const toml::table* table = node.as_table();
    if (!table) {
      return Fail(ErrorCode::kInvalidData, fmt::format("{}:{}: \"subsets.{}\" must be a table", origin,
                                                       node.source().begin.line, name.str()));
    }
    TomlKeys of_subset(*table, origin);
    BenchmarkSubset subset{.name = std::string(name.str()), .files = {}, .rows = 0};
    of_subset.Read("files", subset.files);
    of_subset.Read("rows", subset.rows);
    if (auto status = of_subset.Finish(); !status) return status;
    benchmark.subsets.push_back(std::move(subset));
  }
  return {};
}

Status ReadPrompt(TomlKeys& keys, const std::string& origin, PromptStyle& prompt) {
  const toml::table* table = keys.Table("prompt");
  if (!table) return {};
  TomlKeys of_prompt(*table, origin);
  of_prompt.Read("user", prompt.user);
  of_prompt.Read("system", prompt.system);
  return of_prompt.Finish();
}

template <class Value, size_t kCount>
Status ReadName(std::string_view key, const std::string& given, const std::string& origin,
                const std::pair<std::string_view, Value> (&known)[kCount], Value& out) {
  std::string names;
  for (const auto& [name, value] : known) {
    if (name == given) {
      out = value;
      return {};
    }
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return Fail(ErrorCode::kInvalidData, fmt::format("{}: \"{}\" must be one of {}", origin, key, names));
}

Status ReadPrograms(TomlKeys& keys, const std::string& origin, BenchmarkPrograms& programs) {
  const toml::table* table = keys.Table("code");
  if (!table) return {};
  std::string rule = "last-fence";
  std::string language = "python";
  std::string compare = "lines";
  TomlKeys of_code(*table, origin);
  of_code.Read("program", rule);
  of_code.Read("language", language);
  of_code.Read("compare", compare);
  of_code.Read("seconds", programs.seconds);
  of_code.Read("memory_mib", programs.memory_mib);
  of_code.Read("tests_are_read", programs.tests_are_read);
  if (auto status = of_code.Finish(); !status) return status;
  using Language = BenchmarkPrograms::Language;
  constexpr std::pair<std::string_view, CodeRule> kRules[] = {{"last-fence", CodeRule::kLastFence},
                                                              {"first-fence", CodeRule::kFirstFence},
                                                              {"cpp-program", CodeRule::kCppProgram},
                                                              {"ojbench-cpp", CodeRule::kOjBenchCpp},
                                                              {"ojbench-python", CodeRule::kOjBenchPython}};
  constexpr std::pair<std::string_view, Language> kLanguages[] = {
      {"python", Language::kPython}, {"pypy", Language::kPyPy}, {"cpp", Language::kCpp}};
  constexpr std::pair<std::string_view, OutputRule> kCompares[] = {
      {"lines", OutputRule::kLines}, {"words", OutputRule::kWords}, {"floats", OutputRule::kFloats}};
  if (auto status = ReadName("code.program", rule, origin, kRules, programs.rule); !status) return status;
  if (auto status = ReadName("code.language", language, origin, kLanguages, programs.language); !status)
    return status;
  return ReadName("code.compare", compare, origin, kCompares, programs.compare);
}

Status Check(const Benchmark& benchmark, const std::string& origin) {
  const auto missing = [&](const char* key) {
    return Fail(ErrorCode::kInvalidData, fmt::format("{}: \"{}\" is missing or empty", origin, key));
  };
  if (benchmark.name.empty()) return missing("name");
  if (benchmark.files.empty()) return missing("files");
  if (benchmark.question.empty()) return missing("question");
  if (benchmark.prompt.user.empty()) return missing("prompt.user");
  if (benchmark.judge != Benchmark::Judge::kCode && benchmark.answer.empty()) return missing("answer");
  if (benchmark.judge == Benchmark::Judge::kChoice && benchmark.wrong_choices.size() != 3) {
    return Fail(ErrorCode::kInvalidData, origin + ": \"wrong_choices\" must name three fields");
  }
  return {};
}

}  // namespace

Result<Benchmark> ParseBenchmark(std::string_view toml, const std::string& origin) {
  const auto table = ParsedToml(toml, origin);
  if (!table) return tl::unexpected(table.error());
  Benchmark benchmark;
  std::string judge = "math";
  std::string order = "rotating";
  TomlKeys keys(*table, origin);
  keys.Read("name", benchmark.name);
  keys.Read("title", benchmark.title);
  keys.Read("source", benchmark.source);
  keys.Read("files", benchmark.files);
  keys.Read("rows", benchmark.rows);
  keys.Read("id", benchmark.id);
  keys.Read("question", benchmark.question);
  keys.Read("answer", benchmark.answer);
  keys.Read("wrong_choices", benchmark.wrong_choices);
  keys.Read("tolerance", benchmark.tolerance);
  keys.Read("groups", benchmark.groups);
  keys.Read("date", benchmark.date);
  keys.Read("errata", benchmark.errata);
  keys.Read("judge", judge);
  keys.Read("order", order);
  keys.Read("unboxed", benchmark.unboxed);
  if (auto status = ReadSubsets(keys, origin, benchmark); !status) return tl::unexpected(status.error());
  if (auto status = ReadPrograms(keys, origin, benchmark.program); !status)
    return tl::unexpected(status.error());
  if (auto status = ReadPrompt(keys, origin, benchmark.prompt); !status)
    return tl::unexpected(status.error());
  if (auto status = keys.Finish(); !status) return tl::unexpected(status.error());
  using Judge = Benchmark::Judge;
  constexpr std::pair<std::string_view, Judge> kJudges[] = {
      {"math", Judge::kMath}, {"choice", Judge::kChoice}, {"code", Judge::kCode}};
  using Order = Benchmark::Order;
  constexpr std::pair<std::string_view, Order> kOrders[] = {{"rotating", Order::kRotating},
                                                            {"python-random", Order::kPythonRandom}};
  if (auto status = ReadName("judge", judge, origin, kJudges, benchmark.judge); !status) {
    return tl::unexpected(status.error());
  }
  if (auto status = ReadName("order", order, origin, kOrders, benchmark.order); !status) {
    return tl::unexpected(status.error());
  }
  if (benchmark.title.empty()) benchmark.title = benchmark.name;
  if (auto status = Check(benchmark, origin); !status) return tl::unexpected(status.error());
  return benchmark;
}

Result<Benchmark> LoadBenchmark(const std::string& name_or_path) {
  for (const auto& file : embedded::benchmarks::kFiles) {
    if (NameOfFile(file.name) == name_or_path) return ParseBenchmark(file.text, std::string(file.name));
  }
  if (name_or_path.ends_with(kExtension)) {
    const auto text = ReadText(name_or_path);
    if (!text) return tl::unexpected(text.error());
    return ParseBenchmark(*text, name_or_path);
  }
  const std::vector<std::string> names = BuiltInBenchmarks();
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return Fail(
      ErrorCode::kNotFound,
      fmt::format("no benchmark is called \"{}\"{}; built in are {}; any other is given as the path of a "
                  ".toml file",
                  name_or_path, DidYouMean(name_or_path, names), list));
}

std::vector<std::string> BuiltInBenchmarks() {
  std::vector<std::string> names;
  for (const auto& file : embedded::benchmarks::kFiles) names.emplace_back(NameOfFile(file.name));
  return names;
}

}  // namespace tessy
