#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "select/compared_text.h"

namespace tessy {

// The text of an evaluation that a question repeats.
struct Contaminated {
  uint32_t question = 0;
  uint32_t evaluation = 0;  // as AddEvaluation numbered it
  std::string how;          // "equal", "Jaccard index 0.62", "5 of 17 runs of 13 words"

  bool operator==(const Contaminated&) const = default;
};

// Finds questions that repeat texts of evaluations: the same text; or a Jaccard index of 5-word shingles of
// at least 0.5; or at least 3 rare runs of 13 words that are at least 20 % of the evaluation's. Rare is what
// fewer than 0.1 % of the questions hold, or at most 3 of them: what many tasks share ("the first line
// contains …") is no sign. Evaluations are kept in memory; of a question only what it shares with one. All
// texts are normal forms. Not thread-safe.
class Contamination {
 public:
  // Numbers the evaluation's texts from 0. All are to be added before the first question.
  uint32_t AddEvaluation(std::string_view normal_form);
  bool empty() const { return evaluations_.empty(); }

  // Looks at a question; numbers of questions ascend. `shingles`: its 5-word shingles.
  void AddQuestion(uint32_t question, std::string_view normal_form, std::span<const uint64_t> shingles);

  // The contaminated ones among all questions added, ascending, each with the evaluation that it shares most
  // with.
  std::vector<Contaminated> Find() const;

 private:
  struct Evaluation {
    size_t shingles = 0;
    size_t grams = 0;
  };
  struct Gram {
    uint32_t questions = 0;             // that hold it
    std::vector<uint32_t> evaluations;  // that hold it
  };
  struct Hit {
    uint32_t question = 0;
    uint64_t gram = 0;
  };

  std::vector<Evaluation> evaluations_;
  std::map<TextHash, uint32_t> whole_;
  std::unordered_map<uint64_t, std::vector<uint32_t>> shingles_;
  std::unordered_map<uint64_t, Gram> grams_;
  std::vector<Hit> hits_;
  std::vector<Contaminated> found_;
  uint64_t questions_ = 0;
};

}  // namespace tessy
