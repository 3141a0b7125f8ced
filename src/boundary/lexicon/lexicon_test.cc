#include "boundary/lexicon/lexicon.h"
#include "base/testing/source_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>

#include "base/random.h"
#include "base/utf8.h"
#include "boundary/lexicon/lexicon_reader.h"
#include "cooperation/cut.h"

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

bool IsStyle(std::string_view prefix) { return Lexicon::BuiltIn().StyleProbability(prefix) > 0.5F; }

void ExpectStyle(std::initializer_list<std::string_view> prefixes) {
  for (const std::string_view prefix : prefixes) EXPECT_TRUE(IsStyle(prefix)) << prefix;
}

void ExpectCapability(std::initializer_list<std::string_view> prefixes) {
  for (const std::string_view prefix : prefixes) EXPECT_FALSE(IsStyle(prefix)) << prefix;
}

// The text with the student's share in square brackets, where each word is written by who owns it.
std::string Shares(std::string_view text, const Lexicon& lexicon = Lexicon::BuiltIn()) {
  std::string out;
  bool style = false;
  for (size_t at = 0; at < text.size(); ++at) {
    if (at == 0 || IsCutPlace(text.substr(0, at), text.substr(at))) {
      const bool next = lexicon.StyleProbability(text.substr(0, at)) > 0.5F;
      if (next != style) out += next ? '[' : ']';
      style = next;
    }
    out += text[at];
  }
  return style ? out + ']' : out;
}

class Draws {
 public:
  explicit Draws(uint64_t seed) : seed_(seed) {}
  size_t Below(size_t limit) {
    return static_cast<size_t>(UniformAt(seed_, 0, count_++) * static_cast<double>(limit));
  }

 private:
  uint64_t seed_;
  uint64_t count_ = 0;
};

// ---- who owns the next token

TEST(LexiconRules, TheStudentOpensTheResponse) { ExpectStyle({"", "\n", " ", "\n\n"}); }

TEST(LexiconRules, TheStudentOpensEverySentence) {
  ExpectStyle({
      "The sum is 12.",
      "Is the sum 12?",
      "The sum is even!",
      "The sum is even...",
      "Then solve for x.",
      "It holds up to N.",
      "(The sum is even.)",
      "He calls it \"even.\"",
      "The sum is **even**.",
      "The sum is **even.**",
      " 7 * 3 = 8 ;",
      " so the sum is 3 .",
      "The sum is even\n",
      "The sum is even\n\n",
      "The sum is even.\r\n",
      "总和是偶数。",
  });
}

TEST(LexiconRules, SomeFullStopsEndNoSentence) {
  ExpectCapability({
      "The rest, e.g.",
      "The rest (i.e.",
      "Compare 3 vs.",
      "The numbers 1, 2, ...",
      "The numbers 1, 2, …",
      "The sum.\n3.",
      "The sum.\n12.",
      "There are 5!",
      "There are n!",
      "There are (n-k)!",
      "Even; odd;",
  });
  ExpectStyle({"The sum is 3.", "The sum is 2024.", "Hmm..."});
}

TEST(LexiconRules, TheStudentGoesOnWithinAMarker) {
  ExpectStyle({"Let", "Let me", "For", "On the other", "So the", "So the answer", "As a",
               "The sum is 12. Let", "The sum is even.\n\nOn the", "But hold", " so it must"});
}

TEST(LexiconRules, TheStudentWritesAMarkersPunctuation) {
  ExpectStyle(
      {"Okay", "For example", "Therefore", " wait", " first", " let me check", "Let me think about this"});
}

TEST(LexiconRules, MarkersChain) {
  ExpectStyle({"Okay,", "Okay, so", "Okay, so let", "Hmm, wait,", "Hmm, wait, let me check", "Wait — ",
               "Wait ...", "But first", "So let me", "No, wait,", "Okay, so I need to", "Yes; "});
}

TEST(LexiconRules, ContentFollowsTheCommaOfAConnective) {
  ExpectCapability({"Therefore,", "For example,", "First,", " first ,", "Now,", " wait , let me check ,",
                    "On the other hand,", "Okay, so,"});
}

TEST(LexiconRules, ContentFollowsAnAnnouncementAtOnce) {
  ExpectCapability({"So the answer is", "so the final answer should be", " so it must be", "This means",
                    "We get", "Okay, so we have", "Note that"});
}

