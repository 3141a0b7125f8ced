#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "select/compared_text.h"
#include "select/contamination.h"
#include "select/near_duplicates.h"
#include "select/sampling.h"

namespace tessy {

// A row of the sources: the number of its file in their order, and of the row in the file, from 1.
struct RowPlace {
  uint32_t file = 0;
  uint32_t row = 0;

  bool operator==(const RowPlace&) const = default;
};

struct ChoiceOptions {
  double similarity = 0.8;  // the Jaccard index from which on two questions are the same
  int threads = 1;
  const std::atomic<bool>* stop = nullptr;  // once it is true, Choose ends soon, and its choice is no good
};

// A question that is chosen, or would have been. Texts are named by their numbers in the corpus.
struct ChosenQuestion {
  uint32_t text = 0;
  std::vector<uint32_t> texts;  // that it stands for, itself included; ascending
  uint64_t count = 0;           // rows of the sources that ask one of them
  uint64_t rows = 0;            // rows that it gets; 0: it is not in the sample
  uint32_t variant_of = 0;      // the first question that is the same but for its numbers; mostly itself
  bool suits = true;            // may be in the sample
};

struct Choice {
  std::vector<Contaminated> contaminated;  // by text
  std::vector<ChosenQuestion> questions;   // ascending by text; those that are not in the sample, too
};

// The questions of sources, their texts by what tells them apart. Of a text only hashes are kept. The first
// row that asks something stands for all that ask the same (StandInsOf says which near-duplicates do). Not
// thread-safe.
class Corpus {
 public:
  // The texts of evaluations are to be added before the first row; numbered from 0.
  uint32_t AddEvaluation(std::string_view text);

  struct Added {
    uint32_t text = 0;
    bool is_new = false;  // no row before asks this text, but for its form (NormalForm, WithoutWrappers)
  };
  Added Add(std::string_view question, RowPlace place);

  size_t rows() const { return places_.size(); }
  size_t texts() const { return hashes_.size(); }
  // The rows that ask a text, in their order, once Choose has been called.
  std::vector<RowPlace> PlacesOf(uint32_t text) const;

  // Decides about every text: contaminated, near-duplicate of another, or a question.
  Choice Choose(const ChoiceOptions& options);
  // The places of the questions in the order in which samples of this seed take them.
  std::vector<size_t> SamplingOrder(const Choice& choice, uint64_t seed) const;
  // Gives rows to those of the questions that suit. Errors are those of SampleQuestions.
  Status Sample(Choice& choice, const SampleSize& size) const;

 private:
  struct HashOfHash {
    size_t operator()(const TextHash& hash) const { return static_cast<size_t>(hash.low); }
  };

  void IndexRows();
  SampleCandidate CandidateOf(const ChosenQuestion& question) const;
  std::vector<std::vector<uint32_t>> ClustersWithout(const std::vector<Contaminated>& contaminated,
                                                     const ChoiceOptions& options) const;
  void AddQuestionsOf(const std::vector<uint32_t>& cluster, std::vector<ChosenQuestion>& questions) const;

  Contamination contamination_;
  NearDuplicates near_;
  std::unordered_map<TextHash, uint32_t, HashOfHash> by_hash_;
  std::vector<TextHash> hashes_;
  std::vector<NumbersApart> numbers_;
  std::vector<RowPlace> places_;
  std::vector<uint32_t> text_of_row_;
  std::vector<uint64_t> rows_end_;  // of each text, in rows_
  std::vector<uint64_t> rows_;      // by text
};

}  // namespace tessy
