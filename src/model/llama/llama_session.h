#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cooperation/session.h"
#include "model/llama/engine.h"
#include "model/sampling.h"
#include "model/text/response_tokens.h"
#include "model/vocabulary.h"

namespace tessy {

struct LlamaSessionOptions {
  std::vector<TokenId> prompt;        // with thinking opened
  std::vector<TokenId> close_tokens;  // end the thinking
  std::vector<TokenId> end_tokens;    // end the generation, besides the vocabulary's own
  Sampling sampling;
  bool shares_vocabulary = false;  // the other role's token ids are this model's own
};

// A Session on a sequence of an in-process engine.
class LlamaSession final : public Session, private TokenSink {
 public:
  LlamaSession(std::unique_ptr<Sequence> sequence, const Vocabulary& vocabulary, LlamaSessionOptions options);
  ~LlamaSession() override;

  void Generate(const DraftRequest& request, DraftDone done) override;
  void Recall(std::span<const DraftToken> tokens) override;
  void Rollback(size_t count) override;
  void Listen(std::span<const DraftToken> tokens) override;
  void EndListening() override;
  void OpenAnswer(std::string_view thinking, std::string_view handover) override;
  // The number of tokens that the context still has room for.
  size_t ContextLeft() const;

 private:
  struct Run;
  void Append(std::span<const TokenId> tokens) override;  // TokenSink
  void Truncate(size_t count) override;                   // TokenSink
  void DrawNext();
  void TakeToken(TokenId token);
  void Finish(Status status);
  void CheckOverflow();
  DraftToken::End EndOf(TokenId token) const;

  std::unique_ptr<Sequence> sequence_;
  const Vocabulary& vocabulary_;
  LlamaSessionOptions options_;
  ResponseTokens tokens_;  // after the prompt
  bool overflow_ = false;  // what was heard no longer fits
  bool answering_ = false;
  bool alone_ = false;  // an answer without thinking before it
  std::unique_ptr<Run> run_;
};

}  // namespace tessy
