#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cooperation/cut.h"
#include "cooperation/session.h"
#include "model/scripted/delayed_post.h"
#include "model/scripted/scripted_vocabulary.h"
#include "model/scripted/token_view.h"

namespace tessy {

// The tokens in a session's view, for comparisons.
struct ScriptedRecord {
  // At the end of the thinking, or when the session was given up before; without the prompt.
  std::vector<TokenId> thinking;
  std::string open;  // text that was heard by then and not tokenised yet
  std::vector<TokenId> answer;
};

struct ScriptedSessionOptions {
  std::vector<TokenId> prompt;        // with thinking opened
  std::vector<TokenId> close_tokens;  // end the thinking
  size_t context_tokens = 4096;
  bool shares_vocabulary = false;  // the other role's token ids are this model's own
  // Drafts to give one after the other, independent of the view; after the last one the model writes by
  // chance.
  std::vector<std::vector<TokenId>> script;
  std::function<uint32_t()> hops;               // see PostDelayed; may be empty
  std::function<std::optional<Error>()> fault;  // asked at every draft; may be empty
  std::shared_ptr<ScriptedRecord> record;       // filled in; may be null
  std::shared_ptr<std::vector<DraftPosition>>
      drawn;                    // the position of every token drawn is added; may be null
  std::shared_ptr<void> place;  // given back when the session goes; may be null
};

// A Session for tests, without a model: the next token is a pure function of the exact token ids in view and
// of the random number of its position. `vocabulary` must outlive the session. Aborts where the contract of
// Session is broken.
class ScriptedSession final : public Session {
 public:
  ScriptedSession(const ScriptedVocabulary& vocabulary, ScriptedSessionOptions options, Post post);
  ~ScriptedSession() override;

  void Generate(const DraftRequest& request, DraftDone done) override;
  void Recall(std::span<const DraftToken> tokens) override;
  void Rollback(size_t count) override;
  void Listen(std::span<const DraftToken> tokens) override;
  void EndListening() override;
  void OpenAnswer(std::string_view thinking, std::string_view handover) override;

 private:
  size_t ContextLeft() const;
  Result<Draft> Write(const DraftRequest& request);
  std::optional<std::vector<TokenId>> NextOfScript();
  DraftToken Read(TokenId token) const;
  void FeedPiece(std::string_view piece);
  void Push(TokenId token, size_t end);
  void Truncate(size_t response_tokens);
  size_t End() const { return ends_.empty() ? 0 : ends_.back(); }
  void RecordThinking();
  std::vector<TokenId> TokensFrom(size_t begin) const;

  const ScriptedVocabulary& vocabulary_;
  ScriptedSessionOptions options_;
  Post post_;
  TokenView view_;
  std::vector<size_t> ends_;  // bytes of the response through each token after the prompt
  PieceSplitter splitter_;
  size_t drafted_ = 0;  // tokens at the end of the view that may be rolled back
  size_t script_at_ = 0;
  size_t answer_begin_ = 0;  // in the view
  bool overflow_ = false;
  bool answering_ = false;
  bool busy_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tessy
