#include "select/near_duplicates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/testing/source_tree.h"
#include "select/compared_text.h"
#include "select/shingles.h"

namespace tessy {
namespace {

using Json = nlohmann::json;
using IdClusters = std::vector<std::vector<std::string>>;

struct Row {
  std::string id;
  std::string text;  // in its normal form
};

std::vector<Row> GoldenRows() {
  std::ifstream file(InSource("src/select/testdata/questions-400.jsonl"));
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::parse(line);
    rows.push_back({json["id"], NormalForm(json["prompt"].get<std::string>())});
  }
  return rows;
}

Json Expected() { return Json::parse(std::ifstream(InSource("src/select/testdata/expected-400.json"))); }

// Clusters of more than one, by ids, in the order of the golden file.
IdClusters ClustersOf(const std::vector<Row>& rows, double threshold, int threads) {
  NearDuplicates texts;
  for (const Row& row : rows) texts.Add(row.text);
  const auto found = texts.Clusters(threshold, threads);
  std::map<uint32_t, std::vector<std::string>> members;
  for (size_t i = 0; i < rows.size(); ++i) members[found[i]].push_back(rows[i].id);
  IdClusters clusters;
  for (auto& [first, ids] : members) {
    if (ids.size() < 2) continue;
    std::ranges::sort(ids);
    clusters.push_back(ids);
  }
  std::ranges::sort(clusters);
  return clusters;
}

TEST(NearDuplicates, AreThoseOfAQuadraticComparison) {
  const auto rows = GoldenRows();
  ASSERT_EQ(rows.size(), 400U);
  const Json expected = Expected();
  const auto at_07 = expected["clusters_jaccard_0.7"].get<IdClusters>();
  const auto at_08 = expected["clusters_jaccard_0.8"].get<IdClusters>();
  ASSERT_EQ(at_07.size(), 93U);
  ASSERT_EQ(at_08.size(), 69U);
  EXPECT_EQ(ClustersOf(rows, 0.7, 1), at_07);
  EXPECT_EQ(ClustersOf(rows, 0.8, 1), at_08);
}

TEST(NearDuplicates, DoNotDependOnThreadsOrOrder) {
  auto rows = GoldenRows();
  const auto expected = Expected()["clusters_jaccard_0.8"].get<IdClusters>();
  for (const int threads : {2, 7, 64}) EXPECT_EQ(ClustersOf(rows, 0.8, threads), expected) << threads;
  std::mt19937 random(1);
  for (int round = 0; round < 5; ++round) {
    std::shuffle(rows.begin(), rows.end(), random);
    EXPECT_EQ(ClustersOf(rows, 0.8, 1), expected);
    EXPECT_EQ(ClustersOf(rows, 0.8, 2), expected);
  }
}

TEST(NearDuplicates, ShinglesGiveTheIndicesOfTheGoldenPairs) {
  std::map<std::string, std::vector<uint64_t>> shingles;
  for (const Row& row : GoldenRows()) shingles[row.id] = Shingles(row.text);
  const Json expected = Expected();
  std::map<std::pair<std::string, std::string>, double> pairs;
  for (const Json& pair : expected["pairs[a,b,jaccard,containment]>=0.3"]) {
    pairs[{std::min(pair[0], pair[1]), std::max(pair[0], pair[1])}] = pair[2];
  }
  ASSERT_EQ(pairs.size(), 93U);
  size_t near = 0;
  for (const auto& [a, of_a] : shingles) {
    for (const auto& [b, of_b] : shingles) {
      const double index = JaccardOf(of_a, of_b);
      if (a >= b || index < 0.3) continue;
      ++near;
      const auto found = pairs.find({a, b});
      ASSERT_NE(found, pairs.end()) << a << " " << b;
      EXPECT_NEAR(index, found->second, 1e-6);
    }
  }
  EXPECT_EQ(near, pairs.size());
}

TEST(NearDuplicates, AClusterIsNamedByItsFirstText) {
  NearDuplicates texts;
  const std::string story = "one two three four five six seven eight nine ten eleven twelve thirteen";
  texts.Add("something else that is not to be found in any of the other texts");
  texts.Add(story);
  texts.Add("short");
  texts.Add(story + " fourteen");
  texts.Add("short");
  texts.Add(story);
  EXPECT_THAT(texts.Clusters(0.8, 1), testing::ElementsAre(0, 1, 2, 1, 2, 1));
  EXPECT_THAT(texts.Clusters(1.0, 1), testing::ElementsAre(0, 1, 2, 3, 2, 1));
  EXPECT_THAT(NearDuplicates().Clusters(0.8, 2), testing::IsEmpty());
}

TEST(NearDuplicates, ASearchThatIsToStopLooksNoFurther) {
  NearDuplicates texts;
  for (int i = 0; i < 2; ++i) texts.Add("one two three four five six seven");
  const std::atomic<bool> stop{true};
  EXPECT_THAT(texts.Clusters(0.8, 2, &stop), testing::ElementsAre(0, 1));
  EXPECT_THAT(texts.Clusters(0.8, 2), testing::ElementsAre(0, 0));
}

// A thousand texts that differ from one another in a word each, and as many that share only a frame.
TEST(NearDuplicates, LargeClustersAreFoundWhole) {
  std::mt19937 random(2);
  const auto word = [&] { return "w" + std::to_string(random()); };
  std::string common;
  for (int i = 0; i < 80; ++i) common += word() + " ";
  NearDuplicates texts;
  for (int i = 0; i < 1000; ++i) {
    texts.Add(common + word());
    std::string other = "the first line contains the number of test cases";
    for (int k = 0; k < 40; ++k) other += " " + word();
    texts.Add(other);
  }
  const auto clusters = texts.Clusters(0.8, 2);
  for (size_t i = 0; i < clusters.size(); ++i) ASSERT_EQ(clusters[i], i % 2 == 0 ? 0 : i);
}

TEST(NearDuplicates, AShortTextIsOneShingle) {
  EXPECT_EQ(Shingles("one two three four").size(), 1U);
  EXPECT_EQ(Shingles("one two three four five").size(), 1U);
  EXPECT_EQ(Shingles("one two three four five six").size(), 2U);
  EXPECT_EQ(Shingles("a a a a a a a a").size(), 1U);  // a set
  EXPECT_NE(Shingles("one two three"), Shingles("one three two"));
  EXPECT_NE(Shingles("a b c d e"), Shingles("e d c b a"));
  EXPECT_EQ(Shingles("").size(), 1U);
}

}  // namespace
}  // namespace tessy
