#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tessy {

// The kind of the token that a position predicts. Prompts teach nothing; `thinking` is the thinking of a
// single writer; markers and the end of the sequence count as the answer.
enum class TargetKind : uint8_t { kCapability, kStyle, kThinking, kAnswer };
inline constexpr std::array kTargetKinds{TargetKind::kCapability, TargetKind::kStyle, TargetKind::kThinking,
                                         TargetKind::kAnswer};
std::string_view Name(TargetKind kind);  // "capability", "style", "thinking", "answer"

// One training sequence. The vectors have the same length.
struct Example {
  static constexpr int32_t kIgnored = -1;

  std::vector<int32_t> tokens;
  // The target of each position: for a language model the next token, for a classifier the class of the next
  // token (labels shifted left by one: method, section 4); kIgnored if the position has no target.
  std::vector<int32_t> targets;
  std::vector<float> weights;  // weights of the positions in the loss
  std::vector<TargetKind> kinds;

  size_t size() const { return tokens.size(); }
  bool operator==(const Example&) const = default;
};

}  // namespace tessy
