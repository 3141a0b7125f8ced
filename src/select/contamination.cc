#include "select/contamination.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "select/shingles.h"

namespace tessy {
namespace {

constexpr double kJaccardMin = 0.5;
constexpr size_t kRareGramsMin = 3;
constexpr double kRareShareMin = 0.2;
constexpr uint64_t kAlwaysRare = 3;  // in at most so many questions
constexpr uint64_t kRareOneIn = 1000;

}  // namespace

uint32_t Contamination::AddEvaluation(std::string_view normal_form) {
  const auto number = static_cast<uint32_t>(evaluations_.size());
  const auto shingles = Shingles(normal_form);
  const auto grams = Shingles(normal_form, kLongShingleWords);
  evaluations_.push_back({.shingles = shingles.size(), .grams = grams.size()});
  whole_.emplace(HashOfText(normal_form), number);
  for (const uint64_t shingle : shingles) shingles_[shingle].push_back(number);
  for (const uint64_t gram : grams) grams_[gram].evaluations.push_back(number);
  return number;
}

void Contamination::AddQuestion(uint32_t question, std::string_view normal_form,
                                std::span<const uint64_t> shingles) {
  if (empty()) return;
  ++questions_;
  for (const uint64_t gram : Shingles(normal_form, kLongShingleWords)) {
    const auto known = grams_.find(gram);
    if (known == grams_.end()) continue;
    ++known->second.questions;
    hits_.push_back({.question = question, .gram = gram});
  }
  if (const auto same = whole_.find(HashOfText(normal_form)); same != whole_.end()) {
    found_.push_back({.question = question, .evaluation = same->second, .how = "equal"});
    return;
  }
  std::map<uint32_t, size_t> shared;
  for (const uint64_t shingle : shingles) {
    const auto known = shingles_.find(shingle);
    if (known == shingles_.end()) continue;
    for (const uint32_t evaluation : known->second) ++shared[evaluation];
  }
  double most = 0.0;
  uint32_t nearest = 0;
  for (const auto& [evaluation, count] : shared) {
    const size_t all = shingles.size() + evaluations_[evaluation].shingles - count;
    const double index = static_cast<double>(count) / static_cast<double>(all);
    if (index > most) std::tie(most, nearest) = std::pair(index, evaluation);
  }
  if (most < kJaccardMin) return;
  found_.push_back(
      {.question = question, .evaluation = nearest, .how = fmt::format("Jaccard index {:.2f}", most)});
}

std::vector<Contaminated> Contamination::Find() const {
  std::vector<Contaminated> all = found_;
  size_t direct = 0;
  for (size_t begin = 0; begin < hits_.size();) {
    const uint32_t question = hits_[begin].question;
    size_t end = begin;
    std::map<uint32_t, size_t> rare;  // rare grams shared, by evaluation
    for (; end < hits_.size() && hits_[end].question == question; ++end) {
      const Gram& gram = grams_.at(hits_[end].gram);
      const bool is_rare = gram.questions <= kAlwaysRare || gram.questions * kRareOneIn < questions_;
      if (!is_rare) continue;
      for (const uint32_t evaluation : gram.evaluations) ++rare[evaluation];
    }
    begin = end;
    while (direct < found_.size() && found_[direct].question < question) ++direct;
    if (direct < found_.size() && found_[direct].question == question) continue;
    size_t most = 0;
    uint32_t nearest = 0;
    for (const auto& [evaluation, count] : rare) {
      const double share = static_cast<double>(count) / static_cast<double>(evaluations_[evaluation].grams);
      if (count < kRareGramsMin || share < kRareShareMin || count <= most) continue;
      std::tie(most, nearest) = std::pair(count, evaluation);
    }
    if (most == 0) continue;
    all.push_back({.question = question,
                   .evaluation = nearest,
                   .how = fmt::format("{} of {} runs of 13 words", most, evaluations_[nearest].grams)});
  }
  std::ranges::sort(all, {}, &Contaminated::question);
  return all;
}

}  // namespace tessy
