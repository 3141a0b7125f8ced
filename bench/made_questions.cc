#include "made_questions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <random>

namespace tessy::bench {
namespace {

constexpr std::array kNames{"Alice", "Bob", "Chef", "Polycarp", "Vasya", "Kira", "Takahashi", "Ivan"};
constexpr std::array kThings{"array", "tree", "graph", "string", "grid", "permutation", "matrix", "deck"};
constexpr std::array kAims{"find the longest path",    "count the number of matchings",
                           "minimise the cost of all", "print the least subset",
                           "decide whether a cycle",   "construct any valid partition"};
constexpr std::array kWords{"river",  "stone",  "lamp",    "cloud",  "paper",  "engine", "market",
                            "forest", "window", "copper",  "violin", "meadow", "candle", "harbour",
                            "basket", "temple", "orchard", "saddle", "ribbon", "anchor"};

class Maker {
 public:
  std::string Task() {
    std::string story;
    for (uint64_t i = Between(20, 60); i > 0; --i) story += OneOf(kWords) + " ";
    return fmt::format(
        "{} has a {} of size n and gives it to {}. The story speaks of {}and ends. You should {}, where "
        "every "
        "value is at most {}. Input: the first line contains n (1 <= n <= {}); the second line contains n "
        "integers. Output: print one {}.",
        OneOf(kNames), OneOf(kThings), OneOf(kNames), story, OneOf(kAims), Between(1, 1'000'000),
        Between(1, 1'000'000), OneOf(kThings));
  }

  // The companion that a task has, if it has one.
  std::string Companion(const std::string& task) {
    const uint64_t kind = Between(0, 99);
    if (kind < 6) return task;
    if (kind < 12) return InOtherLetters(task);
    if (kind < 22) return WithWordsChanged(task);
    if (kind < 28) return WithOtherNumbers(task);
    if (kind < 33) return WithoutEveryFourthWord(task);
    if (kind < 37) return "Return your final response within \\boxed{}. " + task;
    return {};
  }

  std::mt19937_64& random() { return random_; }

 private:
  uint64_t Between(uint64_t least, uint64_t most) { return least + random_() % (most - least + 1); }

  template <class List>
  std::string OneOf(const List& list) {
    return list[random_() % list.size()];
  }

  static std::vector<std::string> WordsOf(const std::string& text) {
    std::vector<std::string> words;
    for (size_t at = 0; at <= text.size();) {
      const size_t end = std::min(text.find(' ', at), text.size());
      words.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return words;
  }

  static std::string Joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, " "));
  }

  std::string InOtherLetters(std::string text) {
    if (Between(0, 1) == 0) {
      for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      return "  " + text + "\n";
    }
    for (size_t at = text.find(". "); at != std::string::npos; at = text.find(". ", at + 1)) {
      text.replace(at, 2, ".\n\n");
    }
    return text;
  }

  std::string WithWordsChanged(const std::string& text) {
    auto words = WordsOf(text);
    for (uint64_t i = Between(1, 2); i > 0; --i) words[random_() % words.size()] = OneOf(kWords);
    return Joined(words);
  }

  std::string WithOtherNumbers(const std::string& text) {
    auto words = WordsOf(text);
    for (std::string& word : words) {
      if (std::isdigit(static_cast<unsigned char>(word.front())) != 0) {
        word = fmt::format("{}{}", Between(1, 1'000'000), word.substr(word.find_last_of("0123456789") + 1));
      }
    }
    return Joined(words);
  }

  static std::string WithoutEveryFourthWord(const std::string& text) {
    std::vector<std::string> kept;
    const auto words = WordsOf(text);
    for (size_t i = 0; i < words.size(); ++i) {
      if (i % 4 != 2) kept.push_back(words[i]);
    }
    return Joined(kept);
  }

  std::mt19937_64 random_{20260414};
};

}  // namespace

std::vector<std::string> MakeQuestions(size_t count) {
  Maker maker;
  std::vector<std::string> questions;
  while (questions.size() < count) {
    questions.push_back(maker.Task());
    std::string companion = maker.Companion(questions.back());
    if (!companion.empty()) questions.push_back(std::move(companion));
  }
  questions.resize(count);
  std::shuffle(questions.begin(), questions.end(), maker.random());
  return questions;
}

}  // namespace tessy::bench
