#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tessy::bench {

// What drawing one token costs, by one way of sampling. Milliseconds of one thread.
struct DrawingCost {
  std::string name;
  double ours = 0.0;    // Sampler::Draw
  double sorted = 0.0;  // the whole vocabulary put into order first
};

// Draws from random logits (normal, deviation 3) of this many entries by several ways of sampling, in turns
// with sorting all of them; the best of `rounds` rounds of 8 draws each.
std::vector<DrawingCost> MeasureDrawing(size_t entries, int rounds);

}  // namespace tessy::bench
