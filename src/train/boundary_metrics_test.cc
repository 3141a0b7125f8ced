#include "train/boundary_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace tessy {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// A window by its owners, "ssscc": the first letter is the token that nothing foretells.
Example WindowOf(const std::string& owners) {
  Example example;
  for (size_t i = 0; i < owners.size(); ++i) {
    const bool asked = i + 1 < owners.size();
    example.tokens.push_back(0);
    example.targets.push_back(!asked ? Example::kIgnored : owners[i + 1] == 's' ? 1 : 0);
    example.weights.push_back(1.0F);
    example.kinds.push_back(TargetKind::kStyle);
  }
  return example;
}

// Predictions for the same places: the owners of the next tokens, as the predictor sees them.
std::vector<float> Said(const std::string& owners, float sure = 0.9F) {
  std::vector<float> p;
  for (size_t i = 1; i < owners.size(); ++i) p.push_back(owners[i] == 's' ? sure : 1.0F - sure);
  p.push_back(kNan);
  return p;
}

BoundaryMetrics MetricsOf(const std::string& truth, const std::string& said) {
  const Example window = WindowOf(truth);
  const std::vector<float> p = Said(said);
  return Measure({&window, 1}, {&p, 1});
}

TEST(BoundaryMetricsTest, CountsByClass) {
  const auto m = MetricsOf("ssscccss", "sssssscc");
  EXPECT_EQ(m.all, (Confusion{.style_as_style = 2,
                              .style_as_capability = 2,
                              .capability_as_style = 3,
                              .capability_as_capability = 0}));
  EXPECT_DOUBLE_EQ(m.all.accuracy(), 2.0 / 7.0);
  EXPECT_DOUBLE_EQ(m.all.precision(), 2.0 / 5.0);
  EXPECT_DOUBLE_EQ(m.all.recall(), 0.5);
  EXPECT_DOUBLE_EQ(m.all.f1(), 4.0 / 9.0);
  EXPECT_EQ(m.by_position[0], m.all);
}

TEST(BoundaryMetricsTest, NothingToCountIsZero) {
  const BoundaryMetrics m = Measure({}, {});
  EXPECT_EQ(m.all.accuracy(), 0.0);
  EXPECT_EQ(m.all.f1(), 0.0);
  EXPECT_EQ(m.calibration_error, 0.0);
  EXPECT_EQ(m.style_runs.mean_distance(), 0.0);
}

// The runs are those of tokens that are foretold; the first token of each stays whatever is said.
TEST(BoundaryMetricsTest, CutsAreFollowedFromEachRunsStart) {
  const auto right = MetricsOf("xsssccc", "xsssccc");
  EXPECT_EQ(right.style_runs, (CutErrors{.runs = 1, .exact = 1}));
  EXPECT_EQ(right.capability_runs.runs, 0U);  // no end in sight, and none was seen

  const auto early = MetricsOf("xsssccc", "xssCccc");
  EXPECT_EQ(early.style_runs, (CutErrors{.runs = 1, .early = 1, .distance = 1}));

  const auto late = MetricsOf("xssscccc", "xsssssCc");
  EXPECT_EQ(late.style_runs, (CutErrors{.runs = 1, .late = 1, .distance = 2}));

  const auto missed = MetricsOf("xssscccc", "xsssssss");
  EXPECT_EQ(missed.style_runs, (CutErrors{.runs = 1, .late = 1, .missed = 1, .distance = 4}));

  // Cut inside a run that the window cuts off: wrong, as far as one can tell.
  const auto inside = MetricsOf("xsscccc", "xssccsc");
  EXPECT_EQ(inside.capability_runs, (CutErrors{.runs = 1, .early = 1, .distance = 2}));
}

TEST(BoundaryMetricsTest, AFirstTokenIsNeverCutAway) {
  // Said to be the other's at once: the first token stays, the second is handed over.
  const auto m = MetricsOf("xssscc", "xcccCC");
  EXPECT_EQ(m.style_runs, (CutErrors{.runs = 1, .early = 1, .distance = 2}));
}

TEST(BoundaryMetricsTest, CalibrationIsTheGapBetweenSaidAndSeen) {
  // 90 % sure and always right: too modest by a tenth.
  EXPECT_NEAR(MetricsOf("xsscc", "xsscc").calibration_error, 0.1, 1e-6);
  EXPECT_NEAR(MetricsOf("xsscc", "xccss").calibration_error, 0.9, 1e-6);
  EXPECT_NEAR(MetricsOf("xs", "xs").loss, -std::log(0.9), 1e-6);
}

TEST(BoundaryMetricsTest, JsonHoldsWhatIsShown) {
  const std::string truth(100, 's');
  const auto json = nlohmann::json::parse(MetricsOf(truth + "c", truth + "c").ToJson());
  EXPECT_EQ(json["accuracy"], 1.0);
  EXPECT_EQ(json["tokens"], 100);
  EXPECT_EQ(json["by_position"].size(), 4U);
  EXPECT_EQ(json["by_position"][3]["from_token"], 96);
  EXPECT_EQ(json["style_runs"]["exact"], 1);
}

}  // namespace
}  // namespace tessy
