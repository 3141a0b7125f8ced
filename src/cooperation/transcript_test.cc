// Runs the case files of tests/transcripts: who drafts what, what the predictors say, where the cuts fall,
// what comes of it. A file is read line by line; # begins a comment.
//
//   cut complete_word | drop_word | token         settings; these are the defaults
//   min_span_tokens 1
//   budget 1000
//   closes student </think>                       texts that close the thinking, by role
//   asks student tokens | places                  what the role's predictor reads: the role's tokens, or text
//
//   student |Okay|, let's^|| see                  turns, in the notation of draft_notation.h: what the role
//   writes if teacher | x| =| 2|.^|| So                     nobody stops it; past the cut only as far as
//   drafts look ahead student | Right|<close>
//
//   -> student 2 "Okay, let's"                    the spans that come of it: tokens and text
//   -> teacher 4 " x = 2."
//   -> student 1 " Right"
//   -> closed by student                          or: -> fails: budget_used_up
//   -> tokens 3 + 4                               student's and teacher's
//   -> discarded 2 at k = 1
//
// Whatever the draft length, cuts and results must be these.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/testing/source_tree.h"
#include "cooperation/loop.h"
#include "cooperation/testing/draft_notation.h"

namespace tessy {
namespace {

struct Turn {
  Role role;
  NotedDraft draft;
};

struct Transcript {
  LoopSettings settings;
  std::vector<Turn> turns;
  std::vector<std::string> results;  // without the arrow
};

// ---- Reading

Role RoleNamed(std::string_view name) {
  if (name != "student" && name != "teacher") throw std::runtime_error("no role: " + std::string(name));
  return name == "student" ? Role::kStudent : Role::kTeacher;
}

CutRule RuleNamed(std::string_view name) {
  for (const CutRule rule : {CutRule::kToken, CutRule::kCompleteWord, CutRule::kDropWord}) {
    if (name == Name(rule)) return rule;
  }
  throw std::runtime_error("no rule: " + std::string(name));
}

void ReadSetting(const std::string& line, LoopSettings& settings) {
  std::istringstream words(line);
  std::string key, first, second;
  words >> key >> first;
  for (CutPolicy& policy : settings.cut) {
    if (key == "cut") policy.rule = RuleNamed(first);
    if (key == "min_span_tokens") policy.min_span_tokens = static_cast<uint32_t>(std::stoul(first));
  }
  if (key == "budget") settings.thinking_tokens_max = static_cast<uint32_t>(std::stoul(first));
  if (key == "asks") {
    words >> second;
    settings.cut[Index(RoleNamed(first))].reads_tokens = second == "tokens";
  }
  if (key == "closes") {
    auto& texts = settings.close_texts[Index(RoleNamed(first))];
    texts.clear();
    while (words >> second) texts.push_back(second);
  }
  constexpr std::array kKeys{"cut", "min_span_tokens", "budget", "asks", "closes"};
  if (std::ranges::find(kKeys, key) == kKeys.end()) throw std::runtime_error("no setting: " + line);
}

Transcript ReadTranscript(const std::filesystem::path& path) {
  Transcript transcript;
  transcript.settings.thinking_tokens_max = 1000;
  transcript.settings.close_texts = {{{"</think>"}, {"</think>"}}};
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t bar = line.find(" |");
    if (line.starts_with("-> ")) {
      transcript.results.push_back(line.substr(3));
    } else if (bar != std::string::npos) {
      transcript.turns.push_back({RoleNamed(line.substr(0, bar)), ReadNotedDraft(line.substr(bar + 2))});
    } else {
      ReadSetting(line, transcript.settings);
    }
  }
  return transcript;
}

// ---- Running

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

class Reenactment {
 public:
  Reenactment(const Transcript& transcript, uint32_t draft_tokens)
      : transcript_(transcript), state_(WithDraftTokens(transcript.settings, draft_tokens)) {}

