#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tessy {

// The continuation after a discourse marker with which the sentence stays the student's.
enum class Then : uint8_t {
  kMarker,         // "wait": another marker, after a comma or without one
  kMarkerOrComma,  // "so": another marker, or a comma; content comes after that
  kComma,          // "for example": a comma; content comes after that
  kContent,        // "so the answer is": nothing, content comes at once
};

// The discourse markers as a tree of words. Immutable once built: safe from any thread.
class PhraseTree {
 public:
  struct Node {
    std::map<std::string, uint32_t, std::less<>> next;
    std::optional<Then> marker;  // a phrase ends here
  };
  static constexpr uint32_t kRoot = 0;

  // Adds all markers that a phrase stands for. A phrase has words and groups: "(let me|let's) see (if|)" is
  // four markers. Returns the problem with the phrase, if there is one; the tree is unusable then.
  std::optional<std::string> Add(std::string_view phrase, Then then);

  const Node& At(uint32_t node) const { return nodes_[node]; }

 private:
  class Reader;

  uint32_t Child(uint32_t node, std::string_view word);

  std::vector<Node> nodes_{1};
};

}  // namespace tessy
