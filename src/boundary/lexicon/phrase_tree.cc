#include "boundary/lexicon/phrase_tree.h"

#include <algorithm>

#include "base/json_depth.h"
#include "boundary/lexicon/words.h"

namespace tessy {
namespace {

// Of all phrases together; each group doubles the markers that a phrase stands for.
constexpr size_t kNodesMax = 100'000;

}  // namespace

// Reads one phrase by recursive descent: alternatives = sequence { "|" sequence }, sequence = { words |
// group }, group = "(" alternatives ")". Each rule takes the nodes that lead to it and returns the nodes
// that it leads to.
class PhraseTree::Reader {
 public:
  Reader(PhraseTree& tree, std::string_view phrase) : tree_(tree), rest_(phrase) {}

  std::vector<uint32_t> Read() {
    std::vector<uint32_t> ends = Alternatives({kRoot});
    if (stopped_) problem_ = stopped_;
    if (!rest_.empty()) problem_ = "has a \")\" too many";
    return ends;
  }
  const std::optional<std::string>& problem() const { return problem_; }

 private:
  std::vector<uint32_t> Alternatives(const std::vector<uint32_t>& from) {
    std::vector<uint32_t> ends = Sequence(from);
    while (Skip('|')) {
      for (const uint32_t end : Sequence(from)) ends.push_back(end);
    }
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    return ends;
  }

  std::vector<uint32_t> Sequence(std::vector<uint32_t> ends) {
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      if (Skip('(')) {
        if (++depth_ > kNestingMax) Stop("nests too many groups");
        ends = Alternatives(ends);
        --depth_;
        if (!Skip(')')) problem_ = "lacks a \")\"";
      } else {
        ends = Words(std::move(ends));
      }
    }
    return ends;
  }

  std::vector<uint32_t> Words(std::vector<uint32_t> ends) {
    const std::string_view words = rest_.substr(0, rest_.find_first_of("()|"));
    rest_.remove_prefix(words.size());
    ForEachWord(words, {}, [&](const Word& word) {
      if (tree_.nodes_.size() > kNodesMax) return Stop("stands for too many markers, with those before it");
      if (word.core.empty() || word.mark != Mark::kNone) problem_ = "must be without punctuation";
      for (uint32_t& end : ends) {
        end = tree_.Child(end, word.core);
        if (tree_.At(end).marker == Then::kContent)
          problem_ = "is listed twice, or goes on after one that calls for content";
      }
    });
    return ends;
  }

  // Nothing more of the phrase is read.
  void Stop(std::string_view problem) {
    stopped_ = problem;
    rest_ = {};
  }

  bool Skip(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  PhraseTree& tree_;
  std::string_view rest_;
  size_t depth_ = 0;
  std::optional<std::string> problem_;
  std::optional<std::string> stopped_;  // why reading ended early
};

std::optional<std::string> PhraseTree::Add(std::string_view phrase, Then then) {
  Reader reader(*this, phrase);
  const std::vector<uint32_t> ends = reader.Read();
  if (reader.problem()) return reader.problem();
  for (const uint32_t end : ends) {
    Node& node = nodes_[end];
    if (end == kRoot) return "may be no words at all";
    if (node.marker) return "is listed twice";
    if (then == Then::kContent && !node.next.empty())
      return "calls for content, so longer ones that begin with it are never reached";
    node.marker = then;
  }
  return std::nullopt;
}

uint32_t PhraseTree::Child(uint32_t node, std::string_view word) {
  const auto fresh = static_cast<uint32_t>(nodes_.size());
  const auto [child, is_fresh] = nodes_[node].next.try_emplace(std::string(word), fresh);
  const uint32_t index = child->second;
  if (is_fresh) nodes_.emplace_back();
  return index;
}

}  // namespace tessy
