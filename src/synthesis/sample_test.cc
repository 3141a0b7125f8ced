#include "synthesis/sample.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/utf8.h"
#include "dataset/response.h"
#include "synthesis/response_form.h"
#include "synthesis/run.h"
#include "synthesis/scripted_cast.h"

namespace tessy {
namespace {

using Kind = ScriptedPiece::Kind;
using Vocabularies = std::vector<std::shared_ptr<const ScriptedVocabulary>>;

constexpr std::array<Role, 2> kRoles{Role::kStudent, Role::kTeacher};
size_t Index(Role role) { return static_cast<size_t>(role); }

// ---- Small vocabularies, each with its own pieces for much the same text.

std::shared_ptr<const ScriptedVocabulary> VocabularyOf(std::vector<ScriptedPiece> pieces, uint32_t close_weight) {
  for (const char* text : {"<|start|>", "<|channel|>", "<|message|>"}) pieces.push_back({text, 0, Kind::kControl});
  for (const char* text : {"</think>", "<|end|>"}) pieces.push_back({text, close_weight, Kind::kControl});
  for (const char* text : {"<|im_end|>", "<|return|>"}) pieces.push_back({text, 1, Kind::kEnd});
  return std::make_shared<ScriptedVocabulary>(std::move(pieces));
}

// Whole characters and no control token that does not end the thinking (of a family that knows both close tokens).
const auto kWords = VocabularyOf({{" the", 8}, {" so", 8}, {" x", 8}, {"ing", 6}, {",", 6}, {" =", 6}, {".\n", 4},
                                  {"\n\n", 3}, {" 12", 4}, {"(", 2}, {" n", 4}, {"Okay", 4}, {" Wait", 4}, {" 中文", 2}},
                                 0);
const auto kLetters = VocabularyOf({{" ", 10}, {"a", 5}, {"e", 5}, {"n", 4}, {"t", 5}, {" t", 5}, {"he", 5}, {"\n", 4},
                                    {".", 3}, {"x", 3}, {"=", 3}, {"1", 3}, {"中", 2}, {"文", 2}, {"  ", 2}, {"\t", 1}},
                                   2);
const auto kBytes = VocabularyOf({{" a", 9}, {"\xE4", 4}, {"\xB8", 4}, {"\xAD", 4}, {"\xB8\xAD", 4}, {"中", 4},
                                  {"\xF0\x9F", 2}, {"\x98\x80", 2}, {"o", 6}, {" ok", 6}, {"\n", 3}, {"\u0301", 1},
                                  {"<|quiet|>", 3, Kind::kControl}},
                                 2);
const auto kMarkers = VocabularyOf({{" we", 9}, {" add", 9}, {"s", 5}, {"\n", 5}, {" it", 6}, {"<", 3}, {"/", 2},
                                    {"</", 4}, {"think", 4}, {">", 3}, {"think>", 3}, {"</think> so", 1},
                                    {"assistant", 3}, {"final", 3}, {"ant", 2}, {" assist", 2}, {"<|end", 1}, {"|>", 1},
                                    {"<|pad|>", 1, Kind::kControl}},
                                   1);
const Vocabularies kVocabularies{kWords, kLetters, kBytes, kMarkers};

// ---- A case: who plays, under which rules; all of it by the seed.

struct TestCase {
  uint64_t seed = 0;
  ScriptedCastOptions cast;
  SampleSettings settings;
  std::vector<SampleTask> tasks;
};

std::vector<SampleTask> TasksOf(size_t count) {
  std::vector<SampleTask> tasks;
  for (size_t i = 0; i < count; ++i) {
    const std::string question = fmt::format("q{}", i / 2);
    const auto sample = static_cast<uint32_t>(i % 2);
    tasks.push_back({.question_id = question, .sample = sample,
                     .messages = {{.role = "user", .content = fmt::format("{} {}", question, sample)}}});
  }
  return tasks;
}

Family BuiltIn(const char* name) { return LoadFamily(name).value(); }

bool AllShare(const ScriptedCastOptions& cast) {
  const auto& first = cast.players[0].model;
  return std::ranges::all_of(cast.players, [&](const ScriptedPlayer& player) {
    return ScriptedCast::Shares(first, player.model) && ScriptedCast::Shares(first, player.predictor);
  });
}

TestCase CaseOf(uint64_t seed) {
  uint64_t draws = 0;
  const auto below = [&](size_t count) {
    return static_cast<size_t>(UniformAt(seed, 0, draws++) * static_cast<double>(count));
  };
  TestCase test;
  test.seed = seed;
  const bool one_vocabulary = below(3) == 0;
  const size_t shared = below(kVocabularies.size());
  const auto any_vocabulary = [&] { return kVocabularies[one_vocabulary ? shared : below(kVocabularies.size())]; };
  const std::array<Family, 4> families{BuiltIn("qwen3"), BuiltIn("gpt-oss"), BuiltIn("deepseek-r1"), BuiltIn("plain")};
  for (ScriptedPlayer& player : test.cast.players) {
    player.model = any_vocabulary();
    player.predictor = any_vocabulary();
    player.family = families[below(families.size())];
    player.style_share = 0.1 + 0.2 * static_cast<double>(below(5));
    if (below(6) == 0) player.context_tokens = 30 + below(80);
  }
  SampleSettings& settings = test.settings;
  settings.method = kMethods[below(2) == 0 ? below(kMethods.size()) : 0];
  settings.seed = seed;
  settings.thinking_tokens_max = static_cast<uint32_t>(20 + below(150));
  settings.answer_tokens_max = static_cast<uint32_t>(20 + below(100));
  settings.retries_max = static_cast<uint32_t>(below(5));
  settings.min_span_tokens = static_cast<uint32_t>(1 + below(3));
  const CutRule automatic = AllShare(test.cast) ? CutRule::kToken : CutRule::kCompleteWord;
  settings.cut = std::array{automatic, automatic, CutRule::kCompleteWord, CutRule::kDropWord}[below(4)];
  test.tasks = TasksOf(5);
  return test;
}

// ---- Running it.

struct Mode {
  uint32_t draft_tokens = 1;
  int concurrency = 1;
  uint32_t hops_max = 0;
};

std::string Describe(const TestCase& test, const Mode& mode) {
  return fmt::format("seed {} (run it alone with TESSY_SEED={}), k = {}, concurrency {}, {} hops: {}, cut {}, at least {}",
                     test.seed, test.seed, mode.draft_tokens, mode.concurrency, mode.hops_max, test.settings.method.name,
                     Name(test.settings.cut), test.settings.min_span_tokens);
}

// What must not depend on the mode, in words.
std::string Text(const SampleTask& task, const SampleOutcome& outcome, const SampleSettings& settings,
                 const Family& student_family) {
  const std::string failures =
      fmt::format("{} attempts, {} tokens in vain: {}", outcome.attempts, outcome.failed_attempts_tokens,
                  fmt::join(outcome.failures, " "));
  if (!outcome.done) return "failed after " + failures;
  Question question;
  question.id = task.question_id;
  Response response = FormResponse(question, task, outcome, settings.method, student_family);
  response.stats.drafted_tokens = response.stats.discarded_tokens = 0;
  return ToJsonLine(response) + failures;
}

struct Ran {
  std::vector<std::string> texts;        // by task
  std::vector<SampleOutcome> outcomes;   // by task
  std::vector<int> finished;             // times that each was delivered
  RunResult result;
};

std::string CheckOutcome(const TestCase& test, const Mode& mode, const SampleOutcome& outcome);
std::string CheckViews(const TestCase& test, const ScriptedCast& cast, const SampleTask& task,
                       const SampleOutcome& outcome);

Ran RunOnce(const TestCase& test, const Mode& mode) {
  boost::asio::io_context io(1);
  ScriptedCastOptions options = test.cast;
  options.places = mode.concurrency;
  options.hops_max = mode.hops_max;
  options.hops_seed = test.seed;
  ScriptedCast cast(std::move(options), [&io](auto call) { boost::asio::post(io, std::move(call)); });
  SampleSettings settings = test.settings;
  settings.draft_tokens = mode.draft_tokens;

  Ran ran;
  ran.texts.resize(test.tasks.size());
  ran.outcomes.resize(test.tasks.size());
  ran.finished.resize(test.tasks.size());
  RunCallbacks callbacks;
  callbacks.finished = [&](const SampleTask& task, const SampleOutcome& outcome, uint64_t) -> Status {
    const auto at = static_cast<size_t>(&task - test.tasks.data());
    ran.texts[at] = Text(task, outcome, settings, cast.FamilyOf(Role::kStudent));
    ran.outcomes[at] = outcome;
    ++ran.finished[at];
    EXPECT_EQ(CheckOutcome(test, mode, outcome), "") << Describe(test, mode);
    EXPECT_EQ(CheckViews(test, cast, task, outcome), "") << Describe(test, mode);
    return {};
  };
  ran.result = RunAll(io, cast, settings, test.tasks,
                      {.concurrency = mode.concurrency, .stop_on_signals = false}, callbacks);
  return ran;
}

// ---- What must hold of every response.

bool IsClean(const std::shared_ptr<const ScriptedVocabulary>& vocabulary) {
  // Of the families' close tokens, kWords writes none and so no control token at all.
  return vocabulary == kWords;
}

std::string CheckOutcome(const TestCase& test, const Mode& mode, const SampleOutcome& outcome) {
  const SampleSettings& settings = test.settings;
  if (outcome.cancelled) return "cancelled";
  if (outcome.attempts != outcome.failures.size() + (outcome.done ? 1U : 0U)) return "attempts are miscounted";
  if (outcome.attempts > settings.retries_max + 1) return "too many attempts";
  if (!outcome.done) return outcome.failures.empty() ? "failed without a reason" : "";
  if (outcome.thinking_tokens[0] + outcome.thinking_tokens[1] > settings.thinking_tokens_max) return "over its budget";
  if (outcome.answer_tokens > settings.answer_tokens_max) return "the answer is over its budget";
  if (outcome.answered_by != settings.method.answerer) return "answered by the wrong role";
  size_t end = 0;
  const Trace& y = outcome.thinking;
  for (size_t i = 0; i < y.spans.size(); ++i) {
    if (y.spans[i].begin != end || y.spans[i].end <= end) return "spans do not tile the thinking";
    if (i > 0 && y.spans[i].role == y.spans[i - 1].role) return "roles do not alternate";
    if (i > 0 && IncompleteTail(std::string_view(y.text).substr(0, end)) != 0) return "a cut inside a character";
    end = y.spans[i].end;
  }
  if (end != y.text.size()) return "spans do not tile the thinking";
  const auto thinker = settings.method.thinker;
  if (thinker && (y.spans.size() != 1 || y.spans[0].role != *thinker)) return "somebody else thought";
  if (mode.draft_tokens > 1 || thinker) return {};
  if (settings.cut == CutRule::kToken && outcome.discarded_tokens > 0) return "cutting at tokens discards at k = 1";
  const bool clean = std::ranges::all_of(test.cast.players, [](const auto& player) { return IsClean(player.model); });
  if (clean && settings.cut == CutRule::kCompleteWord && outcome.discarded_tokens > outcome.switches) {
    return "completing words discards more than one token a switch";
  }
  return {};
}

// Reads the tokens of a view one span after the other.
class ViewWalk {
 public:
  ViewWalk(const ScriptedVocabulary& vocabulary, const ScriptedRecord& record)
      : vocabulary_(vocabulary), tokens_(record.tokens), open_(record.open) {}