TEST(LexiconRules, ContentFollowsAColon) {
  ExpectCapability({"Okay:", "Let me check:", " step 2 :", "Let me list them:\n", "Let me list them:\n\n",
                    "**Note:**", "For example：\n"});
}

TEST(LexiconRules, AnyOtherWordHandsTheSentenceOver) {
  ExpectCapability({"7", "The", "Sorting", "Okay, the", "So 7", "Let x", "Let me reverse", "Wait, when", "x",
                    "=", "-", "**", "The sum is 12. Sorting", "First example", "For each", "`a`"});
}

TEST(LexiconRules, MidSentenceMarkersAreTheTeachers) {
  ExpectCapability({"The sum is 12, so", "The sum is 12, therefore,", "If n is even, then let me",
                    "We sort, wait,", "Therefore, for example"});
}

TEST(LexiconRules, CaseApostrophesAndEmphasisDoNotMatter) {
  ExpectStyle({"OKAY,", "okay,", "Let’s", "Let's", "let’s see", "**Wait**,", "*Hmm*,", "\"Okay,", "“Wait,”",
               "(Wait,"});
}

TEST(LexiconRules, ASentenceOfMarkersHasAnEnd) {
  std::string text = "Okay,";
  for (int i = 0; i < 20; ++i) text += " wait,";
  EXPECT_FALSE(IsStyle(text));
}

TEST(LexiconRules, TheTeacherOpensASentenceAfterSomeWithoutIt) {
  ExpectStyle({"Hmm. Wait.", "It is 7. Hmm. Wait.", "The sum is 7. Hmm. Wait."});
  ExpectCapability(
      {"Hmm. Wait. Okay.", "Hmm. Wait. Okay. But", "Hmm. 7. Okay.", "Hmm.\n\nWait.\n\nOkay.\n\n"});
  ExpectStyle({"Hmm. Wait. Okay. The sum is 7."});
}

TEST(LexiconRules, CodeIsTheTeachersBetweenFences) {
  const std::string opened = "Let me write it.\n\n```python\n";
  const std::string code = opened + "x = 1\n\n# First. Then\nprint(x)\n\nokay\n";
  for (const std::string& text :
       {opened, opened + "x = 1\n", opened + "x = 1\n\n", opened + "# First.", code}) {
    EXPECT_FALSE(IsStyle(text)) << text;
  }
  EXPECT_TRUE(IsStyle(code + "```\n"));
  EXPECT_TRUE(IsStyle(code + "```\n\n"));
  EXPECT_FALSE(IsStyle("See.\n\n```\n4 5\n"));
  EXPECT_TRUE(IsStyle("See.\n\n```\n4 5\n```\n"));
}

TEST(LexiconRules, CodeIsTheTeachersWithoutFences) {
  ExpectCapability({"def f(x):\n", "    return x\n", "    return x\n\n", "\treturn x.", "int x = 3;\n",
                    "while (x) {\n", "}\n", "}\n\n", "print(a, b)\n", "# Add them. Then", "// Add them.",
                    "    # Add them."});
  ExpectStyle({"We call print(a, b).\n", "  - Sort. ", "The function returns x.\n"});
}

TEST(LexiconRules, CodeIsTheTeachersWhereItsFenceIsOutOfSight) {
  std::string code;
  while (code.size() < 600) code += "    total = total + values[i]\n\n";
  EXPECT_FALSE(IsStyle(code));
  EXPECT_FALSE(IsStyle(code + "    # Done. Now"));
  EXPECT_TRUE(IsStyle(code + "```\n"));
  EXPECT_TRUE(IsStyle(code + "```\n\nThe sum is right."));
  EXPECT_FALSE(IsStyle(code + "```\n\nThen:\n\n```\n"));
}

TEST(LexiconRules, FormulasAndListsAreOneBlock) {
  ExpectCapability({"x = 3\n", "4 5 6\n", "- an apple\n", "1. Sort the array.\n", "| a | b |\n", "\\[\n",
                    "The sum is\n\\[\nS = 1 .\n", "$$\nS = 1 .\n", "x \\\\\n", "We sort,\n"});
  ExpectStyle({"x = 3\n\n", "4 5 6\n\n", "- an apple\n\n", "1. Sort the array.\n\n", "\\[\nS = 1 .\n\\]\n",
               "$$\nS = 1 .\n$$\n", "\\[ S = 1 \\]\n\n"});
}

