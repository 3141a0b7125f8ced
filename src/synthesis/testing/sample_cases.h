#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "model/family.h"
#include "synthesis/sample.h"
#include "synthesis/testing/scripted_cast.h"

// For tests: runs to be made with scripted models, each a function of its seed.
namespace tessy {

using Vocabularies = std::vector<std::shared_ptr<const ScriptedVocabulary>>;

// ---- Small vocabularies, each with its own pieces for much the same text.

inline std::shared_ptr<const ScriptedVocabulary> VocabularyOf(std::vector<ScriptedPiece> pieces) {
  for (const char* text : {"<|start|>", "<|channel|>", "<|message|>"})
    pieces.push_back({text, 0, ScriptedPiece::Kind::kControl});
  for (const char* text : {"</think>", "<|end|>"}) pieces.push_back({text, 0, ScriptedPiece::Kind::kControl});
  for (const char* text : {"<|im_end|>", "<|return|>"})
    pieces.push_back({text, 1, ScriptedPiece::Kind::kEnd});
  return std::make_shared<ScriptedVocabulary>(std::move(pieces));
}

// Whole characters, and no token without text but </think>.
inline const auto kWords = VocabularyOf({{" the", 8},
                                         {" so", 8},
                                         {" x", 8},
                                         {"ing", 6},
                                         {",", 6},
                                         {" =", 6},
                                         {".\n", 4},
                                         {"\n\n", 3},
                                         {" 12", 4},
                                         {"(", 2},
                                         {" n", 4},
                                         {"Okay", 4},
                                         {" Wait", 4},
                                         {" 中文", 2},
                                         {"</think>", 4, ScriptedPiece::Kind::kControl}});
inline const auto kLetters = VocabularyOf({{" ", 10},
                                           {"a", 5},
                                           {"e", 5},
                                           {"n", 4},
                                           {"t", 5},
                                           {" t", 5},
                                           {"he", 5},
                                           {"\n", 4},
                                           {".", 3},
                                           {"x", 3},
                                           {"=", 3},
                                           {"1", 3},
                                           {"中", 2},
                                           {"文", 2},
                                           {"  ", 2},
                                           {"\t", 1},
                                           {"</think>", 3, ScriptedPiece::Kind::kControl},
                                           {"<|end|>", 3, ScriptedPiece::Kind::kControl}});
inline const auto kBytes = VocabularyOf({{" a", 9},
                                         {"\xE4", 4},
                                         {"\xB8", 4},
                                         {"\xAD", 4},
                                         {"\xB8\xAD", 4},
                                         {"中", 4},
                                         {"\xF0\x9F", 2},
                                         {"\x98\x80", 2},
                                         {"o", 6},
                                         {" ok", 6},
                                         {"\n", 3},
                                         {"\u0301", 1},
                                         {"<|quiet|>", 3, ScriptedPiece::Kind::kControl},
                                         {"</think>", 3, ScriptedPiece::Kind::kControl},
                                         {"<|end|>", 3, ScriptedPiece::Kind::kControl}});
inline const auto kMarkers = VocabularyOf({{" we", 9},
                                           {" add", 9},
                                           {"s", 5},
                                           {"\n", 5},
                                           {" it", 6},
                                           {"<", 3},
                                           {"/", 2},
                                           {"</", 4},
                                           {"think", 4},
                                           {">", 3},
                                           {"think>", 3},
                                           {"</think> so", 1},
                                           {"assistant", 3},
                                           {"final", 3},
                                           {"ant", 2},
                                           {" assist", 2},
                                           {"<|end", 2},
                                           {"|>", 2},
                                           {"<|pad|>", 1, ScriptedPiece::Kind::kControl},
                                           {"<|end|>", 2, ScriptedPiece::Kind::kControl}});
inline const auto kLoops =
    VocabularyOf({{" go", 90}, {" on", 3}, {"\n", 3}, {"</think>", 2, ScriptedPiece::Kind::kControl}});
inline const Vocabularies kVocabularies{kWords, kLetters, kBytes, kMarkers, kLoops};

// The methods that only choose who thinks and who answers.
inline std::span<const Method> SimpleMethods() { return Methods().first(5); }

// ---- A case: who plays, under which rules; all of it by the seed.

struct TestCase {
  uint64_t seed = 0;
  ScriptedCastOptions cast;
  SampleSettings settings;
  std::deque<SampleTask> tasks;
};

// `task` is one of `tasks`.
inline size_t PlaceOf(const std::deque<SampleTask>& tasks, const SampleTask& task) {
  const auto found = std::find_if(tasks.begin(), tasks.end(), [&](const SampleTask& t) {
    return t.question->id == task.question->id && t.sample == task.sample;
  });
  return static_cast<size_t>(found - tasks.begin());
}

inline std::shared_ptr<const Question> QuestionOf(const std::string& id, const std::string& prompt) {
  Question question;
  question.id = id;
  question.messages = {{.role = "user", .content = prompt}};
  return std::make_shared<const Question>(std::move(question));
}

inline std::deque<SampleTask> TasksOf(size_t count) {
  std::deque<SampleTask> tasks;
  for (size_t i = 0; i < count; ++i) {
    const std::string question = fmt::format("q{}", i / 2);
    const auto sample = static_cast<uint32_t>(i % 2);
    tasks.push_back(
        {.question = QuestionOf(question, fmt::format("{} {}", question, sample)), .sample = sample});
  }
  return tasks;
}

inline Family BuiltIn(const char* name) { return LoadFamily(name).value(); }

inline bool AllShare(const ScriptedCastOptions& cast) {
  const auto& first = cast.players[0].model;
  return std::ranges::all_of(cast.players, [&](const ScriptedPlayer& player) {
    return ScriptedCast::Shares(first, player.model) && ScriptedCast::Shares(first, player.predictor);
  });
}

inline TestCase CaseOf(uint64_t seed) {
  uint64_t draws = 0;
  const auto below = [&](size_t count) {
    return static_cast<size_t>(UniformAt(seed, 0, draws++) * static_cast<double>(count));
  };
  TestCase test;
  test.seed = seed;
  const bool one_vocabulary = below(3) == 0;
  const size_t shared = below(kVocabularies.size());
  const auto any_vocabulary = [&] {
    return kVocabularies[one_vocabulary ? shared : below(kVocabularies.size())];
  };
  std::array<Family, 6> families{BuiltIn("qwen3"), BuiltIn("gpt-oss"),  BuiltIn("deepseek-r1"),
                                 BuiltIn("plain"), BuiltIn("few-shot"), BuiltIn("instruct")};
  families[5].handover = "<|im_end|>\n";  // as a template writes it
  for (ScriptedPlayer& player : test.cast.players) {
    player.model = any_vocabulary();
    player.predictor = any_vocabulary();
    player.family = families[below(families.size())];
    player.style_share = 0.1 + 0.2 * static_cast<double>(below(5));
    if (below(6) == 0) player.context_tokens = 30 + below(80);
  }
  SampleSettings& settings = test.settings;
  settings.method = SimpleMethods()[below(2) == 0 ? below(SimpleMethods().size()) : 0];
  settings.thinks = !settings.method.has_one_writer() || below(4) > 0;
  settings.seed = seed;
  settings.thinking_tokens_max = static_cast<uint32_t>(20 + below(150));
  settings.answer_tokens_max = static_cast<uint32_t>(40 + below(200));
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

inline std::string Describe(const TestCase& test, const Mode& mode) {
  return fmt::format(
      "seed {} (run it alone with TESSY_SEED={}), k = {}, concurrency {}, {} hops: {}, cut {}, at least {}",
      test.seed, test.seed, mode.draft_tokens, mode.concurrency, mode.hops_max, test.settings.method.name,
      Name(test.settings.cut), test.settings.min_span_tokens);
}

}  // namespace tessy
