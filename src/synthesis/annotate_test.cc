#include "synthesis/annotate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <map>

#include "base/utf8.h"
#include "synthesis/testing/sample_cases.h"

namespace tessy {
namespace {

namespace asio = boost::asio;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kText = "Okay, let's see. 7 * 3 = 8; wait, let's see.";

#ifdef TESSY_SANITIZED
constexpr size_t kWindows = 200;
constexpr uint32_t kHugeBytes = 1 << 20;
#else
constexpr size_t kWindows = 3000;
constexpr uint32_t kHugeBytes = 10 << 20;
#endif

struct Outcome {
  std::vector<ByteRange> spans;
  std::vector<std::string> reasons;
  std::string answer;  // of a window that is rejected
  int calls = 0;
};

// Asks scripted models about `count` windows; every window must come to one callback.
class Interviewed {
 public:
  explicit Interviewed(ScriptedPlayer player, size_t count = 1) {
    ScriptedCastOptions options;
    options.players = {player, player};
    options.places = 8;
    options.hops_max = 3;
    for (size_t i = 0; i < count; ++i) windows_.push_back({.id = "w" + std::to_string(i), .text = kText});
    settings.method = *FindMethod("teacher-only");
    settings.thinks = false;
    settings.retries_max = 1;
    settings.answer_tokens_max = 400;
    cast_ = std::make_unique<ScriptedCast>(
        std::move(options), [this](std::function<void()> call) { asio::post(io_, std::move(call)); });
  }

  std::map<size_t, Outcome> Run() {
    std::map<size_t, Outcome> outcomes;
    const AnnotateCallbacks callbacks{
        .accepted = [&](size_t window, const std::vector<ByteRange>& spans) -> Status {
          outcomes[window].spans = spans;
          ++outcomes[window].calls;
          return {};
        },
        .rejected = [&](size_t window, const std::vector<std::string>& reasons,
                        std::string_view answer) -> Status {
          outcomes[window].reasons = reasons;
          outcomes[window].answer = answer;
          ++outcomes[window].calls;
          return {};
        },
        .progress = {}};
    const RunResult result = AnnotateWindows(io_, *cast_, settings, windows_, "Mark: {window}",
                                             {.concurrency = 8, .stop_on_signals = false}, callbacks);
    EXPECT_TRUE(result.status);
    EXPECT_EQ(outcomes.size(), windows_.size());
    for (const auto& [window, outcome] : outcomes) EXPECT_EQ(outcome.calls, 1) << window;
    return outcomes;
  }

  SampleSettings settings;

