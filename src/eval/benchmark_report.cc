#include "eval/benchmark_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "base/numbers.h"
#include "base/shorten.h"
#include "base/visible.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kNoResponse = "no response";

// The right samples of each problem.
using Tallies = std::vector<uint64_t>;

template <class Chosen>
Rate RateOf(const Tallies& right, uint32_t samples, const Chosen& chosen) {
  std::vector<double> shares;
  for (size_t i = 0; i < right.size(); ++i) {
    if (chosen(i)) shares.push_back(static_cast<double>(right[i]) / samples);
  }
  Rate rate{.problems = shares.size(), .pass_at_1 = 0, .interval = {}};
  if (shares.empty()) return rate;
  for (const double share : shares) rate.pass_at_1 += share;
  const auto n = static_cast<double>(shares.size());
  rate.pass_at_1 /= n;
  rate.interval = samples == 1 ? Wilson95(rate.pass_at_1, n) : Bootstrap95(shares);
  return rate;
}

// Counts the verdicts of the problems.
struct Sums {
  Tallies right;
  std::vector<uint64_t> right_of_run;
  uint64_t tokens = 0;
  uint64_t with_tokens = 0;
};

Sums CountVerdicts(const std::vector<BenchmarkProblem>& problems, const std::vector<SampleVerdict>& verdicts,
                   uint32_t samples, BenchmarkReport& report) {
  std::unordered_map<std::string_view, size_t> places;
  for (size_t i = 0; i < problems.size(); ++i) places.emplace(problems[i].question.id, i);
  Sums sums{.right = Tallies(problems.size()), .right_of_run = std::vector<uint64_t>(samples)};
  std::map<std::string, uint64_t> official_right;
  uint64_t there = 0;
  for (const SampleVerdict& verdict : verdicts) {
    const auto place = places.find(verdict.question_id);
    if (place == places.end() || verdict.sample >= samples) continue;
    ++there;
    ++report.reasons[verdict.reason];
    if (verdict.right) ++sums.right[place->second];
    if (verdict.right) ++sums.right_of_run[verdict.sample];
    for (const auto& [name, right] : verdict.official) {
      OfficialView& view = report.official[name];
      if (right != verdict.right) ++view.differs;
      official_right[name] += right ? 1 : 0;
    }
    sums.tokens += verdict.tokens;
    sums.with_tokens += verdict.tokens > 0 ? 1 : 0;
  }
  const uint64_t all = problems.size() * uint64_t{samples};
  if (there < all) report.reasons[kNoResponse] = all - there;
  for (auto& [name, view] : report.official) {
    view.pass_at_1 = static_cast<double>(official_right[name]) / static_cast<double>(all);
  }
  return sums;
}

void AddGroups(const std::vector<BenchmarkProblem>& problems, const Sums& sums, BenchmarkReport& report) {
  std::map<std::string, std::map<std::string, std::vector<bool>>> members;
  for (size_t i = 0; i < problems.size(); ++i) {
    for (const auto& [group, value] : problems[i].groups) {
      auto& chosen = members[group][value];
      chosen.resize(problems.size());
      chosen[i] = true;
    }
  }
  for (const auto& [group, values] : members) {
    for (const auto& member : values) {
      const std::vector<bool>& chosen = member.second;
      report.groups[group][member.first] =
          RateOf(sums.right, report.samples, [&](size_t i) { return chosen[i]; });
    }
  }
}

void AddPassAtK(const Sums& sums, BenchmarkReport& report) {
  for (uint64_t k = 2; k <= report.samples; k *= 2) {
    double sum = 0;
    for (const uint64_t right : sums.right) sum += PassAtK(report.samples, right, k);
    report.pass_at[k] = sum / static_cast<double>(sums.right.size());
  }
}

std::string RateLine(const std::string& name, const Rate& rate) {
  return fmt::format("{:<32} {:>6.1f} %   {:>5.1f} … {:>5.1f}   {}\n", Shortened(VisibleLine(name), 32),
                     100 * rate.pass_at_1, 100 * rate.interval.low, 100 * rate.interval.high,
                     Counted(rate.problems, "problem"));
}

std::string PromptLine(const BenchmarkReport& report) {
  if (!report.asked) return "prompt: not known, the responses were given\n";
  if (report.official_prompt.empty()) return "prompt: not the official one\n";
  return fmt::format("prompt: the official one to the byte ({})\n", report.official_prompt);
}

std::string SamplesLine(const BenchmarkReport& report) {
  std::string text = "samples:";
  const char* separator = " ";
  for (const auto& [reason, count] : report.reasons) {
    text += fmt::format("{}{} {}", separator, WithThousands(count), reason);
    separator = ", ";
  }
  if (report.mean_tokens > 0) text += fmt::format("; {:.0f} tokens in the mean", report.mean_tokens);
  return text + "\n";
}

