#include "lab/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/html.h"
#include "base/utf8.h"
#include "embedded/lab.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kTasks[] = {"CODE", "ADD", "MAX", "REV"};

// A number at a path of keys; NaN if there is none.
double At(const Json& json, std::initializer_list<const char*> path) {
  const Json* at = &json;
  for (const char* key : path) {
    if (!at->is_object() || !at->contains(key)) return NAN;
    at = &(*at)[key];
  }
  return at->is_number() ? at->get<double>() : NAN;
}

double Mean(const Json& runs, std::initializer_list<const char*> path) {
  double sum = 0.0;
  double count = 0.0;
  for (const Json& run : runs) {
    const double value = At(run, path);
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return count > 0 ? sum / count : NAN;
}

std::string Percent(double share) { return std::isnan(share) ? "–" : fmt::format("{:.1f}", 100 * share); }
std::string Decimals(double value, int digits) {
  return std::isnan(value) ? "–" : fmt::format("{:.{}f}", value, digits);
}

// What the table has of a method.
struct Row {
  std::string name;
  std::array<double, 4> accuracy{};
  double loss = NAN;
  double similarity = NAN;
  double right = NAN;
  double tokens = NAN;
  double share = NAN;
  double paper = NAN;  // Table 1: mean of the four in-domain benchmarks
  double paper_out = NAN;
};

// arXiv 2604.14164, Table 1: LCB-V5, LCB-V6, LCB-Pro and OJBench in domain, then GPQA, AIME 2024, AIME 2025
// and OlympiadBench; pass@1 of Qwen3-8B as it is and tuned on each method's data.
struct PaperRow {
  const char* name;
  std::array<double, 8> figures;
};
constexpr PaperRow kPaper[] = {
    {"student", {55.09, 49.58, 25.35, 18.75, 60.16, 76.67, 69.17, 69.81}},
    {"teacher-score", {54.55, 48.0, 26.06, 18.32, 60.61, 75.42, 66.77, 69.53}},
    {"teacher-reference", {51.5, 43.43, 19.26, 14.22, 60.61, 71.98, 62.29, 67.8}},
    {"teacher-answer", {35.33, 33.14, 21.39, 14.01, 60.42, 74.79, 64.48, 69.4}},
    {"teacher-think", {47.9, 43.43, 24.36, 12.5, 54.29, 77.81, 69.06, 69.59}},
    {"teacher-mix", {45.51, 40.57, 21.95, 11.85, 57.39, 75.21, 61.56, 68.6}},
    {"teacher-only", {41.32, 36.57, 22.1, 8.73, 55.81, 76.88, 66.46, 67.76}},
    {"tessy", {62.87, 55.43, 36.69, 25.43, 59.34, 80.42, 70.1, 69.8}},
};

void AddPaper(Row& row) {
  for (const PaperRow& paper : kPaper) {
    if (row.name != paper.name) continue;
    const auto mean_of = [&](size_t first) {
      double sum = 0.0;
      for (size_t i = first; i < first + 4; ++i) sum += paper.figures[i];
      return sum / 400;
    };
    row.paper = mean_of(0);
    row.paper_out = mean_of(4);
  }
}

size_t PlaceOf(const Json& names, std::string_view name) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return i;
  }
  return names.size();
}

std::vector<Row> RowsOf(const Json& results) {
  std::vector<Row> rows;
  for (const char* role : {"student", "teacher"}) {
    Row row{.name = role};
    for (size_t i = 0; i < 4; ++i) row.accuracy[i] = At(results, {role, kTasks[i], "pass_at_1"});
    AddPaper(row);
    rows.push_back(row);
  }
  const Json& similarity = results.contains("similarity") ? results["similarity"] : Json::object();
  for (const Json& method : results.value("methods", Json::array())) {
    Row row{.name = method.value("name", "")};
    for (size_t i = 0; i < 4; ++i)
      row.accuracy[i] = Mean(method["runs"], {"accuracy", kTasks[i], "pass_at_1"});
    row.loss = Mean(method["runs"], {"loss", "mean"});
    row.right = At(method, {"data", "right"});
    row.tokens = At(method, {"data", "thinking_tokens"});
    row.share = At(method, {"data", "teacher_share"});
    if (similarity.contains("methods")) {
      const size_t self = PlaceOf(similarity["methods"], row.name);
      const size_t student = PlaceOf(similarity["methods"], "student-only");
      if (self < similarity["methods"].size() && student < similarity["methods"].size()) {
        row.similarity = similarity["matrix"][self][student].get<double>();
      }
    }
    AddPaper(row);
    rows.push_back(row);
  }
  return rows;
}