 private:
  asio::io_context io_{1};
  std::vector<WindowQuestion> windows_;
  std::unique_ptr<ScriptedCast> cast_;
};

ScriptedPlayer PlayerWith(std::vector<ScriptedPiece> pieces, std::vector<std::string> script = {}) {
  const auto vocabulary = VocabularyOf(std::move(pieces));
  return {.model = vocabulary,
          .predictor = vocabulary,
          .family = LoadFamily("qwen3").value(),
          .style_share = 0.5,
          .context_tokens = 4096,
          .script = std::move(script)};
}

Outcome Says(const std::string& answer, bool thinks = false) {
  std::vector<std::string> script{answer + "<|im_end|>"};
  if (thinks) script.insert(script.begin(), "hm</think>");
  Interviewed interview(PlayerWith({{answer, 1}, {"hm", 1}}, std::move(script)));
  interview.settings.thinks = thinks;
  return interview.Run()[0];
}

TEST(AnnotateTest, AnArrayOfPiecesInOrderIsTaken) {
  EXPECT_THAT(Says(R"(["Okay, let's see.", "wait,"])").spans,
              ElementsAre(ByteRange{0, 16}, ByteRange{28, 33}));
  const Outcome none = Says("[]");
  EXPECT_TRUE(none.spans.empty());
  EXPECT_TRUE(none.reasons.empty());
}

TEST(AnnotateTest, ThoughtsBeforeTheAnswerAreNoPartOfIt) {
  EXPECT_THAT(Says(R"(["wait,"])", true).spans, ElementsAre(ByteRange{28, 33}));
}

// The error is shown once; the second answer decides. These models are deaf and say the same again, or, where
// the script has run out, what chance gives them.
TEST(AnnotateTest, WhatCannotBeUsedIsRejectedWithBothReasons) {
  for (const auto& [answer, reason] :
       std::map<std::string, std::string>{{"Here: [\"wait,\"]", "not_json"},
                                          {"[\"wait,\", \"Okay,\"]", "out_of_order"},
                                          {"[\"no\"]", "not_found"}}) {
    const Outcome outcome = Says(answer);
    ASSERT_EQ(outcome.reasons.size(), 2U) << answer;
    EXPECT_THAT(outcome.reasons[0], StartsWith(reason + ": "));
    EXPECT_THAT(outcome.reasons[1], StartsWith(reason + ": "));
    EXPECT_EQ(outcome.answer, answer);
  }
}

TEST(AnnotateTest, HugeAndBrokenAnswersAreRejected) {
  constexpr uint32_t kPieceBytes = 1 << 10;
  const std::string piece(kPieceBytes, 'x');
  // Beside the two tokens that end an answer, so that it has about so many bytes.
  ScriptedPlayer player = PlayerWith({{piece, 2 * kHugeBytes / kPieceBytes}});
  player.context_tokens = SIZE_MAX;
  Interviewed interview(std::move(player));
  interview.settings.answer_tokens_max = 1 << 20;
  const Outcome outcome = interview.Run()[0];
  ASSERT_EQ(outcome.reasons.size(), 2U);
  EXPECT_THAT(outcome.reasons.front(), StartsWith("too_long: "));
  EXPECT_THAT(Says("[\"\xff\xfe\"]").reasons.front(), StartsWith("bad_utf8: "));
}

TEST(AnnotateTest, NoAnswerIsAReason) {
  Interviewed silent(PlayerWith({{"x", 1}}, {"<|im_end|>", "<|im_end|>", "<|im_end|>"}));
  EXPECT_THAT(silent.Run()[0].reasons, ElementsAre(HasSubstr("no_answer: ")));
  Interviewed endless(PlayerWith({{"x", 10000}, {"y", 10000}, {"z\n", 10000}}));
  endless.settings.answer_tokens_max = 64;
  EXPECT_THAT(endless.Run()[0].reasons, ElementsAre(HasSubstr("no_answer: ")));
}

// Models that write by chance what could be an answer: every window comes to one end, and what is taken lies
// in it.
TEST(AnnotateTest, WhateverIsAnsweredEveryWindowComesToOneEnd) {
  Interviewed interview(PlayerWith({{"[", 6},
                                    {"]", 6},
                                    {"[\"wait,\"]", 8},
                                    {"\"Okay, let's see.\"", 6},
                                    {", ", 4},
                                    {"\"", 3},
                                    {"so ", 2},
                                    {"\xff", 1},
                                    {"\n", 2},
                                    {"<|im_end|>", 14, ScriptedPiece::Kind::kEnd}}),
                        kWindows);
  size_t accepted = 0;
  for (const auto& [window, outcome] : interview.Run()) {
    if (outcome.reasons.empty()) ++accepted;
    for (const ByteRange& span : outcome.spans) EXPECT_LE(span.end, std::string_view(kText).size());
    for (const std::string& reason : outcome.reasons) EXPECT_TRUE(IsValidUtf8(reason));
  }
  EXPECT_GT(accepted, kWindows / 50);
  EXPECT_LT(accepted, kWindows);
}

TEST(AnnotateTest, TheBuiltInPromptHasAPlaceForTheWindow) {
  EXPECT_THAT(std::string(BuiltInAnnotatePrompt()), HasSubstr("{window}"));
}

}  // namespace
}  // namespace tessy
