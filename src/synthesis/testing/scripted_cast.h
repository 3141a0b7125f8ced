#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "model/scripted/scripted_reader.h"
#include "model/scripted/scripted_session.h"
#include "synthesis/cast.h"

namespace tessy {

// For tests: one role's model and predictor.
struct ScriptedPlayer {
  std::shared_ptr<const ScriptedVocabulary> model;
  std::shared_ptr<const ScriptedVocabulary> predictor;
  Family family;
  double style_share = 0.5;
  size_t context_tokens = 4096;
  std::vector<std::string> script;  // of every session: see ScriptedSessionOptions; as markup
};

struct ScriptedCastOptions {
  std::array<ScriptedPlayer, 2> players;
  int places = 1;  // sessions of a role, and readers, at a time
  // Every call's result is posted up to this many times more, by chance: the order of completion is shuffled.
  uint32_t hops_max = 0;
  uint64_t hops_seed = 0;
  // Asked at every draft and every question, with the number of those before it; may be empty.
  std::function<std::optional<Error>(uint64_t call)> fault;
};

// A cast of scripted models. `post` as for ScriptedSession. One thread.
class ScriptedCast final : public Cast {
 public:
  ScriptedCast(ScriptedCastOptions options, const Post& post) : options_(std::move(options)) {
    post_ = [this, post](std::function<void()> call) {
      ++under_way_;
      post([this, call = std::move(call)] {
        --under_way_;
        call();
      });
    };
  }
  ~ScriptedCast() override {
    TESSY_CHECK(under_way_ == 0 && sessions_[0] == 0 && sessions_[1] == 0 && readers_ == 0);
  }

  const Family& FamilyOf(Role role) const override { return PlayerOf(role).family; }

  Result<OpenedSession> OpenSession(Role role, std::span<const Message> messages, bool thinks) override {
    const ScriptedPlayer& player = PlayerOf(role);
    ScriptedSessionOptions session;
    session.prompt = PromptOf(role, messages, thinks);
    if (session.prompt.size() + 1 >= player.context_tokens) {
      return Fail(ErrorCode::kResourceLimit, "prompt_too_long");
    }
    if (sessions_[Index(role)] == options_.places) return Fail(ErrorCode::kResourceLimit, "no place is free");
    for (const std::string& text : player.family.close_tokens) {
      if (const TokenId token = player.model->Find(text); token >= 0) session.close_tokens.push_back(token);
    }
    for (size_t id = 0; player.family.end_closes_thinking && id < player.model->size(); ++id) {
      const auto token = static_cast<TokenId>(id);
      if (player.model->EndsGeneration(token)) session.close_tokens.push_back(token);
    }
    for (const std::string& draft : player.script)
      session.script.push_back(player.model->TokenizeMarkup(draft));
    session.context_tokens = player.context_tokens;
    session.shares_vocabulary = Shares(PlayerOf(Role::kStudent).model, PlayerOf(Role::kTeacher).model);
    session.hops = [this] { return NextHops(); };
    session.fault = [this] { return NextFault(); };
    session.drawn = drawn_[Index(role)];
    session.record = records_[{messages.back().content, role}] = std::make_shared<ScriptedRecord>();
    session.place = TakePlace(sessions_[Index(role)]);
    const size_t prompt_tokens = session.prompt.size();
    return OpenedSession{
        .session = std::make_unique<ScriptedSession>(*player.model, std::move(session), post_),
        .prompt_tokens = prompt_tokens,
        .context_tokens = player.context_tokens};
  }

  Result<std::unique_ptr<BoundaryReader>> OpenReader(Role role) override {
    const ScriptedPlayer& player = PlayerOf(role);
    if (readers_ == 2 * options_.places) return Fail(ErrorCode::kResourceLimit, "no place is free");
    ScriptedReaderOptions reader;
    reader.reads_tokens_of = {Shares(player.predictor, PlayerOf(Role::kStudent).model),
                              Shares(player.predictor, PlayerOf(Role::kTeacher).model)};
    reader.seed = Index(role);
    reader.style_share = player.style_share;
    reader.hops = [this] { return NextHops(); };
    reader.fault = [this] { return NextFault(); };
    reader.place = TakePlace(readers_);
    return std::make_unique<ScriptedReader>(*player.predictor, std::move(reader), post_);
  }

  void Pump() override {}

  std::vector<TokenId> PromptOf(Role role, std::span<const Message> messages, bool thinks = true) const {
    const Family& family = PlayerOf(role).family;
    std::string text;
    for (const Message& message : messages) text += message.content + "\n";
    text += family.open_thinking;
    if (!thinks && !family.open_thinking.empty()) text += family.handover;
    return PlayerOf(role).model->TokenizeMarkup(text);
  }
  // The thinking of the last session that was opened for these messages.
  const ScriptedRecord& RecordOf(Role role, std::span<const Message> messages) const {
    return *records_.at({messages.back().content, role});
  }
  // The longer answer is the better one.
  void Score(Role, std::span<const Message>, std::string_view, std::string_view answer,
             std::function<void(Result<double>)> done) override {
    auto fault = NextFault();
    post_([done = std::move(done), fault = std::move(fault), bytes = answer.size()] {
      if (fault) return done(tl::unexpected<Error>(*fault));
      done(static_cast<double>(bytes));
    });
  }
  // True if the role was asked exactly this, or a prompt that begins so.
  bool HasHeard(Role role, const std::string& prompt) const { return records_.contains({prompt, role}); }
  bool HasHeardLike(Role role, std::string_view beginning) const {
    return std::any_of(records_.begin(), records_.end(), [&](const auto& record) {
      return record.first.second == role && record.first.first.starts_with(beginning);
    });
  }
  // The positions of all tokens that the role's sessions drew.
  const std::vector<DraftPosition>& DrawnBy(Role role) const { return *drawn_[Index(role)]; }
  uint64_t calls() const { return calls_; }

  static bool Shares(const std::shared_ptr<const ScriptedVocabulary>& a,
                     const std::shared_ptr<const ScriptedVocabulary>& b) {
    return a->fingerprint() == b->fingerprint();
  }

 private:
  const ScriptedPlayer& PlayerOf(Role role) const { return options_.players[Index(role)]; }
  static std::shared_ptr<void> TakePlace(int& places) {
    ++places;
    return {&places, [&places](void*) { --places; }};
  }
  uint32_t NextHops() {
    return static_cast<uint32_t>(UniformAt(options_.hops_seed, 0, hops_drawn_++) * (options_.hops_max + 1));
  }
  std::optional<Error> NextFault() { return options_.fault ? options_.fault(calls_++) : std::nullopt; }

  ScriptedCastOptions options_;
  Post post_;
  std::map<std::pair<std::string, Role>, std::shared_ptr<ScriptedRecord>> records_;
  std::array<std::shared_ptr<std::vector<DraftPosition>>, 2> drawn_{
      std::make_shared<std::vector<DraftPosition>>(), std::make_shared<std::vector<DraftPosition>>()};
  std::array<int, 2> sessions_{};
  int readers_ = 0;
  int under_way_ = 0;
  uint64_t hops_drawn_ = 0;
  uint64_t calls_ = 0;
};

}  // namespace tessy
