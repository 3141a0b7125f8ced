#include "dataset/window.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/random.h"

namespace tessy {
namespace {

// `count` different numbers below `bound`, in the order in which they were drawn.
std::vector<size_t> Draw(size_t bound, size_t count, uint64_t key) {
  std::vector<size_t> numbers(bound);
  std::iota(numbers.begin(), numbers.end(), size_t{0});
  count = std::min(count, bound);
  for (size_t i = 0; i < count; ++i) {
    const auto left = static_cast<double>(bound - i);
    std::swap(numbers[i], numbers[i + static_cast<size_t>(UniformAt(key, 0, i) * left)]);
  }
  numbers.resize(count);
  return numbers;
}

Window WindowAt(const Thinking& thinking, size_t index, const std::vector<ByteRange>& words, size_t first,
                size_t count) {
  const size_t last = std::min(first + count, words.size()) - 1;
  return {.id = fmt::format("{}#{}", thinking.trace_id, first),
          .thinking = index,
          .range = {.start = first == 0 ? 0 : words[first - 1].end, .end = words[last].end}};
}

// The windows in the order in which they were drawn.
std::vector<Window> WindowsOf(const Thinking& thinking, size_t index, const WindowOptions& options) {
  const auto words = WordsOf(thinking.text);
  if (words.empty()) return {};
  const size_t count = options.words == 0 ? words.size() : options.words;
  const size_t starts = words.size() > count ? words.size() - count + 1 : 1;
  std::vector<Window> windows;
  for (const size_t first : Draw(starts, options.per_response, HashBytes(thinking.trace_id, options.seed))) {
    windows.push_back(WindowAt(thinking, index, words, first, count));
  }
  return windows;
}

}  // namespace

std::vector<Window> CutWindows(std::span<const Thinking> thinkings, const WindowOptions& options) {
  std::vector<std::vector<Window>> drawn;
  for (size_t i = 0; i < thinkings.size(); ++i) drawn.push_back(WindowsOf(thinkings[i], i, options));
  std::vector<Window> windows;
  const size_t total = options.total == 0 ? SIZE_MAX : options.total;
  for (size_t round = 0; round < options.per_response && windows.size() < total; ++round) {
    for (auto& of_thinking : drawn) {
      if (round < of_thinking.size() && windows.size() < total)
        windows.push_back(std::move(of_thinking[round]));
    }
  }
  std::sort(windows.begin(), windows.end(), [](const Window& a, const Window& b) {
    return std::pair(a.thinking, a.range.start) < std::pair(b.thinking, b.range.start);
  });
  return windows;
}

}  // namespace tessy