  // What comes of it; what went wrong on the way stands first.
  std::vector<std::string> Play() {
    Event event = Start{};
    while (true) {
      const Action action = Step(state_, event);
      if (action.span_ended) EndTurn(action);
      if (action.kind == Action::Kind::kFail) return Results(fmt::format("fails: {}", Name(action.reason)));
      if (action.kind == Action::Kind::kAnswer)
        return Results(fmt::format("closed by {}", Name(action.role)));
      if (turn_ == transcript_.turns.size()) return Results("the transcript has no turn left");
      event = action.kind == Action::Kind::kAsk ? Event(Owners{Say(action)}) : Event(Drafted{Write(action)});
    }
  }
  uint32_t discarded() const { return state_.discarded_tokens; }

 private:
  static LoopSettings WithDraftTokens(LoopSettings settings, uint32_t draft_tokens) {
    settings.draft_tokens = draft_tokens;
    return settings;
  }

  Draft Write(const Action& action) {
    const Turn& turn = transcript_.turns[turn_];
    if (turn.role != action.role) wrongs_.push_back(fmt::format("turn {} is the other role's", turn_ + 1));
    Draft draft;
    while (draft.tokens.size() < action.tokens_max && written_ < turn.draft.tokens.size()) {
      draft.tokens.push_back(turn.draft.tokens[written_++].token);
      if (draft.tokens.back().end != DraftToken::End::kNone) return draft;
    }
    draft.context_full = turn.draft.context_full && draft.tokens.size() < action.tokens_max;
    return draft;
  }

  std::vector<float> Say(const Action& action) const {
    std::vector<float> p_style;
    for (const uint32_t place : action.places) {
      const bool others = transcript_.turns[turn_].draft.tokens[place - 1].others.value_or(false);
      p_style.push_back(others == (action.role == Role::kStudent) ? 0.0F : 1.0F);
    }
    return p_style;
  }

  void EndTurn(const Action& action) {
    const size_t cut = written_ - action.discarded;
    if (transcript_.turns[turn_].draft.cut != cut) {
      wrongs_.push_back(fmt::format("turn {} is cut after {} tokens", turn_ + 1, cut));
    }
    ++turn_;
    written_ = 0;
  }

  std::vector<std::string> Results(std::string end) {
    if (turn_ + 1 < transcript_.turns.size()) wrongs_.push_back(fmt::format("it ends in turn {}", turn_ + 1));
    if (turn_ < transcript_.turns.size() && transcript_.turns[turn_].draft.cut) {
      wrongs_.push_back(fmt::format("turn {} is not cut", turn_ + 1));
    }
    for (const Span& span : state_.y.spans) {
      wrongs_.push_back(fmt::format("{} {} {}", Name(span.role), span.tokens,
                                    Quoted(state_.y.text.substr(span.begin, span.end - span.begin))));
    }
    wrongs_.push_back(std::move(end));
    wrongs_.push_back(fmt::format("tokens {} + {}", state_.tokens_by_role[0], state_.tokens_by_role[1]));
    return std::move(wrongs_);
  }

  const Transcript& transcript_;
  LoopState state_;
  size_t turn_ = 0;
  size_t written_ = 0;  // tokens of the turn
  std::vector<std::string> wrongs_;
};

class TranscriptFile : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(TranscriptFile, ComesToWhatItSaysForEveryDraftLength) {
  const Transcript transcript = ReadTranscript(GetParam());
  std::vector<std::string> expected = transcript.results;
  const auto says_discarded = [](const std::string& line) { return line.starts_with("discarded"); };
  std::erase_if(expected, says_discarded);
  for (const uint32_t k : {1U, 2U, 3U, 5U, 20U, 1000U}) {
    Reenactment play(transcript, k);
    EXPECT_EQ(play.Play(), expected) << "k = " << k;
    if (k > 1) continue;
    const auto line = std::ranges::find_if(transcript.results, says_discarded);
    if (line != transcript.results.end()) {
      EXPECT_EQ(fmt::format("discarded {} at k = 1", play.discarded()), *line);
    }
  }
}

std::vector<std::filesystem::path> TranscriptFiles() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(InSource("tests/transcripts"))) {
    if (entry.path().extension() == ".case") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

INSTANTIATE_TEST_SUITE_P(Transcripts, TranscriptFile, testing::ValuesIn(TranscriptFiles()),
                         [](const auto& instance) { return instance.param.stem().string(); });

}  // namespace
}  // namespace tessy
