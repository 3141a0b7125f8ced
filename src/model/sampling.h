#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cooperation/trace.h"
#include "model/wide_draw.h"

namespace tessy {

// How a token is drawn, in vLLM's order: the temperature first, then top-k, top-p and min-p on what is left.
// Defaults: the paper's (T = 0.7, top-p 0.8, top-k 20, min-p 0).
struct Sampling {
  float temperature = 0.7F;  // 0: the most probable token
  float top_p = 0.8F;        // 1: off
  int32_t top_k = 20;        // 0: off
  float min_p = 0.0F;        // 0: off

  bool operator==(const Sampling&) const = default;
};

// Draws token ids from logits. Keeps scratch space between calls, so that each thread needs its own instance.
class Sampler {
 public:
  explicit Sampler(const WideLoops& loops = FastestWideLoops()) : loops_(&loops), wide_(loops) {}

  // The token that `uniform`, in [0, 1), selects; equal arguments give equal tokens. Of equal logits the
  // lower id comes first. Logits that are not a number are never drawn; -1 if none is finite.
  TokenId Draw(std::span<const float> logits, const Sampling& sampling, double uniform);

 private:
  struct Candidate {
    float logit;
    TokenId id;
  };
  static bool IsBetter(const Candidate& a, const Candidate& b);
  void Gather(std::span<const float> logits, size_t count);
  void GatherFrom(std::span<const float> logits, double least);
  void Weigh(const Sampling& sampling);
  size_t Reaching(double limit) const;
  size_t ReachingOfAll(std::span<const float> logits, const Sampling& sampling) const;
  TokenId DrawCandidate(const Sampling& sampling, size_t size, double uniform) const;

  const WideLoops* loops_;
  std::vector<int32_t> ids_;
  std::vector<Candidate> candidates_;
  std::vector<double> weights_;  // of the candidates, as far as they are not negligible
  WideDraw wide_;
};

}  // namespace tessy