std::string RunsLine(const BenchmarkReport& report) {
  if (report.runs.size() < 2) return {};
  const auto [least, most] = std::minmax_element(report.runs.begin(), report.runs.end());
  std::string text =
      fmt::format("runs: {} with pass@1 of {:.1f} … {:.1f} %", report.runs.size(), 100 * *least, 100 * *most);
  for (const auto& [k, value] : report.pass_at) text += fmt::format("; pass@{} {:.1f} %", k, 100 * value);
  return text + "\n";
}

Json ToJson(const Rate& rate) {
  return {{"pass_at_1", rate.pass_at_1},
          {"low", rate.interval.low},
          {"high", rate.interval.high},
          {"problems", rate.problems}};
}

}  // namespace

BenchmarkReport MakeReport(const Benchmark& benchmark, const std::vector<BenchmarkProblem>& problems,
                           const std::vector<SampleVerdict>& verdicts, uint32_t samples) {
  BenchmarkReport report;
  report.benchmark = benchmark.name;
  report.title = benchmark.title;
  report.published_rows = benchmark.rows;
  report.samples = samples;
  const Sums sums = CountVerdicts(problems, verdicts, samples, report);
  report.all = RateOf(sums.right, samples, [](size_t) { return true; });
  for (const uint64_t right : sums.right_of_run) {
    report.runs.push_back(static_cast<double>(right) / static_cast<double>(problems.size()));
  }
  AddPassAtK(sums, report);
  AddGroups(problems, sums, report);
  for (const BenchmarkProblem& problem : problems) report.errata += problem.in_errata ? 1 : 0;
  if (report.errata > 0) {
    report.without_errata = RateOf(sums.right, samples, [&](size_t i) { return !problems[i].in_errata; });
  }
  if (sums.with_tokens > 0) {
    report.mean_tokens = static_cast<double>(sums.tokens) / static_cast<double>(sums.with_tokens);
  }
  return report;
}

std::string ReportText(const BenchmarkReport& report) {
  std::string text =
      fmt::format("{}{}: {}{}, {} each\n", report.title, report.subset.empty() ? "" : " " + report.subset,
                  Counted(report.all.problems, "problem"),
                  report.published_rows > 0 && report.published_rows != report.all.problems
                      ? fmt::format(" of {} published", WithThousands(report.published_rows))
                      : "",
                  Counted(report.samples, "sample"));
  text += PromptLine(report);
  text += fmt::format("{:<32} {:>8}   95 % interval\n", "", "pass@1");
  for (const auto& [group, values] : report.groups) {
    for (const auto& [value, rate] : values) text += RateLine(group + " " + value, rate);
  }
  text += RateLine("all", report.all);
  if (report.errata > 0) text += RateLine("without the errata", report.without_errata);
  for (const auto& [name, view] : report.official) {
    text += fmt::format("{:<32} {:>6.1f} %   differs on {}\n", "as " + name + " grades", 100 * view.pass_at_1,
                        Counted(view.differs, "sample"));
  }
  text += RunsLine(report) + SamplesLine(report);
  if (!report.sandbox.empty())
    text += fmt::format("programs ran in the sandbox at level {}\n", report.sandbox);
  return text;
}

std::string ReportJson(const BenchmarkReport& report) {
  Json json{{"benchmark", report.benchmark},
            {"title", report.title},
            {"subset", report.subset},
            {"problems", report.all.problems},
            {"published_rows", report.published_rows},
            {"samples", report.samples},
            {"official_prompt", report.official_prompt.empty() ? Json() : Json(report.official_prompt)},
            {"all", ToJson(report.all)},
            {"pass_at", Json::object()},
            {"runs", report.runs},
            {"groups", Json::object()},
            {"reasons", report.reasons},
            {"official", Json::object()},
            {"mean_tokens", report.mean_tokens},
            {"sandbox", report.sandbox.empty() ? Json() : Json(report.sandbox)}};
  for (const auto& [k, value] : report.pass_at) json["pass_at"][std::to_string(k)] = value;
  for (const auto& [group, values] : report.groups) {
    for (const auto& [value, rate] : values) json["groups"][group][value] = ToJson(rate);
  }
  for (const auto& [name, view] : report.official) {
    json["official"][name] = {{"pass_at_1", view.pass_at_1}, {"differs", view.differs}};
  }
  if (report.errata > 0) json["without_errata"] = ToJson(report.without_errata);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tessy