TEST(LexiconRules, ChineseIsHandedOverBetweenCharacters) {
  ExpectStyle({"总和是偶数。", "好吗？", "总和是 7。"});
  ExpectCapability({"总", "总和", "总和，", "总和是偶数。然", "例如："});
}

// ---- whole traces

TEST(LexiconTraces, TheMiniatureStudent) {
  EXPECT_EQ(
      Shares(
          " okay , let's see . first , 7 * 3 = 8 ; now times , 8 * 2 = 3 ; wait , let me check , 8 * 2 = 3 ;"
          " yes . then adding , 3 + 3 = 6 ; so it must be 6 ."),
      "[ okay , let's see . first ,] 7 * 3 = 8 ;[ now times ,] 8 * 2 = 3 ;[ wait , let me check ,] 8 * 2 = 3 "
      ";"
      "[ yes . then adding ,] 3 + 3 = 6 ;[ so it must be] 6 .");
}

TEST(LexiconTraces, TheMiniatureTeacher) {
  EXPECT_EQ(Shares(" step 2 : 7 * 3 = 8 ; apply rule : we have 8 * 2 = 3 ; therefore we obtain result : 3 ."),
            "[ step] 2 : 7 * 3 = 8 ;[ apply] rule : we have 8 * 2 = 3 ;[ therefore we obtain] result : 3 .");
}

TEST(LexiconTraces, AReasoningModel) {
  EXPECT_EQ(
      Shares("Okay, so I need to find the longest path in a tree. Let me think about this step by step.\n"
             "\n"
             "First, the naive way is O(n^2). Hmm, but n can be 10^5, e.g. in the last group. Wait, let me "
             "check: "
             "it says 10^6.\n"
             "\n"
             "So the steps are:\n"
             "1. Root the tree.\n"
             "2. Join the two deepest paths.\n"
             "\n"
             "```python\n"
             "best = 0\n"
             "\n"
             "# Now go down. Then up.\n"
             "```\n"
             "\n"
             "Therefore, the answer is 3."),
      "[Okay, so I need to find the] longest path in a tree.[ Let me think about this step by step.\n"
      "\n"
      "First,] the naive way is O(n^2).[ Hmm, but n] can be 10^5, e.g. in the last group.[ Wait, let me "
      "check:] "
      "it says 10^6.\n"
      "\n"
      "[So the steps] are:\n"
      "1. Root the tree.\n"
      "2. Join the two deepest paths.\n"
      "\n"
      "[```python\n"
      "]best = 0\n"
      "\n"
      "# Now go down. Then up.\n"
      "```\n"
      "\n"
      "[Therefore,] the answer is 3.");
}

TEST(LexiconTraces, TextWithoutSpaces) {
  EXPECT_EQ(Shares("首先，我们计算总和。然后检查 n 是否为偶数。"),
            "[首]先，我们计算总和。[然]后检查 n 是否为偶数。");
}

// ---- properties

constexpr std::array<std::string_view, 24> kFragments{
    " okay",   " so", " let", " me",   " check", ",",        " wait",    " the",
    " answer", " is", " 7",   " x[i]", ".",      "?",        "\n",       "\n\n",
    "```",     ":",   " =",   " …",    "和",     "```cpp\n", "    y;\n", " first"};

std::string RandomText(Draws& draws, size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += kFragments.at(draws.Below(kFragments.size()));
  return text;
}

TEST(LexiconProperties, OnlyTheEndOfTheTextMatters) {
  Draws draws(1);
  for (int round = 0; round < 300; ++round) {
    const std::string text = RandomText(draws, 2 * Lexicon::kLookBackBytes);
    const std::string_view tail = std::string_view(text).substr(text.size() - Lexicon::kLookBackBytes);
    const std::string other = RandomText(draws, draws.Below(2000)).append(tail);
    EXPECT_EQ(IsStyle(text), IsStyle(tail)) << text;
    EXPECT_EQ(IsStyle(text), IsStyle(other)) << text << "\n---\n" << other;
  }
}