// ---- Pictures.

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

constexpr double kWidth = 640;
constexpr double kHeight = 300;
constexpr double kLeft = 44;
constexpr double kRight = 12;
constexpr double kTop = 12;
constexpr double kBottom = 34;

// Lines over steps; every line ends in its name's number, the legend below tells which it is.
std::string LineChart(const std::string& title, const std::vector<Series>& all, double y_max, bool percent,
                      const std::string& x_name) {
  double x_max = 1;
  for (const Series& series : all) {
    for (const auto& [x, y] : series.points) x_max = std::max(x_max, x);
  }
  const auto x_of = [&](double x) { return kLeft + x / x_max * (kWidth - kLeft - kRight); };
  const auto y_of = [&](double y) {
    return kHeight - kBottom - std::min(y, y_max) / y_max * (kHeight - kTop - kBottom);
  };
  std::string svg = fmt::format(R"(<figure><svg viewBox="0 0 {} {}" role="img" aria-label="{}">)", kWidth,
                                kHeight, EscapeHtml(title));
  for (int i = 0; i <= 4; ++i) {
    const double y = y_max * i / 4;
    svg += fmt::format(R"(<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)", kLeft,
                       kWidth - kRight, y_of(y), y_of(y));
    svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)", kLeft - 6, y_of(y) + 4,
                       percent ? fmt::format("{:.0f} %", 100 * y) : fmt::format("{:.2g}", y));
    const double x = x_max * i / 4;
    svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{:.0f}</text>)", x_of(x),
                       kHeight - 16, x);
  }
  svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)", kWidth - kRight,
                     kHeight - 2, x_name);
  for (size_t i = 0; i < all.size(); ++i) {
    std::string points;
    for (const auto& [x, y] : all[i].points) points += fmt::format("{:.1f},{:.1f} ", x_of(x), y_of(y));
    svg += fmt::format(R"(<polyline class="c{}" points="{}"><title>{}</title></polyline>)", i, points,
                       EscapeHtml(all[i].name));
  }
  svg += "</svg><figcaption>";
  for (size_t i = 0; i < all.size(); ++i) {
    svg += fmt::format(R"(<span class="key c{}">{}</span> )", i, EscapeHtml(all[i].name));
  }
  return svg + "</figcaption></figure>";
}

// Means of `width` steps, so that the eye sees the course.
std::vector<std::pair<double, double>> Smoothed(const Json& curve, const char* key, int width) {
  std::vector<std::pair<double, double>> points;
  double sum = 0.0;
  int count = 0;
  for (const Json& point : curve) {
    if (!point.contains(key)) continue;
    sum += point[key].get<double>();
    if (++count < width) continue;
    points.emplace_back(point.value("step", 0.0), sum / count);
    sum = 0.0;
    count = 0;
  }
  return points;
}

std::string AccuracyChart(const Json& results) {
  std::vector<Series> all;
  const double before = At(results, {"student", "CODE", "pass_at_1"});
  for (const Json& method : results["methods"]) {
    Series series{.name = method.value("name", ""), .points = {{0, before}}};
    if (method["runs"].empty()) continue;
    for (size_t i = 0; i < method["runs"][0]["code_by_step"].size(); ++i) {
      double sum = 0.0;
      for (const Json& run : method["runs"]) sum += run["code_by_step"][i]["pass_at_1"].get<double>();
      series.points.emplace_back(method["runs"][0]["code_by_step"][i].value("step", 0.0),
                                 sum / static_cast<double>(method["runs"].size()));
    }
    all.push_back(std::move(series));
  }
  return LineChart("CODE pass@1 by fine-tuning step", all, 1.0, true, "steps");
}

std::string HighRateChart(const Json& results) {
  std::vector<Series> all;
  const double before = At(results, {"student", "CODE", "pass_at_1"});
  for (const Json& run : results.value("high_rate", Json::array())) {
    Series series{.name = run.value("name", ""), .points = {{0, before}}};
    for (const Json& point : run["code_by_step"]) {
      series.points.emplace_back(point.value("step", 0.0), point.value("pass_at_1", 0.0));
    }
    all.push_back(std::move(series));
  }
  return all.empty() ? "" : LineChart("CODE pass@1 at three times the rate", all, 1.0, true, "steps");
}

