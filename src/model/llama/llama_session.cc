#include "model/llama/llama_session.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "cooperation/closing.h"

namespace tessy {
namespace {

bool Contains(const std::vector<TokenId>& tokens, TokenId token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

}  // namespace

struct LlamaSession::Run {
  DraftRequest request;
  DraftDone done;
  Draft draft;
  std::string tail;  // enough of the text to find a stop text that comes in pieces
  // Shared with the engine's thread, which writes it before the batch's completion is posted.
  std::shared_ptr<TokenId> drawn = std::make_shared<TokenId>(-1);
};

LlamaSession::LlamaSession(std::unique_ptr<Sequence> sequence, const Vocabulary& vocabulary,
                           LlamaSessionOptions options)
    : sequence_(std::move(sequence)),
      vocabulary_(vocabulary),
      options_(std::move(options)),
      tokens_(vocabulary, static_cast<TokenSink&>(*this), options_.close_tokens, options_.shares_vocabulary) {
  sequence_->Append(options_.prompt);
}

LlamaSession::~LlamaSession() = default;

void LlamaSession::Append(std::span<const TokenId> tokens) { sequence_->Append(tokens); }

void LlamaSession::Truncate(size_t count) { sequence_->Truncate(options_.prompt.size() + count); }

DraftToken::End LlamaSession::EndOf(TokenId token) const {
  const bool closes = Contains(options_.close_tokens, token);
  if (!answering_ && closes) return DraftToken::End::kThinking;
  if (vocabulary_.EndsGeneration(token) || Contains(options_.end_tokens, token))
    return DraftToken::End::kSequence;
  return alone_ && closes ? DraftToken::End::kThinking : DraftToken::End::kNone;
}

size_t LlamaSession::ContextLeft() const {
  const size_t used = sequence_->tokens().size();
  return overflow_ || used >= sequence_->context_tokens() ? 0 : sequence_->context_tokens() - used;
}

void LlamaSession::Generate(const DraftRequest& request, DraftDone done) {
  TESSY_CHECK(!run_);
  run_ = std::make_unique<Run>();
  run_->request = request;
  run_->done = std::move(done);
  DrawNext();
}

void LlamaSession::DrawNext() {
  const Run& run = *run_;
  // A session that has heard more than its context holds says so at its next turn.
  const DraftPosition at = run.request.position;
  auto draw = [drawn = run.drawn, at, sampling = options_.sampling](std::span<const float> row, size_t) {
    static thread_local Sampler sampler;
    *drawn = sampler.Draw(row, sampling, UniformAt(at.stream, at.offset, at.zero_byte_tokens));
  };
  const size_t last = sequence_->tokens().size() - 1;
  sequence_->Want({last}, std::move(draw), [this](const Status& status) {
    if (!status) return Finish(status);
    TakeToken(*run_->drawn);
  });
}

void LlamaSession::TakeToken(TokenId token) {
  Run& run = *run_;
  if (token < 0) return Finish(Fail(ErrorCode::kBackend, "the model's logits are not numbers"));
  if (ContextLeft() == 0) {
    run.draft.context_full = true;
    return Finish({});
  }
  const DraftToken::End end = EndOf(token);
  const std::string_view piece =
      end == DraftToken::End::kNone ? vocabulary_.Piece(token) : std::string_view();
  run.draft.tokens.push_back({.id = token, .text = std::string(piece), .end = end});
  tokens_.Draw(token, piece.size());
  run.request.position.offset += piece.size();
  run.request.position.zero_byte_tokens = piece.empty() ? run.request.position.zero_byte_tokens + 1 : 0;

  bool stop = end != DraftToken::End::kNone || run.draft.tokens.size() >= run.request.tokens_max;
  const size_t looked_at = run.tail.size();
  run.tail += piece;
  stop = stop || FindMarker(run.tail, looked_at, run.request.stop_texts);
  if (stop) return Finish({});
  DrawNext();
}

void LlamaSession::Recall(std::span<const DraftToken> tokens) {
  TESSY_CHECK(!run_);
  for (const DraftToken& token : tokens) tokens_.Draw(token.id, token.text.size());
  sequence_->HoldLast();
  // A draft may fill the context. It exceeds it only if the context is smaller now than at the draft.
  if (sequence_->tokens().size() > sequence_->context_tokens()) CheckOverflow();
}

void LlamaSession::Finish(Status status) {
  const auto run = std::move(run_);
  sequence_->HoldLast();
  if (!status) return run->done(tl::unexpected(std::move(status.error())));
  run->done(std::move(run->draft));
}

void LlamaSession::Rollback(size_t count) {
  if (count > 0) tokens_.Rollback(count);
  // The other role writes now. Left to its next tokens, the last one would make a second graph of their
  // batch.
  sequence_->LetGo();
}

void LlamaSession::Listen(std::span<const DraftToken> tokens) {
  if (tokens.empty()) return;
  tokens_.Listen(tokens);
  CheckOverflow();
}

void LlamaSession::EndListening() {
  const size_t before = sequence_->tokens().size();
  tokens_.EndListening();
  if (sequence_->tokens().size() != before) CheckOverflow();
}

// Only text that was heard or recalled can exceed the context: a draft ends where the context ends.
void LlamaSession::CheckOverflow() {
  const size_t used = sequence_->tokens().size();
  if (used < sequence_->context_tokens()) return;
  overflow_ = true;
  tokens_.Rollback(used - (sequence_->context_tokens() - 1));
}

void LlamaSession::OpenAnswer(std::string_view thinking, std::string_view handover) {
  EndListening();
  answering_ = true;
  alone_ = thinking.empty() && handover.empty();
  tokens_.OpenAnswer(thinking, handover);
  CheckOverflow();
}

}  // namespace tessy