TEST(LexiconProperties, StyleNeverComesBackWithinASentence) {
  constexpr std::array<std::string_view, 16> kWords{" okay", " so",  " let",   " me",     " check",   " ,",
                                                    " wait", " for", " the",   " answer", " example", " is",
                                                    " 7",    " x,",  " first", " to"};
  Draws draws(2);
  for (int round = 0; round < 300; ++round) {
    std::string text = "The sum is 7.";
    bool style = true;
    for (int word = 0; word < 16; ++word) {
      text += kWords.at(draws.Below(kWords.size()));
      EXPECT_TRUE(style || !IsStyle(text)) << text;
      style = IsStyle(text);
    }
  }
}

TEST(LexiconProperties, AnyBytesWillDo) {
  Draws draws(3);
  for (int round = 0; round < 300; ++round) {
    std::string text(draws.Below(700), '\0');
    for (char& c : text) c = static_cast<char>(draws.Below(256));
    const float p = Lexicon::BuiltIn().StyleProbability(text);
    EXPECT_TRUE(p == 0.0F || p == 1.0F);
  }
}

// ---- the data

std::string Toml(std::string_view markers) {
  return "words_max = 5\nstudent_sentences_max = 2\nabbreviations = []\ncode_line_starts = []\n" +
         std::string(markers);
}

TEST(LexiconData, TheBuiltInFileIsWellFormed) {
  std::ifstream file(InSource("src/boundary/lexicon/english.toml"));
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const Result<Lexicon> lexicon = Lexicon::Parse(text, "english.toml");
  ASSERT_TRUE(lexicon.has_value()) << lexicon.error().message;
}

TEST(LexiconData, PhrasesHaveGroupsAndOptionalParts) {
  const Result<Lexicon> lexicon = Lexicon::Parse(
      Toml("[[markers]]\nthen = \"comma\"\nphrases = [\"(let me|let's) (see|look (at|into)|) (now|)\"]"),
      "x");
  ASSERT_TRUE(lexicon.has_value()) << lexicon.error().message;
  EXPECT_EQ(Shares("Let me look into x. Let's now x. Let me see now, x.", *lexicon),
            "[Let me look into x. Let's now x.] Let me see now, x.");
  EXPECT_EQ(Shares("Me see x y z. Let look x.", *lexicon), "[Me] see x y z.[ Let look] x.");
}

TEST(LexiconData, PhrasesMayBeChinese) {
  const Result<Lexicon> lexicon =
      Lexicon::Parse(Toml("[[markers]]\nthen = \"comma\"\nphrases = [\"首先\"]\n[[markers]]\nthen = "
                          "\"marker\"\nphrases = [\"(好|好的)\"]"),
                     "x");
  ASSERT_TRUE(lexicon.has_value()) << lexicon.error().message;
  EXPECT_EQ(Shares("好的，首先，总和是七。", *lexicon), "[好的，首先，]总和是七。");
}

TEST(LexiconData, LimitsAreData) {
  const Result<Lexicon> lexicon =
      Lexicon::Parse(Toml("[[markers]]\nthen = \"marker\"\nphrases = [\"wait\"]"), "x");
  ASSERT_TRUE(lexicon.has_value()) << lexicon.error().message;
  EXPECT_EQ(Shares("Wait wait wait wait wait wait wait.", *lexicon), "[Wait wait wait wait wait] wait wait.");
  EXPECT_EQ(Shares("Wait. Wait. Wait. Wait. Wait.", *lexicon), "[Wait. Wait.] Wait.[ Wait. Wait.]");
}

struct BadToml {
  std::string toml;
  std::string_view place_and_key;
  std::string_view complaint;
};