  // The next `count` tokens; fewer at the end.
  std::vector<TokenId> Take(size_t count) {
    const auto begin = tokens_.begin() + static_cast<std::ptrdiff_t>(at_);
    at_ = std::min(at_ + count, tokens_.size());
    return {begin, tokens_.begin() + static_cast<std::ptrdiff_t>(at_)};
  }
  // The text of all that is left.
  std::string Rest() const {
    std::string text;
    for (size_t i = at_; i < tokens_.size(); ++i) text += vocabulary_.Piece(tokens_[i]);
    return text + open_;
  }

 private:
  const ScriptedVocabulary& vocabulary_;
  const std::vector<TokenId>& tokens_;
  const std::string& open_;
  size_t at_ = 0;
};

std::string TextOf(const ScriptedVocabulary& vocabulary, const std::vector<TokenId>& tokens) {
  std::string text;
  for (const TokenId token : tokens) text += vocabulary.Piece(token);
  return text;
}

// The tokens that a listener of another vocabulary makes of a whole span.
std::vector<TokenId> Heard(const ScriptedVocabulary& vocabulary, std::string_view text) {
  std::vector<TokenId> tokens;
  const auto feed = [&](std::string_view piece) {
    const auto more = vocabulary.Tokenize(Sanitize(piece));
    tokens.insert(tokens.end(), more.begin(), more.end());
  };
  PieceSplitter splitter;
  splitter.Push(text, feed);
  splitter.Finish(feed);
  return tokens;
}

std::string Shown(const std::vector<TokenId>& tokens) { return fmt::format("{}", fmt::join(tokens, " ")); }

// Each role's view must be what feeding the final trace's spans in order gives; of the last span, which a marker or
// the trim may have shortened, the beginning.
std::string CheckViews(const TestCase& test, const ScriptedCast& cast, const SampleTask& task,
                       const SampleOutcome& outcome) {
  if (!outcome.done || !test.settings.method.cooperative()) return {};
  std::array<const ScriptedVocabulary*, 2> vocabularies{};
  std::vector<ViewWalk> views;
  for (const Role role : kRoles) {
    vocabularies[Index(role)] = test.cast.players[Index(role)].model.get();
    views.emplace_back(*vocabularies[Index(role)], cast.RecordOf(role, task.messages));
  }
  const bool share = vocabularies[0]->fingerprint() == vocabularies[1]->fingerprint();
  const auto& spans = outcome.thinking.spans;
  for (size_t i = 0; i < spans.size(); ++i) {
    const Span& span = spans[i];
    const auto text = std::string_view(outcome.thinking.text).substr(span.begin, span.end - span.begin);
    ViewWalk& writer = views[Index(span.role)];
    ViewWalk& listener = views[Index(Other(span.role))];
    if (i + 1 == spans.size()) {
      if (!writer.Rest().starts_with(text)) return "the writer does not know the last span";
      if (!listener.Rest().starts_with(share ? std::string(text) : Sanitize(text))) {
        return fmt::format("the listener has heard \"{}\" of the last span \"{}\"", listener.Rest(), text);
      }
      continue;
    }
    const std::vector<TokenId> own = writer.Take(span.tokens);
    if (TextOf(*vocabularies[Index(span.role)], own) != text) {
      return fmt::format("the writer's view of span {} is {}", i, Shown(own));
    }
    std::vector<TokenId> expected;
    if (share) {
      std::ranges::copy_if(own, std::back_inserter(expected),
                           [&](TokenId token) { return !vocabularies[0]->Piece(token).empty(); });
    } else {
      expected = Heard(*vocabularies[Index(Other(span.role))], text);
    }
    const std::vector<TokenId> heard = listener.Take(expected.size());
    if (heard != expected) {
      return fmt::format("the listener's view of span {} is {}, not {}", i, Shown(heard), Shown(expected));
    }
  }
  return {};
}

// ---- The same whatever the mode.

struct Tally {
  size_t done = 0, failed = 0, retried = 0, switches = 0;
  std::set<std::string> reasons;
  std::array<size_t, kMethods.size()> by_method{};
};

void Count(const TestCase& test, const Ran& ran, Tally& tally) {
  for (const SampleOutcome& outcome : ran.outcomes) {
    ++(outcome.done ? tally.done : tally.failed);
    tally.retried += outcome.done && outcome.attempts > 1 ? 1 : 0;
    tally.switches += outcome.switches;
    tally.reasons.insert(outcome.failures.begin(), outcome.failures.end());
    for (size_t i = 0; i < kMethods.size(); ++i) {
      tally.by_method[i] += outcome.done && test.settings.method.name == kMethods[i].name ? 1 : 0;
    }
  }
}

void ExpectSameInAllModes(const TestCase& test, std::span<const Mode> modes, Tally& tally) {
  const Ran expected = RunOnce(test, {});
  Count(test, expected, tally);
  for (const Mode& mode : modes) {
    const Ran ran = RunOnce(test, mode);
    for (size_t i = 0; i < test.tasks.size(); ++i) {
      ASSERT_EQ(ran.finished[i], 1) << Describe(test, mode) << ", task " << i;
      ASSERT_EQ(ran.texts[i], expected.texts[i]) << Describe(test, mode) << ", task " << i;
    }
    ASSERT_TRUE(ran.result.status.has_value());
    ASSERT_EQ(ran.result.progress.done, expected.result.progress.done);
    ASSERT_EQ(ran.result.progress.done + ran.result.progress.failed, test.tasks.size());
  }
}

TEST(RunAll, ComesToTheSameForEveryDraftLengthConcurrencyAndOrder) {
  constexpr std::array<Mode, 4> kModes{{{.draft_tokens = 1, .concurrency = 64, .hops_max = 3},
                                        {.draft_tokens = 5, .concurrency = 8, .hops_max = 5},
                                        {.draft_tokens = 20, .concurrency = 1},
                                        {.draft_tokens = 64, .concurrency = 64, .hops_max = 9}}};
  const char* only = std::getenv("TESSY_SEED");
  const uint64_t first = only != nullptr ? std::strtoull(only, nullptr, 10) : 0;
  const uint64_t count = only != nullptr ? 1 : 3000;
  Tally tally;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    ASSERT_NO_FATAL_FAILURE(ExpectSameInAllModes(CaseOf(seed), kModes, tally));
    ASSERT_FALSE(HasFailure());
  }
  fmt::print("{} done, {} failed, {} retried, {} switches, {}; by method {}\n", tally.done, tally.failed, tally.retried, tally.switches,
             fmt::join(tally.reasons, " "), fmt::join(tally.by_method, " "));
}

}  // namespace
}  // namespace tessy
