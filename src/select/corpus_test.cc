#include "select/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

namespace tessy {
namespace {

using testing::ElementsAre;

const std::string kStory =
    "Alice has an array of size n and gives it to Bob. The story speaks of rivers and stones and lamps. "
    "Print the "
    "longest increasing subsequence, where every value is at most 1000.";

std::string Replaced(std::string text, const std::string& what, const std::string& with) {
  text.replace(text.find(what), what.size(), with);
  return text;
}

TEST(Corpus, EveryTextGoesToOnePlace) {
  Corpus corpus;
  corpus.AddEvaluation("Print the sum of A and B.");
  const std::vector<std::string> rows{
      kStory,
      "  " + kStory + "\n",                                      // the same
      "Return your final response within \\boxed{}. " + kStory,  // the same with a wrapper
      Replaced(kStory, "lamps", "clouds"),                       // near
      Replaced(kStory, "1000", "2000"),                          // other numbers
      "print the  sum of a and b.",                              // in the evaluation
      "Something else."};
  std::vector<uint32_t> texts;
  for (uint32_t i = 0; i < rows.size(); ++i)
    texts.push_back(corpus.Add(rows[i], {.file = 0, .row = i + 1}).text);
  EXPECT_THAT(texts, ElementsAre(0, 0, 0, 1, 2, 3, 4));
  const Choice choice = corpus.Choose({.similarity = 0.7});
  ASSERT_EQ(choice.contaminated.size(), 1U);
  EXPECT_EQ(choice.contaminated[0].question, 3U);
  ASSERT_EQ(choice.questions.size(), 3U);
  EXPECT_EQ(choice.questions[0].text, 0U);
  EXPECT_THAT(choice.questions[0].texts, ElementsAre(0, 1));
  EXPECT_EQ(choice.questions[0].count, 4U);
  EXPECT_EQ(choice.questions[1].text, 2U);
  EXPECT_EQ(choice.questions[1].variant_of, 0U);
  EXPECT_EQ(choice.questions[2].text, 4U);
  EXPECT_EQ(choice.questions[2].variant_of, 4U);
  EXPECT_EQ(corpus.PlacesOf(0), (std::vector<RowPlace>{{0, 1}, {0, 2}, {0, 3}}));
  EXPECT_EQ(corpus.PlacesOf(4), (std::vector<RowPlace>{{0, 7}}));
}

TEST(Corpus, TheSampleDoesNotDependOnTheOrderOfTheRows) {
  std::vector<std::string> rows;
  for (int i = 0; i < 200; ++i) {
    std::string text = "question";
    for (int k = 0; k < 30; ++k) text += " w" + std::to_string((i * 31 + k * 7919) % 100'003);
    for (int copy = 0; copy <= i % 4; ++copy) rows.push_back(text);
    rows.push_back(text + " more");
    if (i % 10 != 0) continue;
    // A formula with other numbers among texts that are near it and no variants.
    for (const char* end : {" last 1", " last 2", " end 2", " end 3", " lamp 7", " stone 8"}) {
      rows.push_back(text + end);
    }
  }
  const auto sample = [&] {
    Corpus corpus;
    for (uint32_t i = 0; i < rows.size(); ++i) corpus.Add(rows[i], {.file = 0, .row = i + 1});
    Choice choice = corpus.Choose({.threads = 2});
    EXPECT_TRUE(corpus.Sample(choice, {.distinct = 60, .rows = 150, .seed = 5}));
    std::map<std::string, uint64_t> chosen;  // by the least text of each question
    for (const ChosenQuestion& question : choice.questions) {
      std::set<std::string> texts;
      for (const uint32_t text : question.texts) texts.insert(rows[corpus.PlacesOf(text)[0].row - 1]);
      if (question.rows > 0) chosen[*texts.begin()] = question.rows;
    }
    return chosen;
  };
  const auto expected = sample();
  EXPECT_EQ(expected.size(), 60U);
  std::mt19937 random(4);
  for (int round = 0; round < 3; ++round) {
    std::shuffle(rows.begin(), rows.end(), random);
    EXPECT_EQ(sample(), expected);
  }
}

// A sample of the questions that suit is the first of them in the order of the sample, so nobody need look at
// the others.
TEST(Corpus, WhatDoesNotSuitIsNotInTheSampleAndTheOrderSaysWhoComesNext) {
  Corpus corpus;
  for (uint32_t i = 0; i < 50; ++i) {
    corpus.Add("question number " + std::to_string(i * 7919), {.file = 0, .row = i + 1});
  }
  Choice choice = corpus.Choose({});
  ASSERT_EQ(choice.questions.size(), 50U);
  const std::vector<size_t> order = corpus.SamplingOrder(choice, 3);
  std::vector<size_t> expected;
  for (size_t i = 0; i < order.size(); ++i) {
    choice.questions[order[i]].suits = i % 3 != 0;
    if (i % 3 != 0 && expected.size() < 10) expected.push_back(order[i]);
  }
  ASSERT_TRUE(corpus.Sample(choice, {.distinct = 10, .rows = 0, .seed = 3}));
  std::vector<size_t> chosen;
  for (size_t i = 0; i < choice.questions.size(); ++i) {
    if (choice.questions[i].rows > 0) chosen.push_back(i);
  }
  EXPECT_THAT(chosen, testing::UnorderedElementsAreArray(expected));
}

TEST(Corpus, OnlyContaminatedTextsGo) {
  Corpus corpus;
  corpus.AddEvaluation(kStory);
  corpus.Add(kStory, {.file = 0, .row = 1});
  corpus.Add("Nothing of the kind.", {.file = 0, .row = 2});
  const Choice choice = corpus.Choose({});
  ASSERT_EQ(choice.questions.size(), 1U);
  EXPECT_EQ(choice.questions[0].text, 1U);
  EXPECT_TRUE(Corpus().Choose({}).questions.empty());
}

}  // namespace
}  // namespace tessy
