#include "select/variants.h"

#include <cstdint>
#include <unordered_map>
#include <unordered_set>

namespace tessy {

std::vector<size_t> StandInsOf(std::span<const NumbersApart> cluster) {
  // The lists of numbers with which each text stands in the cluster.
  std::unordered_map<uint64_t, std::unordered_set<uint64_t>> lists;
  for (const NumbersApart& text : cluster) lists[text.words].insert(text.numbers);
  std::unordered_map<uint64_t, size_t> kept;  // by their numbers
  std::vector<size_t> stand_ins;
  stand_ins.reserve(cluster.size());
  for (size_t i = 0; i < cluster.size(); ++i) {
    const bool is_variant = lists[cluster[i].words].size() > 1;
    const auto same = kept.find(cluster[i].numbers);
    if (same != kept.end()) {
      stand_ins.push_back(same->second);
    } else if (i == 0 || is_variant) {
      kept.emplace(cluster[i].numbers, i);
      stand_ins.push_back(i);
    } else {
      stand_ins.push_back(0);
    }
  }
  return stand_ins;
}

}  // namespace tessy
