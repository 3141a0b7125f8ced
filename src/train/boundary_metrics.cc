#include "train/boundary_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

constexpr float kThreshold = 0.5F;

double Share(uint64_t part, uint64_t all) {
  return all == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(all);
}

bool IsStyle(int32_t target) { return target == 1; }
bool TakenForStyle(float p_style) { return p_style >= kThreshold; }

// The places of one example that have a target: the owner of the next token, and the prediction.
struct Places {
  std::vector<bool> style;
  std::vector<bool> predicted;
};

Places PlacesOf(const Example& example, const std::vector<float>& p_style) {
  Places places;
  for (size_t i = 0; i < example.size(); ++i) {
    if (example.targets[i] == Example::kIgnored) continue;
    places.style.push_back(IsStyle(example.targets[i]));
    places.predicted.push_back(TakenForStyle(p_style[i]));
  }
  return places;
}

// The tokens from style[begin] up to style[end] are a run of one owner. The first token of a run stays with
// its owner whatever is predicted (min_span_tokens), so the first place that counts is after it.
void CountRun(const Places& places, size_t begin, size_t end, CutErrors& errors) {
  const bool style = places.style[begin];
  const size_t size = places.style.size();
  size_t cut = begin + 1;
  while (cut < size && places.predicted[cut] == style) ++cut;
  const bool has_end = end < size;
  if (!has_end && cut >= size) return;  // neither the run nor the prediction ends in sight
  ++errors.runs;
  errors.distance += cut > end ? cut - end : end - cut;
  if (cut == end) ++errors.exact;
  if (cut < end) ++errors.early;
  if (cut > end) ++errors.late;
  if (cut >= size) ++errors.missed;
}

void CountRuns(const Places& places, BoundaryMetrics& metrics) {
  for (size_t begin = 0; begin < places.style.size();) {
    size_t end = begin + 1;
    while (end < places.style.size() && places.style[end] == places.style[begin]) ++end;
    CountRun(places, begin, end, places.style[begin] ? metrics.style_runs : metrics.capability_runs);
    begin = end;
  }
}

class Calibration {
 public:
  void Add(float p, bool style) {
    const auto scaled = static_cast<size_t>(p * static_cast<float>(BoundaryMetrics::kCalibrationBins));
    Bin& bin = bins_[std::min(scaled, BoundaryMetrics::kCalibrationBins - 1)];
    ++bin.count;
    bin.confidence += p;
    bin.style += style ? 1 : 0;
  }
  double Error() const {
    double error = 0.0;
    uint64_t count = 0;
    for (const Bin& bin : bins_) {
      error += std::abs(bin.confidence - static_cast<double>(bin.style));
      count += bin.count;
    }
    return count == 0 ? 0.0 : error / static_cast<double>(count);
  }

 private:
  struct Bin {
    uint64_t count = 0;
    double confidence = 0.0;
    uint64_t style = 0;
  };
  std::array<Bin, BoundaryMetrics::kCalibrationBins> bins_{};
};

Json ToJson(const Confusion& confusion) {
  return {{"style_as_style", confusion.style_as_style},
          {"style_as_capability", confusion.style_as_capability},
          {"capability_as_style", confusion.capability_as_style},
          {"capability_as_capability", confusion.capability_as_capability}};
}

Json ToJson(const CutErrors& errors) {
  return {{"runs", errors.runs}, {"exact", errors.exact},   {"early", errors.early},
          {"late", errors.late}, {"missed", errors.missed}, {"mean_distance", errors.mean_distance()}};
}

std::string Describe(const char* what, const CutErrors& errors) {
  return fmt::format(
      "{:<17}  {:.2f} tokens off on average, {:.1f} % exact, {:.1f} % early, {:.1f} % late ({} runs)", what,
      errors.mean_distance(), 100.0 * Share(errors.exact, errors.runs),
      100.0 * Share(errors.early, errors.runs), 100.0 * Share(errors.late, errors.runs), errors.runs);
}

}  // namespace

void Confusion::Add(bool style, bool taken_for_style) {
  ++(style ? (taken_for_style ? style_as_style : style_as_capability)
           : (taken_for_style ? capability_as_style : capability_as_capability));
}

uint64_t Confusion::count() const {
  return style_as_style + style_as_capability + capability_as_style + capability_as_capability;
}

double Confusion::accuracy() const { return Share(style_as_style + capability_as_capability, count()); }
double Confusion::precision() const { return Share(style_as_style, style_as_style + capability_as_style); }
double Confusion::recall() const { return Share(style_as_style, style_as_style + style_as_capability); }
double Confusion::f1() const {
  return Share(2 * style_as_style, 2 * style_as_style + capability_as_style + style_as_capability);
}

double CutErrors::mean_distance() const { return Share(distance, runs); }

BoundaryMetrics Measure(std::span<const Example> examples, std::span<const std::vector<float>> p_style) {
  BoundaryMetrics metrics;
  Calibration calibration;
  double loss = 0.0;
  for (size_t e = 0; e < examples.size(); ++e) {
    const Example& example = examples[e];
    for (size_t i = 0; i < example.size(); ++i) {
      if (example.targets[i] == Example::kIgnored) continue;
      const bool style = IsStyle(example.targets[i]);
      const float p = p_style[e][i];
      metrics.all.Add(style, TakenForStyle(p));
      const size_t position = std::min(i / BoundaryMetrics::kPositionWidth, BoundaryMetrics::kPositions - 1);
      metrics.by_position[position].Add(style, TakenForStyle(p));
      calibration.Add(p, style);
      loss -= std::log(std::max(1e-30, static_cast<double>(style ? p : 1.0F - p)));
    }
    CountRuns(PlacesOf(example, p_style[e]), metrics);
  }
  metrics.calibration_error = calibration.Error();
  metrics.loss = metrics.all.count() == 0 ? 0.0 : loss / static_cast<double>(metrics.all.count());
  return metrics;
}

std::string BoundaryMetrics::ToJson() const {
  Json json{{"accuracy", all.accuracy()},
            {"precision", all.precision()},
            {"recall", all.recall()},
            {"f1", all.f1()},
            {"calibration_error", calibration_error},
            {"loss", loss},
            {"tokens", all.count()},
            {"confusion", tessy::ToJson(all)},
            {"style_runs", tessy::ToJson(style_runs)},
            {"capability_runs", tessy::ToJson(capability_runs)}};
  json["by_position"] = Json::array();
  for (size_t i = 0; i < kPositions; ++i) {
    if (by_position[i].count() == 0) continue;
    Json row = tessy::ToJson(by_position[i]);
    row["from_token"] = i * kPositionWidth;
    row["accuracy"] = by_position[i].accuracy();
    json["by_position"].push_back(std::move(row));
  }
  return json.dump();
}

std::string BoundaryMetrics::Describe() const {
  std::string out = fmt::format(
      "accuracy {:.4f}, style: precision {:.4f}, recall {:.4f}, F1 {:.4f}; calibration error {:.4f}; loss "
      "{:.4f} "
      "({} tokens)\n",
      all.accuracy(), all.precision(), all.recall(), all.f1(), calibration_error, loss, all.count());
  out += tessy::Describe("cuts after style", style_runs) + "\n";
  out += tessy::Describe("after capability", capability_runs) + "\n";
  out += "accuracy by position";
  for (size_t i = 0; i < kPositions; ++i) {
    if (by_position[i].count() > 0)
      out += fmt::format("  {}: {:.3f}", i * kPositionWidth, by_position[i].accuracy());
  }
  return out + "\n";
}

}  // namespace tessy
