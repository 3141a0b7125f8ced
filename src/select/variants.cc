#include "select/variants.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>

namespace tessy {
namespace {

// For every text whether the cluster has it with other numbers, too.
std::vector<bool> AreVariants(std::span<const NumbersApart> cluster) {
  struct Lists {
    uint64_t first = 0;
    bool differ = false;
  };
  std::unordered_map<uint64_t, Lists> lists;  // by the words
  for (const NumbersApart& text : cluster) {
    Lists& of_words = lists.try_emplace(text.words, Lists{.first = text.numbers}).first->second;
    of_words.differ |= of_words.first != text.numbers;
  }
  std::vector<bool> variants;
  variants.reserve(cluster.size());
  for (const NumbersApart& text : cluster) variants.push_back(lists[text.words].differ);
  return variants;
}

}  // namespace

std::vector<size_t> StandInsOf(std::span<const NumbersApart> cluster) {
  const std::vector<bool> variants = AreVariants(cluster);
  std::unordered_map<uint64_t, size_t> kept;  // by the numbers
  for (size_t i = 0; i < cluster.size(); ++i) {
    if (variants[i]) kept.emplace(cluster[i].numbers, i);
  }
  size_t for_others = 0;
  if (!kept.empty())
    for_others = std::ranges::min_element(kept, {}, [](const auto& one) { return one.first; })->second;
  std::vector<size_t> stand_ins;
  stand_ins.reserve(cluster.size());
  for (const NumbersApart& text : cluster) {
    const auto same = kept.find(text.numbers);
    stand_ins.push_back(same != kept.end() ? same->second : for_others);
  }
  return stand_ins;
}

std::vector<size_t> FirstVariantsOf(std::span<const NumbersApart> cluster,
                                    std::span<const size_t> stand_ins) {
  std::unordered_map<uint64_t, size_t> first;  // by the words
  std::vector<size_t> variants;
  variants.reserve(cluster.size());
  for (size_t i = 0; i < cluster.size(); ++i) {
    variants.push_back(stand_ins[i] == i ? first.emplace(cluster[i].words, i).first->second : i);
  }
  return variants;
}

}  // namespace tessy
