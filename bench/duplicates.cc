// Measures the search for near-duplicates beside a plain one, in one run: 128 hashes of sets of strings in 14
// bands of 9, as libraries for MinHash do it for a threshold of 0.7. Times are CPU seconds of one thread.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/numbers.h"
#include "base/random.h"
#include "clocks.h"
#include "select/near_duplicates.h"
#include "select/shingles.h"
#include "select/union_find.h"

namespace tessy::bench {
namespace {

constexpr double kThreshold = 0.8;

// Contest tasks in their normal form: a frame that all share, a story of random words, and for a fourth of
// them another one that differs in a word, in its numbers, or not at all.
std::vector<std::string> MakeQuestions(size_t count) {
  std::mt19937_64 random(20260414);
  constexpr std::array kNames{"alice", "bob", "chef", "polycarp", "vasya", "kira", "takahashi", "ivan"};
  constexpr std::array kThings{"array", "tree",        "graph",  "string",
                               "grid",  "permutation", "matrix", "sequence"};
  constexpr std::array kWords{"river",  "stone",   "lamp",   "cloud",  "paper",   "engine", "market",
                              "forest", "window",  "copper", "violin", "harbour", "meadow", "candle",
                              "basket", "orchard", "temple", "saddle", "ribbon",  "anchor"};
  const auto one_of = [&](const auto& list) { return std::string(list[random() % list.size()]); };
  const auto make = [&] {
    std::string story;
    for (uint64_t i = 20 + random() % 41; i > 0; --i) story += one_of(kWords) + " ";
    return fmt::format(
        "{} has a {} of size n and gives it to {}. the story speaks of {}you should find the longest path, "
        "where "
        "every value is at most {}. input: the first line contains n (1 <= n <= {}); the second line "
        "contains n "
        "integers. output: print one integer.",
        one_of(kNames), one_of(kThings), one_of(kNames), story, random() % 1'000'000, random() % 1'000'000);
  };
  std::vector<std::string> questions;
  while (questions.size() < count) {
    std::string text = make();
    questions.push_back(text);
    const uint64_t kind = random() % 16;
    if (kind < 2) questions.push_back(text);
    if (kind == 2) questions.push_back(text.replace(text.find("longest"), 7, "shortest"));
    if (kind == 3) questions.push_back(text.replace(text.find("one integer"), 11, "one word"));
  }
  questions.resize(count);
  std::shuffle(questions.begin(), questions.end(), random);
  return questions;
}

size_t CountClusters(const std::vector<uint32_t>& clusters) {
  return std::unordered_set(clusters.begin(), clusters.end()).size();
}

struct Measured {
  double seconds = 0.0;
  std::vector<uint32_t> clusters;
};

Measured Ours(const std::vector<std::string>& questions, int threads) {
  const double begin = threads > 1 ? WallSeconds() : ProcessCpuSeconds();
  NearDuplicates texts;
  for (const std::string& question : questions) texts.Add(question);
  Measured measured{.clusters = texts.Clusters(kThreshold, threads)};
  measured.seconds = (threads > 1 ? WallSeconds() : ProcessCpuSeconds()) - begin;
  return measured;
}

std::unordered_set<std::string> PlainShingles(const std::string& text) {
  std::vector<std::string> words;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  std::unordered_set<std::string> shingles;
  for (size_t i = 0; i + kShingleWords <= words.size(); ++i) {
    std::string shingle;
    for (size_t k = 0; k < kShingleWords; ++k) shingle += words[i + k] + " ";
    shingles.insert(shingle);
  }
  if (shingles.empty()) shingles.insert(text);
  return shingles;
}

double PlainJaccard(const std::unordered_set<std::string>& a, const std::unordered_set<std::string>& b) {
  size_t shared = 0;
  for (const std::string& shingle : a) shared += b.contains(shingle) ? 1 : 0;
  return static_cast<double>(shared) / static_cast<double>(a.size() + b.size() - shared);
}

Measured Plain(const std::vector<std::string>& questions) {
  constexpr uint64_t kPrime = (uint64_t{1} << 61) - 1;
  constexpr size_t kHashes = 128;
  constexpr size_t kBands = 14;
  constexpr size_t kRows = 9;
  const double begin = ProcessCpuSeconds();
  std::vector<std::unordered_set<std::string>> shingles;
  std::array<std::unordered_map<uint64_t, std::vector<uint32_t>>, kBands> buckets;
  UnionFind joined(questions.size());
  for (uint32_t text = 0; text < questions.size(); ++text) {
    shingles.push_back(PlainShingles(questions[text]));
    std::array<uint64_t, kHashes> least;
    least.fill(UINT64_MAX);
    for (const std::string& shingle : shingles.back()) {
      const uint64_t hash = HashBytes(shingle) >> 32;
      for (size_t i = 0; i < kHashes; ++i) {
        const uint64_t value = ((2 * i + 1) * 0x9E3779B97F4AULL * hash + i * 0xD2511F53ULL) % kPrime;
        least[i] = std::min(least[i], value);
      }
    }
    for (size_t band = 0; band < kBands; ++band) {
      const uint64_t key = HashParts(std::span(least).subspan(band * kRows, kRows));
      auto& bucket = buckets[band][key];
      for (const uint32_t other : bucket) {
        if (PlainJaccard(shingles[text], shingles[other]) >= kThreshold) joined.Join(text, other);
      }
      bucket.push_back(text);
    }
  }
  Measured measured{.clusters = std::vector<uint32_t>(questions.size())};
  for (uint32_t text = 0; text < questions.size(); ++text) measured.clusters[text] = joined.Find(text);
  measured.seconds = ProcessCpuSeconds() - begin;
  return measured;
}

// Every pair that shares a shingle, by the exact index.
std::vector<uint32_t> Exact(const std::vector<std::string>& questions) {
  std::vector<std::vector<uint64_t>> shingles;
  std::unordered_map<uint64_t, std::vector<uint32_t>> holders;
  UnionFind joined(questions.size());
  for (uint32_t text = 0; text < questions.size(); ++text) {
    shingles.push_back(Shingles(questions[text]));
    std::map<uint32_t, size_t> shared;
    for (const uint64_t shingle : shingles.back()) {
      for (const uint32_t other : holders[shingle]) ++shared[other];
      holders[shingle].push_back(text);
    }
    for (const auto& [other, count] : shared) {
      const size_t all = shingles[text].size() + shingles[other].size() - count;
      if (static_cast<double>(count) / static_cast<double>(all) >= kThreshold) joined.Join(text, other);
    }
  }
  std::vector<uint32_t> clusters(questions.size());
  for (uint32_t text = 0; text < questions.size(); ++text) clusters[text] = joined.Find(text);
  return clusters;
}

int Run(size_t count, bool alone, bool exact) {
  const auto questions = MakeQuestions(count);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto before = static_cast<uint64_t>(usage.ru_maxrss) << 10;
  const Measured ours = Ours(questions, 1);
  getrusage(RUSAGE_SELF, &usage);
  fmt::print("{} questions, threshold {}\n", WithThousands(count), kThreshold);
  fmt::print("  ours, 1 thread     {:9.2f} s CPU   {:>12} questions/s   {} clusters, {} at most\n",
             ours.seconds, WithThousands(static_cast<uint64_t>(static_cast<double>(count) / ours.seconds)),
             WithThousands(CountClusters(ours.clusters)),
             FormatBytes((static_cast<uint64_t>(usage.ru_maxrss) << 10) - before));
  const Measured two = Ours(questions, 2);
  fmt::print("  ours, 2 threads    {:9.2f} s       {}\n", two.seconds,
             two.clusters == ours.clusters ? "the same clusters" : "OTHER CLUSTERS");
  bool sound = two.clusters == ours.clusters;
  if (!alone) {
    const Measured plain = Plain(questions);
    fmt::print("  plain, 1 thread    {:9.2f} s CPU   {:.0f} times as much   {} clusters\n", plain.seconds,
               plain.seconds / ours.seconds, WithThousands(CountClusters(plain.clusters)));
  }
  if (exact) {
    const bool same = Exact(questions) == ours.clusters;
    fmt::print("  all pairs          {}\n", same ? "the same clusters" : "OTHER CLUSTERS");
    sound = sound && same;
  }
  return sound ? 0 : 1;
}

}  // namespace
}  // namespace tessy::bench

int main(int argc, char** argv) {
  CLI::App app{"near-duplicates of questions, beside a plain search"};
  size_t count = 10'000;
  bool quick = false;
  bool alone = false;
  bool exact = false;
  app.add_option("--questions", count, "how many");
  app.add_flag("--alone", alone, "without the plain search");
  app.add_flag("--exact", exact, "compare with all pairs");
  app.add_flag("--quick", quick, "a few, to see that it works");
  CLI11_PARSE(app, argc, argv);
  return tessy::bench::Run(quick ? 1000 : count, alone, exact || quick);
}
