#include "base/near_names.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace tessy {
namespace {

constexpr size_t kBytesCompared = 64;

// Levenshtein's distance in bytes.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

// A name that holds what was typed is nearer than any misspelling.
size_t Distance(std::string_view wanted, std::string_view name) {
  if (!wanted.empty() && name.find(wanted) != std::string_view::npos) return 0;
  return 1 + EditDistance(wanted.substr(0, kBytesCompared), name.substr(0, kBytesCompared));
}

}  // namespace

std::vector<std::string> NearNames(std::string_view wanted, std::span<const std::string> names,
                                   size_t count) {
  const size_t farthest = 1 + std::max<size_t>(2, wanted.size() / 3);
  std::vector<std::pair<size_t, std::string_view>> found;
  for (const std::string& name : names) {
    if (const size_t distance = Distance(wanted, name); distance <= farthest)
      found.emplace_back(distance, name);
  }
  std::ranges::stable_sort(found, {}, &std::pair<size_t, std::string_view>::first);
  if (found.size() > count) found.resize(count);
  std::vector<std::string> near;
  for (const auto& [distance, name] : found) near.emplace_back(name);
  return near;
}

std::string DidYouMean(std::string_view wanted, std::span<const std::string> names) {
  const auto near = NearNames(wanted, names);
  std::string text;
  for (size_t i = 0; i < near.size(); ++i) {
    text += i == 0 ? "; did you mean " : i + 1 == near.size() ? " or " : ", ";
    text += near[i];
  }
  return text.empty() ? text : text + "?";
}

}  // namespace tessy
