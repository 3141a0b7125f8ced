#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "train/example.h"

namespace tessy {

// Counts of right and wrong predictions; style is the positive class.
struct Confusion {
  uint64_t style_as_style = 0;
  uint64_t style_as_capability = 0;
  uint64_t capability_as_style = 0;
  uint64_t capability_as_capability = 0;

  void Add(bool style, bool taken_for_style);
  uint64_t count() const;
  double accuracy() const;  // these four are 0 if nothing was counted
  double precision() const;
  double recall() const;
  double f1() const;

  bool operator==(const Confusion&) const = default;
};

// The distance, in tokens, between the predictor's cuts and the right ones, which is what the cooperation
// loop experiences. Every run of tokens of one owner is followed from its first token, as the loop follows a
// span. The right cut is the end of the run; the predicted cut is where the next token is first given to the
// other owner. A run that the window cuts off has no right cut and counts only if the predictor cuts inside
// it.
struct CutErrors {
  uint64_t runs = 0;
  uint64_t exact = 0;
  uint64_t early = 0;
  uint64_t late = 0;    // the predictor cut later, or not at all before the window's end
  uint64_t missed = 0;  // those of `late` without a cut; the distance counts up to the window's end
  uint64_t distance = 0;

  double mean_distance() const;  // 0 if there are no runs

  bool operator==(const CutErrors&) const = default;
};

struct BoundaryMetrics {
  static constexpr size_t kPositionWidth = 32;  // tokens of a window that are counted together
  static constexpr size_t kPositions = 8;       // the last one also takes all later positions
  static constexpr size_t kCalibrationBins = 15;

  Confusion all;
  std::array<Confusion, kPositions> by_position{};
  // The runs of each kind: the predictor B_S is asked inside style runs, B_T inside capability runs.
  CutErrors style_runs;
  CutErrors capability_runs;
  // Expected calibration error of P(style), in bins of equal width (Naeini et al., AAAI 2015; Guo et al.,
  // arXiv 1706.04599, section 2).
  double calibration_error = 0.0;
  double loss = 0.0;  // mean cross-entropy, nats

  std::string ToJson() const;    // one object, in one line
  std::string Describe() const;  // a few lines for people
};

// `p_style[i]` holds P(style) at every position of examples[i] that has a target. A prediction is style from
// 0.5 on (argmax). Pure.
BoundaryMetrics Measure(std::span<const Example> examples, std::span<const std::vector<float>> p_style);

}  // namespace tessy
