#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tessy {

// What a position teaches: of what kind the token is that it foretells. Prompts teach nothing; `thinking` is
// that of one writer; markers and the end count with the answer.
enum class TargetKind : uint8_t { kCapability, kStyle, kThinking, kAnswer };
inline constexpr std::array kTargetKinds{TargetKind::kCapability, TargetKind::kStyle, TargetKind::kThinking,
                                         TargetKind::kAnswer};
std::string_view Name(TargetKind kind);  // "capability", "style", "thinking", "answer"

// One training sequence. The vectors are of one length.
struct Example {
  static constexpr int32_t kIgnored = -1;

  std::vector<int32_t> tokens;
  // By position, what its output is to be: the next token of a language model, the class of the next token of
  // a classifier (labels shifted left by one: method, section 4); kIgnored where nothing is asked.
  std::vector<int32_t> targets;
  std::vector<float> weights;  // of the positions in the loss
  std::vector<TargetKind> kinds;

  size_t size() const { return tokens.size(); }
  bool operator==(const Example&) const = default;
};

}  // namespace tessy
