#include "train/boundary_examples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/random.h"

namespace tessy {
namespace {

constexpr int32_t kCapability = 0;
constexpr int32_t kStyle = 1;

// The class of each token. The spans ascend, so one pass suffices.
Result<std::vector<int32_t>> ClassesOf(const Annotation& window, std::span<const TokenId> tokens,
                                       const Vocabulary& vocabulary) {
  std::vector<int32_t> classes;
  size_t begin = 0;
  size_t span = 0;
  for (const TokenId token : tokens) {
    const std::string_view piece = vocabulary.Piece(token);
    if (window.text.compare(begin, piece.size(), piece) != 0) {
      return Fail(
          ErrorCode::kInvalidData,
          fmt::format("window {}: the base model's vocabulary has no tokens for all of its text (\"{}\")",
                      window.id, window.text.substr(begin, 24)));
    }
    const size_t end = begin + piece.size();
    while (span < window.spans.size() && window.spans[span].end <= begin) ++span;
    const bool style = span < window.spans.size() && window.spans[span].start < end;
    classes.push_back(style ? kStyle : kCapability);
    begin = end;
  }
  if (begin != window.text.size()) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("window {}: the base model's vocabulary drops the end of its text", window.id));
  }
  return classes;
}

}  // namespace

Result<Example> BoundaryExample(const Annotation& window, const Vocabulary& vocabulary, size_t tokens_max) {
  auto tokens = vocabulary.Tokenize(window.text);
  auto classes = ClassesOf(window, tokens, vocabulary);
  if (!classes) return tl::unexpected(classes.error());
  const size_t size = std::min(tokens.size(), tokens_max);
  Example example;
  example.tokens.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(size));
  for (size_t i = 0; i < size; ++i) {
    const bool asked = i + 1 < size;
    const int32_t next = asked ? (*classes)[i + 1] : Example::kIgnored;
    example.targets.push_back(next);
    example.weights.push_back(asked ? 1.0F : 0.0F);
    example.kinds.push_back(next == kStyle ? TargetKind::kStyle : TargetKind::kCapability);
  }
  return example;
}

Result<TraceSplit> SplitByTrace(std::span<const Annotation> windows, double share, uint64_t seed) {
  std::map<std::pair<uint64_t, std::string>, std::vector<size_t>> traces;  // in the order of their hashes
  for (size_t i = 0; i < windows.size(); ++i) {
    traces[{HashBytes(windows[i].trace_id, seed), windows[i].trace_id}].push_back(i);
  }
  const auto wanted = static_cast<size_t>(std::ceil(share * static_cast<double>(traces.size())));
  if (wanted >= traces.size() && !traces.empty()) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("the windows are of {} trace{}: too few to put {} of them aside for validation; "
                            "annotate more responses, or give --validation 0",
                            traces.size(), traces.size() == 1 ? "" : "s", share));
  }
  TraceSplit split;
  size_t count = 0;
  for (const auto& [trace, indices] : traces) {
    auto& side = count++ < wanted ? split.validation : split.training;
    side.insert(side.end(), indices.begin(), indices.end());
  }
  std::sort(split.training.begin(), split.training.end());
  std::sort(split.validation.begin(), split.validation.end());
  return split;
}

}  // namespace tessy
