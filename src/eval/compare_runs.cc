#include "eval/compare_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "base/numbers.h"
#include "base/shorten.h"
#include "base/visible.h"
#include "dataset/line_reader.h"
#include "judge/grading.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

struct Tally {
  uint64_t right = 0;
  std::set<uint32_t> samples = {};

  double Share() const { return static_cast<double>(right) / static_cast<double>(samples.size()); }
};
using Tallies = std::map<std::string, Tally>;

std::string VerdictsOf(const std::string& name) {
  const std::string of_run = name + ".run/verdicts.jsonl";
  std::error_code error;
  return std::filesystem::exists(of_run, error) ? of_run : name;
}

Result<Tallies> ReadTallies(const std::string& name) {
  auto lines = LineReader::Open(VerdictsOf(name));
  if (!lines) return tl::unexpected(lines.error());
  Tallies tallies;
  for (;;) {
    const auto line = lines->Next();
    if (!line) return tl::unexpected(line.error());
    if (!*line) return tallies;
    const auto where = [&] { return fmt::format("{}:{}: ", lines->name(), lines->line()); };
    const auto verdict = ParseVerdict(**line);
    if (!verdict) return Fail(verdict.error().code, where() + verdict.error().message);
    Tally& tally = tallies[verdict->question_id];
    if (!tally.samples.insert(verdict->sample).second) {
      return Fail(ErrorCode::kInvalidData, fmt::format("{}sample {} of question \"{}\" is there twice",
                                                       where(), verdict->sample, verdict->question_id));
    }
    tally.right += verdict->right ? 1 : 0;
  }
}

bool HasOneSampleEach(const Tallies& tallies) {
  return std::all_of(tallies.begin(), tallies.end(),
                     [](const auto& one) { return one.second.samples.size() == 1; });
}

void Sort(std::vector<ChangedProblem>& problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const ChangedProblem& x, const ChangedProblem& y) {
    return std::abs(x.share_b - x.share_a) > std::abs(y.share_b - y.share_a);
  });
}

std::string ListText(const char* title, const std::vector<ChangedProblem>& problems, size_t most) {
  std::string text = fmt::format("{}: {}\n", title, problems.size());
  for (size_t i = 0; i < std::min(most, problems.size()); ++i) {
    const ChangedProblem& one = problems[i];
    text += fmt::format("  {}   {:.0f} % → {:.0f} %\n", Shortened(VisibleLine(one.id), 60), 100 * one.share_a,
                        100 * one.share_b);
  }
  if (problems.size() > most)
    text += fmt::format("  and {} more (--json lists all)\n", problems.size() - most);
  return text;
}

Json ListJson(const std::vector<ChangedProblem>& problems) {
  Json list = Json::array();
  for (const ChangedProblem& one : problems) {
    list.push_back({{"question_id", one.id}, {"a", one.share_a}, {"b", one.share_b}});
  }
  return list;
}

}  // namespace

Result<Comparison> CompareRuns(const std::string& a, const std::string& b) {
  auto of_a = ReadTallies(a);
  if (!of_a) return tl::unexpected(of_a.error());
  auto of_b = ReadTallies(b);
  if (!of_b) return tl::unexpected(of_b.error());
  Comparison comparison;
  comparison.name_a = a;
  comparison.name_b = b;
  std::vector<double> differences;
  for (const auto& [id, tally] : *of_a) {
    const auto other = of_b->find(id);
    if (other == of_b->end()) {
      ++comparison.only_a;
      continue;
    }
    const ChangedProblem one{.id = id, .share_a = tally.Share(), .share_b = other->second.Share()};
    comparison.pass_a += one.share_a;
    comparison.pass_b += one.share_b;
    differences.push_back(one.share_b - one.share_a);
    if (one.share_b > one.share_a) comparison.won.push_back(one);
    if (one.share_b < one.share_a) comparison.lost.push_back(one);
  }
  comparison.problems = differences.size();
  comparison.only_b = of_b->size() - comparison.problems;
  if (differences.empty()) {
    return Fail(ErrorCode::kInvalidData, fmt::format("{} and {} have no problem in common", a, b));
  }
  comparison.pass_a /= static_cast<double>(differences.size());
  comparison.pass_b /= static_cast<double>(differences.size());
  comparison.difference = comparison.pass_b - comparison.pass_a;
  comparison.interval = Bootstrap95(differences);
  comparison.bootstrap_p = BootstrapP(differences);
  if (HasOneSampleEach(*of_a) && HasOneSampleEach(*of_b)) {
    comparison.mcnemar = McNemarExact(comparison.lost.size(), comparison.won.size());
  }
  Sort(comparison.won);
  Sort(comparison.lost);
  return comparison;
}

std::string ComparisonText(const Comparison& c, size_t most) {
  std::string text = fmt::format("A {}\nB {}\n", VisibleLine(c.name_a), VisibleLine(c.name_b));
  text += fmt::format("{} in both", Counted(c.problems, "problem"));
  if (c.only_a + c.only_b > 0)
    text += fmt::format("; left out: {} only in A, {} only in B", c.only_a, c.only_b);
  text += fmt::format(
      "\npass@1   A {:.1f} %   B {:.1f} %   difference {:+.1f} points, 95 % {:+.1f} … {:+.1f}\n",
      100 * c.pass_a, 100 * c.pass_b, 100 * c.difference, 100 * c.interval.low, 100 * c.interval.high);
  text += fmt::format("p = {:.4f} (paired bootstrap over problems)", c.bootstrap_p);
  if (c.mcnemar) text += fmt::format(", {:.4f} (McNemar, exact)", *c.mcnemar);
  return text + "\n" + ListText("better in B", c.won, most) + ListText("better in A", c.lost, most);
}

std::string ComparisonJson(const Comparison& c) {
  const Json json{{"a", c.name_a},
                  {"b", c.name_b},
                  {"problems", c.problems},
                  {"only_a", c.only_a},
                  {"only_b", c.only_b},
                  {"pass_at_1", {{"a", c.pass_a}, {"b", c.pass_b}}},
                  {"difference", c.difference},
                  {"low", c.interval.low},
                  {"high", c.interval.high},
                  {"bootstrap_p", c.bootstrap_p},
                  {"mcnemar_p", c.mcnemar ? Json(*c.mcnemar) : Json()},
                  {"won", ListJson(c.won)},
                  {"lost", ListJson(c.lost)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tessy