std::string LossChart(const Json& results) {
  std::vector<Series> all;
  double top = 0.0;
  for (const Json& method : results["methods"]) {
    if (method["runs"].empty()) continue;
    Series series{.name = method.value("name", ""),
                  .points = Smoothed(method["runs"][0]["loss"]["curve"], "loss", 8)};
    for (const auto& [x, y] : series.points) top = std::max(top, y);
    all.push_back(std::move(series));
  }
  return LineChart("training loss by step", all, std::max(0.1, std::ceil(top * 10) / 10), false, "steps");
}

std::string KindLossChart(const Json& results) {
  std::vector<Series> all;
  double top = 0.0;
  for (const Json& method : results["methods"]) {
    const std::string name = method.value("name", "");
    if (name != "tessy" && name != "teacher-only") continue;
    for (const char* kind : {"style", "capability", "thinking"}) {
      Series series{.name = fmt::format("{}: {}", name, kind),
                    .points = Smoothed(method["runs"][0]["loss"]["curve"], kind, 8)};
      if (series.points.empty()) continue;
      for (const auto& [x, y] : series.points) top = std::max(top, y);
      all.push_back(std::move(series));
    }
  }
  return LineChart("loss by kind of token", all, std::max(0.1, std::ceil(top * 10) / 10), false, "steps");
}

std::string SimilarityTable(const Json& results) {
  if (!results.contains("similarity")) return "";
  const Json& names = results["similarity"]["methods"];
  const Json& matrix = results["similarity"]["matrix"];
  std::string html = R"(<div class="scroll"><table class="heat"><thead><tr><th></th>)";
  for (size_t i = 0; i < names.size(); ++i) html += fmt::format("<th>{}</th>", i + 1);
  html += "</tr></thead><tbody>";
  for (size_t i = 0; i < names.size(); ++i) {
    html += fmt::format("<tr><th>{} {}</th>", i + 1, EscapeHtml(names[i].get<std::string>()));
    for (size_t j = 0; j < names.size(); ++j) {
      const double value = matrix[i][j].get<double>();
      html += fmt::format(R"(<td style="--v:{:.0f}%">{:.2f}</td>)", 100 * value, value);
    }
    html += "</tr>";
  }
  return html + "</tbody></table></div>";
}

std::string Bars(const std::vector<Row>& rows) {
  double most = 1;
  for (const Row& row : rows) most = std::isnan(row.tokens) ? most : std::max(most, row.tokens);
  std::string html = R"(<div class="bars">)";
  for (const Row& row : rows) {
    if (std::isnan(row.tokens)) continue;
    const double width = 100 * row.tokens / most;
    html += fmt::format(
        R"(<span>{}</span><span class="track" title="{:.1f} thinking tokens, {:.0f} % the teacher's"><i class="s" style="width:{:.1f}%"></i><i class="t" style="width:{:.1f}%"></i></span><span>{:.1f}</span>)",
        EscapeHtml(row.name), row.tokens, 100 * row.share, width * (1 - row.share), width * row.share,
        row.tokens);
  }
  return html + "</div>";
}

std::string TraceOf(const Response& response) {
  const std::string& content = response.messages.back().content;
  std::string html = fmt::format(R"(<article><h3>{}</h3><p class="question">{}</p><p class="trace">)",
                                 EscapeHtml(response.method), EscapeHtml(response.messages.front().content));
  size_t at = 0;
  for (const ResponseSpan& span : response.spans) {
    const size_t start = ByteOffset(content, span.start);
    const size_t end = ByteOffset(content, span.end);
    html += fmt::format(R"(<span class="marker">{}</span><span class="{}">{}</span>)",
                        EscapeHtml(std::string_view(content).substr(at, start - at)),
                        span.role == Role::kStudent ? "s" : "t",
                        EscapeHtml(std::string_view(content).substr(start, end - start)));
    at = end;
  }
  return html + "</p></article>";
}

std::string Table(const std::vector<Row>& rows) {
  std::string html =
      R"(<div class="scroll"><table><thead><tr><th>tuned on</th><th>CODE</th><th>ADD</th><th>MAX</th><th>REV</th>)"
      R"(<th>mean loss</th><th>like the student</th><th>right in data</th>)"
      R"(<th class="paper">paper: in domain</th><th class="paper">out of domain</th></tr></thead><tbody>)";
  for (const Row& row : rows) {
    const char* kind = row.name == "tessy" ? " class=\"own\"" : "";
    const bool is_model = row.name == "student" || row.name == "teacher";
    html += fmt::format("<tr{}><th>{}</th>", kind,
                        EscapeHtml(is_model ? fmt::format("({} as it is)", row.name) : row.name));
    for (const double accuracy : row.accuracy) html += fmt::format("<td>{}</td>", Percent(accuracy));
    html += fmt::format(
        R"(<td>{}</td><td>{}</td><td>{}</td><td class="paper">{}</td><td class="paper">{}</td></tr>)",
        Decimals(row.loss, 3), Decimals(row.similarity, 3), Percent(row.right), Percent(row.paper),
        Percent(row.paper_out));
  }
  return html + "</tbody></table></div>";
}

