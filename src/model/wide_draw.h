#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cooperation/trace.h"
#include "model/wide_loops.h"

namespace tessy {

// Draws from the probabilities of a whole vocabulary, where neither top-k nor min-p leaves few candidates. No
// entry is sorted that does not have to be: weights are summed into bins of equal width in the logit, from
// the best entry down, and only the bins in which the draw or the limit of top-p falls are put into order. At
// 262,144 entries that is under a millisecond, where sorting them takes thirty (bench/, "drawing a token").
//
// The order is that of `Sampler`: by logit, of equal logits the lower id first; and a draw is a pure function
// of its arguments, whatever the processor. Where nearly all logits are equal, one bin holds them all and is
// sorted as a whole. Keeps scratch space between calls, so that each thread needs its own instance.
class WideDraw {
 public:
  explicit WideDraw(const WideLoops& loops = FastestWideLoops()) : loops_(&loops) {}

  // The token that `uniform`, in [0, 1), selects among the best entries whose probabilities reach `top_p` (1:
  // all of them). `best` is the largest logit and finite; `temperature` is above 0. Entries that are not a
  // number, and those whose weight exp((logit - best) / temperature) is below e^-46 (nothing, in a sum in
  // double precision), are never drawn.
  TokenId Draw(std::span<const float> logits, float best, float temperature, float top_p, double uniform);

 private:
  struct Entry {
    float logit;
    TokenId id;
    double weight;
  };
  double FillBins(std::span<const float> logits, double best, double rate);
  // The entries of one bin, in their order, in entries_.
  void Sort(std::span<const float> logits, double best, double rate, size_t bin);

  const WideLoops* loops_;
  std::vector<uint16_t> bin_of_;  // by entry
  std::vector<double> sums_;      // by bin
  std::vector<Entry> entries_;
};

}  // namespace tessy