TEST(LexiconData, ErrorsNameFileLineAndKey) {
  const auto phrases = [](std::string_view list) {
    return Toml("[[markers]]\nthen = \"content\"\nphrases = [\n" + std::string(list) + "\n]");
  };
  std::string doubled;
  for (int i = 0; i < 40; ++i) doubled += "(so|now) ";
  const std::vector<BadToml> table{
      {"words_max = \n", "l.toml:1: ", "not TOML"},
      {"words_max = 5\n", "l.toml:1: the key `student_sentences_max`", "is missing"},
      {"words_max = 0\n" + Toml("").substr(14), "l.toml:1: the key `words_max`", "from 1 to 1000"},
      {"words_max = \"5\"\n" + Toml("").substr(14), "l.toml:1: the key `words_max`", "from 1 to 1000"},
      {Toml("word = 1\n"), "l.toml:5: the key `word`", "is unknown"},
      {Toml(""), "the key `markers`", "is missing"},
      {Toml("markers = [1]"), "l.toml:5: the key `markers`", "array of tables"},
      {Toml("[[markers]]\nphrases = []"), "l.toml:5: the key `then`", "is missing"},
      {Toml("[[markers]]\nthen = \"stop\"\nphrases = []"), "l.toml:6: the key `then`", "\"marker_or_comma\""},
      {Toml("[[markers]]\nthen = \"comma\""), "l.toml:5: the key `phrases`", "is missing"},
      {Toml("[[markers]]\nthen = \"comma\"\nphrases = \"so\""), "l.toml:7: the key `phrases`",
       "array of strings"},
      {Toml("[[markers]]\nthen = \"comma\"\nphrases = []\nnote = 1"), "l.toml:8: the key `note`",
       "is unknown"},
      {phrases("\"so\",\n7"), "l.toml:9: the key `phrases`", "strings that are not empty"},
      {phrases("\"\""), "l.toml:8: the key `phrases`", "strings that are not empty"},
      {phrases("\"so,\""), "l.toml:8: the key `phrases`", "without punctuation"},
      {phrases("\"(so\""), "l.toml:8: the key `phrases`", "lacks a \")\""},
      {phrases("\"so)\""), "l.toml:8: the key `phrases`", "a \")\" too many"},
      {phrases("\"(so|)\""), "l.toml:8: the key `phrases`", "no words"},
      {phrases("\"" + doubled + "\""), "l.toml:8: the key `phrases`", "too many markers"},
      {phrases("\"" + std::string(100'000, '(') + "\""), "l.toml:8: the key `phrases`", "too many groups"},
      {phrases("\"so\",\n\"so\""), "l.toml:9: the key `phrases`", "listed twice"},
      {phrases("\"so\",\n\"so then\""), "l.toml:9: the key `phrases`", "goes on after"},
      {phrases("\"so then\",\n\"so\""), "l.toml:9: the key `phrases`", "never reached"},
  };
  for (const BadToml& bad : table) {
    const Result<Lexicon> lexicon = Lexicon::Parse(bad.toml, "l.toml");
    ASSERT_FALSE(lexicon.has_value()) << bad.toml;
    EXPECT_EQ(lexicon.error().code, ErrorCode::kInvalidData);
    EXPECT_THAT(lexicon.error().message, HasSubstr(bad.place_and_key)) << bad.toml;
    EXPECT_THAT(lexicon.error().message, StartsWith("l.toml:")) << bad.toml;
    EXPECT_THAT(lexicon.error().message, HasSubstr(bad.complaint)) << bad.toml;
  }
}

// ---- the reader

class Executor {
 public:
  LexiconReader::Post Post() {
    return [this](std::function<void()> task) { tasks_.push_back(std::move(task)); };
  }
  void Run() {
    for (; !tasks_.empty(); tasks_.pop_front()) tasks_.front()();
  }

 private:
  std::deque<std::function<void()>> tasks_;
};

std::vector<DraftToken> Tokens(std::initializer_list<std::string_view> texts) {
  std::vector<DraftToken> tokens;
  for (const std::string_view text : texts) tokens.push_back({-1, std::string(text), DraftToken::End::kNone});
  return tokens;
}

class LexiconReaderTest : public testing::Test {
 protected:
  std::vector<float> Ask(std::initializer_list<uint32_t> places) {
    std::optional<std::vector<float>> answer;
    reader_->Ask(std::vector(places),
                 [&answer](Result<std::vector<float>> result) { answer = result.value(); });
    EXPECT_FALSE(answer.has_value()) << "called back inside the call";
    executor_.Run();
    return answer.value_or(std::vector<float>{});
  }

  Executor executor_;
  std::unique_ptr<LexiconReader> reader_ =
      std::make_unique<LexiconReader>(Lexicon::BuiltIn(), executor_.Post());
};

TEST_F(LexiconReaderTest, ReadsTextNotTokens) {
  EXPECT_FALSE(reader_->ReadsTokensOf(Role::kStudent));
  EXPECT_FALSE(reader_->ReadsTokensOf(Role::kTeacher));
}

TEST_F(LexiconReaderTest, AnswersForEveryPlaceOfTheSpan) {
  reader_->Append(Role::kStudent, Tokens({"Okay", ",", " so"}));
  reader_->Append(Role::kStudent, Tokens({" the", " sum"}));
  EXPECT_THAT(Ask({1, 2, 3, 4, 5}), ElementsAre(1, 1, 1, 1, 0));
  EXPECT_THAT(Ask({5}), ElementsAre(0));
}

TEST_F(LexiconReaderTest, ReadsOnFromEarlierSpans) {
  reader_->Append(Role::kStudent, Tokens({"So the", " answer"}));
  reader_->EndSpan();
  reader_->Append(Role::kTeacher, Tokens({" is", " 7."}));
  EXPECT_THAT(Ask({1, 2}), ElementsAre(0, 1));
}

TEST_F(LexiconReaderTest, RollsBackWithinTheSpan) {
  reader_->Append(Role::kTeacher, Tokens({"The sum", " is 7."}));
  reader_->EndSpan();
  reader_->Append(Role::kStudent, Tokens({" Let", " me", " sort", " it."}));
  reader_->Rollback(2);
  EXPECT_THAT(Ask({1, 2}), ElementsAre(1, 1));
  reader_->Append(Role::kStudent, Tokens({" add", " x,"}));
  EXPECT_THAT(Ask({2, 3, 4}), ElementsAre(1, 0, 0));
  reader_->Rollback(4);
  reader_->Append(Role::kStudent, Tokens({" So the answer is"}));
  EXPECT_THAT(Ask({1}), ElementsAre(0));
  EXPECT_DEATH(reader_->Rollback(2), "internal error");
}

TEST_F(LexiconReaderTest, TokensOfNoBytesCount) {
  reader_->Append(Role::kStudent, Tokens({"", "Okay", "", ""}));
  EXPECT_THAT(Ask({1, 2, 4}), ElementsAre(1, 1, 1));
  reader_->Rollback(2);
  EXPECT_THAT(Ask({2}), ElementsAre(1));
}

TEST_F(LexiconReaderTest, SaysWhatTheLexiconSaysOfTheWholeText) {
  Draws draws(4);
  std::string text;
  for (int span = 0; span < 60; ++span) {
    std::vector<DraftToken> tokens;
    std::vector<float> expected;
    std::vector<uint32_t> places;
    const size_t count = 1 + draws.Below(60);
    for (size_t i = 0; i < count; ++i) {
      tokens.push_back(
          {-1, std::string(kFragments.at(draws.Below(kFragments.size()))), DraftToken::End::kNone});
      text += tokens.back().text;
      expected.push_back(Lexicon::BuiltIn().StyleProbability(text));
      places.push_back(static_cast<uint32_t>(i + 1));
    }
    reader_->Append(Role::kTeacher, tokens);
    reader_->Append(Role::kTeacher, Tokens({"```", "\n\nHmm."}));
    reader_->Rollback(2);
    std::vector<float> answer;
    reader_->Ask(places, [&answer](Result<std::vector<float>> result) { answer = result.value(); });
    executor_.Run();
    EXPECT_EQ(answer, expected) << "span " << span;
    reader_->EndSpan();
  }
}

TEST_F(LexiconReaderTest, NoCallbackAfterDestruction) {
  reader_->Append(Role::kStudent, Tokens({"Okay"}));
  bool called = false;
  reader_->Ask(std::vector<uint32_t>{1}, [&called](const Result<std::vector<float>>&) { called = true; });
  reader_.reset();
  executor_.Run();
  EXPECT_FALSE(called);
}

TEST_F(LexiconReaderTest, MayBeAskedOrDestroyedInTheCallback) {
  reader_->Append(Role::kStudent, Tokens({"Okay"}));
  int calls = 0;
  reader_->Ask(std::vector<uint32_t>{1}, [&](const Result<std::vector<float>>&) {
    ++calls;
    reader_->Ask(std::vector<uint32_t>{1}, [&](const Result<std::vector<float>>&) {
      ++calls;
      reader_.reset();
    });
  });
  executor_.Run();
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace tessy
