#include "select/corpus.h"

#include <algorithm>
#include <utility>

#include "select/variants.h"

namespace tessy {

uint32_t Corpus::AddEvaluation(std::string_view text) {
  return contamination_.AddEvaluation(WithoutWrappers(NormalForm(text)));
}

Corpus::Added Corpus::Add(std::string_view question, RowPlace place) {
  const std::string normal = NormalForm(question);
  const std::string_view text = WithoutWrappers(normal);
  const TextHash hash = HashOfText(text);
  const auto number = static_cast<uint32_t>(hashes_.size());
  const auto [known, is_new] = by_hash_.emplace(hash, number);
  places_.push_back(place);
  text_of_row_.push_back(known->second);
  if (!is_new) return {.text = known->second, .is_new = false};
  hashes_.push_back(hash);
  numbers_.push_back(TakeNumbersApart(text));
  near_.Add(text);
  contamination_.AddQuestion(number, text, near_.ShinglesOf(number));
  return {.text = number, .is_new = true};
}

// Rows are sorted by their texts, by counting.
void Corpus::IndexRows() {
  rows_end_.assign(texts(), 0);
  for (const uint32_t text : text_of_row_) ++rows_end_[text];
  uint64_t end = 0;
  for (uint64_t& count : rows_end_) count = std::exchange(end, end + count);  // now where they begin
  rows_.resize(rows());
  for (size_t row = 0; row < rows(); ++row) rows_[rows_end_[text_of_row_[row]]++] = row;
}

std::vector<RowPlace> Corpus::PlacesOf(uint32_t text) const {
  std::vector<RowPlace> places;
  for (uint64_t i = text == 0 ? 0 : rows_end_[text - 1]; i < rows_end_[text]; ++i) {
    places.push_back(places_[rows_[i]]);
  }
  return places;
}

std::vector<std::vector<uint32_t>> Corpus::ClustersWithout(const std::vector<Contaminated>& contaminated,
                                                           const ChoiceOptions& options) const {
  const auto first = near_.Clusters(options.similarity, options.threads, options.stop);
  std::vector<std::vector<uint32_t>> clusters;
  std::vector<uint32_t> cluster_of(texts(), UINT32_MAX);  // by the first text
  auto next = contaminated.begin();
  for (uint32_t text = 0; text < texts(); ++text) {
    if (next != contaminated.end() && next->question == text) {
      ++next;
      continue;
    }
    uint32_t& cluster = cluster_of[first[text]];
    if (cluster == UINT32_MAX) {
      cluster = static_cast<uint32_t>(clusters.size());
      clusters.emplace_back();
    }
    clusters[cluster].push_back(text);
  }
  return clusters;
}

void Corpus::AddQuestionsOf(const std::vector<uint32_t>& cluster,
                            std::vector<ChosenQuestion>& questions) const {
  std::vector<NumbersApart> numbers;
  for (const uint32_t text : cluster) numbers.push_back(numbers_[text]);
  const auto stand_ins = StandInsOf(numbers);
  const auto variants = FirstVariantsOf(numbers, stand_ins);
  std::vector<size_t> question_of(cluster.size());
  for (size_t i = 0; i < cluster.size(); ++i) {
    if (stand_ins[i] != i) continue;
    question_of[i] = questions.size();
    questions.push_back({.text = cluster[i], .texts = {}, .variant_of = cluster[variants[i]]});
  }
  for (size_t i = 0; i < cluster.size(); ++i) {
    ChosenQuestion& question = questions[question_of[stand_ins[i]]];
    question.texts.push_back(cluster[i]);
    const uint64_t begin = cluster[i] == 0 ? 0 : rows_end_[cluster[i] - 1];
    question.count += rows_end_[cluster[i]] - begin;
  }
}

Choice Corpus::Choose(const ChoiceOptions& options) {
  IndexRows();
  Choice choice;
  choice.contaminated = contamination_.Find();
  for (const auto& cluster : ClustersWithout(choice.contaminated, options)) {
    AddQuestionsOf(cluster, choice.questions);
  }
  std::ranges::sort(choice.questions, {}, &ChosenQuestion::text);
  return choice;
}

SampleCandidate Corpus::CandidateOf(const ChosenQuestion& question) const {
  const auto key = [this](uint32_t text) { return hashes_[text]; };
  const uint32_t least = *std::ranges::min_element(question.texts, {}, key);
  return {.key = hashes_[least], .count = question.count};
}

std::vector<size_t> Corpus::SamplingOrder(const Choice& choice, uint64_t seed) const {
  std::vector<SampleCandidate> candidates;
  for (const ChosenQuestion& question : choice.questions) candidates.push_back(CandidateOf(question));
  return OrderOfSample(candidates, seed);
}

Status Corpus::Sample(Choice& choice, const SampleSize& size) const {
  std::vector<SampleCandidate> candidates;
  std::vector<ChosenQuestion*> questions;
  for (ChosenQuestion& question : choice.questions) {
    if (!question.suits) continue;
    candidates.push_back(CandidateOf(question));
    questions.push_back(&question);
  }
  const auto sampled = SampleQuestions(candidates, size);
  if (!sampled) return tl::unexpected(sampled.error());
  for (const SampledQuestion& one : *sampled) questions[one.candidate]->rows = one.rows;
  return {};
}

}  // namespace tessy