void Section(std::string& page, const char* title, const char* text, const std::string& body) {
  if (body.empty()) return;
  page += fmt::format("<section><h2>{}</h2><p>{}</p>{}</section>", title, text, body);
}

}  // namespace

std::string RenderLabTable(std::string_view results_json) {
  const Json results = Json::parse(results_json, nullptr, false);
  if (!results.is_object()) return "";
  std::string text = fmt::format("{:<24}{:>7}{:>7}{:>7}{:>7}{:>8}{:>9}{:>8}{:>9}\n", "pass@1 after tuning on",
                                 "CODE", "ADD", "MAX", "REV", "loss", "similar", "right", "tokens");
  for (const Row& row : RowsOf(results)) {
    const bool is_model = row.name == "student" || row.name == "teacher";
    text += fmt::format("{:<24}", is_model ? fmt::format("({} as it is)", row.name) : row.name);
    for (const double accuracy : row.accuracy) text += fmt::format("{:>7}", Percent(accuracy));
    text += fmt::format("{:>8}{:>9}{:>8}{:>9}\n", Decimals(row.loss, 3), Decimals(row.similarity, 3),
                        Percent(row.right), Decimals(row.tokens, 1));
  }
  return text;
}

std::string RenderLabReport(std::string_view results_json, std::span<const Response> traces) {
  const Json results = Json::parse(results_json, nullptr, false);
  if (!results.is_object()) return "";
  const auto rows = RowsOf(results);
  std::string page =
      R"(<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">)"
      R"(<link rel="icon" href="data:,"><title>tessy lab</title><style>)";
  page += embedded::lab::kReportCss;
  page += "</style></head><body><main><h1>The paper in miniature</h1>";
  page += fmt::format(
      "<p>Two small models, trained from nothing on arithmetic modulo 13: a student that thinks aloud well "
      "and knows some "
      "products wrong, and a teacher that knows them right and writes another way. The student is tuned on "
      "{} questions' data of "
      "each method; pass@1 at temperature 0.6, {} fine-tuning{} of {} steps.{}</p>",
      rows.size() > 2 ? At(results["methods"][0], {"data", "responses"}) : 0.0, results.value("seeds", 1),
      results.value("seeds", 1) == 1 ? "" : "s",
      results["steps"].empty() ? 0 : results["steps"].back().get<int>(),
      results.value("quick", false) ? " This is the quick form: three methods, fewer problems." : "");
  Section(page, "What each method does to the student",
          "CODE is the domain that was tuned for, the others are what must not be forgotten. Beside it the "
          "paper&#8217;s Table 1, "
          "as means of its four benchmarks in domain and its four out of domain (Qwen3-8B, taught by "
          "GPT-OSS-120B).",
          Table(rows));
  Section(page, "Accuracy in domain by step", "Every curve begins with the student as it is.",
          AccuracyChart(results));
  Section(page, "At a higher rate",
          "At 3e-4 the same data drive the student faster; the teacher&#8217;s style first costs it what it "
          "could do.",
          HighRateChart(results));
  Section(page, "Training loss", "How foreign the data are to the student: means of eight steps.",
          LossChart(results));
  Section(page, "Training loss by kind of token",
          "Of the cooperative data, the student&#8217;s own style and the teacher&#8217;s substance apart.",
          KindLossChart(results));
  Section(page, "Similarity of the data",
          "Mean cosine of TF-IDF bags of the student&#8217;s tokens, on the same questions.",
          SimilarityTable(results));
  Section(page, "Who wrote how much", "Thinking tokens of a response, in the writer&#8217;s own vocabulary.",
          Bars(rows));
  std::string articles;
  for (const Response& trace : traces) articles += TraceOf(trace);
  Section(page, "The same question, written by each method",
          R"(<span class="s">student</span> and <span class="t">teacher</span>.)", articles);
  return page + "</main></body></html>\n";
}

}  // namespace tessy
