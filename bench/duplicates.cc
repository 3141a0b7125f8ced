// Measures the search for near-duplicates beside a plain one, in one run: 128 hashes of sets of strings in 14
// bands of 9, as libraries for MinHash do it for a threshold of 0.7. Times are CPU seconds of one thread.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "base/random.h"
#include "clocks.h"
#include "made_questions.h"
#include "select/compared_text.h"
#include "select/near_duplicates.h"
#include "select/shingles.h"
#include "select/union_find.h"

namespace tessy::bench {
namespace {

constexpr double kThreshold = 0.8;

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
  for (const std::string& question : questions) texts.Add(NormalForm(question));
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
    shingles.push_back(PlainShingles(NormalForm(questions[text])));
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

// The pairs at the threshold, found by the exact index of all pairs that share a shingle.
struct TruePairs {
  std::vector<std::pair<uint32_t, uint32_t>> pairs;
  std::vector<uint32_t> clusters;
};

TruePairs FindTruePairs(const std::vector<std::string>& questions) {
  TruePairs found;
  std::vector<size_t> sizes;
  std::unordered_map<uint64_t, std::vector<uint32_t>> holders;
  UnionFind joined(questions.size());
  for (uint32_t text = 0; text < questions.size(); ++text) {
    const auto shingles = Shingles(NormalForm(questions[text]));
    sizes.push_back(shingles.size());
    std::vector<uint32_t> shared(text);
    for (const uint64_t shingle : shingles) {
      for (const uint32_t other : holders[shingle]) ++shared[other];
      holders[shingle].push_back(text);
    }
    for (uint32_t other = 0; other < text; ++other) {
      const size_t all = sizes[text] + sizes[other] - shared[other];
      if (static_cast<double>(shared[other]) / static_cast<double>(all) < kThreshold) continue;
      found.pairs.emplace_back(other, text);
      joined.Join(text, other);
    }
  }
  found.clusters.resize(questions.size());
  for (uint32_t text = 0; text < questions.size(); ++text) found.clusters[text] = joined.Find(text);
  return found;
}

// Says whether what was found is what is there.
bool CompareWithTruth(const std::vector<std::string>& questions, const std::vector<uint32_t>& clusters) {
  const TruePairs truth = FindTruePairs(questions);
  const auto together = std::ranges::count_if(
      truth.pairs, [&](const auto& pair) { return clusters[pair.first] == clusters[pair.second]; });
  fmt::print("  all pairs          {} pairs at the threshold, {} of them together in ours; {}\n",
             WithThousands(truth.pairs.size()), WithThousands(static_cast<uint64_t>(together)),
             truth.clusters == clusters ? "the same clusters" : "OTHER CLUSTERS");
  return truth.clusters == clusters;
}

// For programs of others.
bool WriteLines(const std::vector<std::string>& questions, const std::string& path) {
  std::ofstream out(path, std::ios::binary);
  for (size_t i = 0; i < questions.size(); ++i) {
    out << nlohmann::ordered_json{{"id", fmt::format("q{:07}", i)}, {"prompt", questions[i]}}.dump() << '\n';
  }
  out.close();
  if (!out) fmt::print(stderr, "bench: {}: cannot be written\n", path);
  return out.good();
}

struct Options {
  size_t count = 10'000;
  bool quick = false;
  bool alone = false;
  bool exact = false;
  std::string write;
};

int Run(const Options& options) {
  const size_t count = options.quick ? 1000 : options.count;
  const auto questions = MakeQuestions(count);
  if (!options.write.empty() && !WriteLines(questions, options.write)) return 1;
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
  if (!options.alone) {
    const Measured plain = Plain(questions);
    fmt::print("  plain, 1 thread    {:9.2f} s CPU   {:.0f} times as much   {} clusters\n", plain.seconds,
               plain.seconds / ours.seconds, WithThousands(CountClusters(plain.clusters)));
  }
  if (options.exact || options.quick) sound = CompareWithTruth(questions, ours.clusters) && sound;
  return sound ? 0 : 1;
}

}  // namespace
}  // namespace tessy::bench

int main(int argc, char** argv) {
  CLI::App app{"near-duplicates of questions, beside a plain search"};
  tessy::bench::Options options;
  app.add_option("--questions", options.count, "how many");
  app.add_flag("--alone", options.alone, "without the plain search");
  app.add_flag("--exact", options.exact, "compare with all pairs");
  app.add_option("--write", options.write, "write the questions to this file, too, as JSON lines");
  app.add_flag("--quick", options.quick, "a few, to see that it works");
  CLI11_PARSE(app, argc, argv);
  return tessy::bench::Run(options);
}
