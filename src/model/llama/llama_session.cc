#include "model/llama/llama_session.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "base/utf8.h"

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
    : sequence_(std::move(sequence)), vocabulary_(vocabulary), options_(std::move(options)) {
  sequence_->Append(options_.prompt);
}

LlamaSession::~LlamaSession() = default;

DraftToken::End LlamaSession::EndOf(TokenId token) const {
  if (!answering_ && Contains(options_.close_tokens, token)) return DraftToken::End::kThinking;
  if (vocabulary_.EndsGeneration(token) || Contains(options_.end_tokens, token))
    return DraftToken::End::kSequence;
  return DraftToken::End::kNone;
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
  // A session that has heard more than its context holds says so at its next turn, whatever it was fed by
  // then.
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
  TakeIn(token, piece.size());
  run.request.position.offset += piece.size();
  run.request.position.zero_byte_tokens = piece.empty() ? run.request.position.zero_byte_tokens + 1 : 0;

  bool stop = end != DraftToken::End::kNone || run.draft.tokens.size() >= run.request.tokens_max;
  const size_t looked_at = run.tail.size();
  run.tail += piece;
  for (const std::string& text : run.request.stop_texts) {
    const size_t from = looked_at >= text.size() ? looked_at - text.size() : 0;
    stop = stop || run.tail.find(text, from) != std::string::npos;
  }
  if (stop) return Finish({});
  DrawNext();
}

void LlamaSession::TakeIn(TokenId token, size_t bytes) {
  sequence_->Append({&token, 1});
  ends_.push_back((ends_.empty() ? 0 : ends_.back()) + bytes);
}

void LlamaSession::Recall(std::span<const DraftToken> tokens) {
  TESSY_CHECK(!run_);
  for (const DraftToken& token : tokens) TakeIn(token.id, token.text.size());
  sequence_->HoldLast();
  // A draft may fill the context; more than that is only where the context is smaller than it was.
  if (sequence_->tokens().size() > sequence_->context_tokens()) CheckOverflow();
}

void LlamaSession::Finish(Status status) {
  const auto run = std::move(run_);
  sequence_->HoldLast();
  if (!status) return run->done(tl::unexpected(std::move(status.error())));
  run->done(std::move(run->draft));
}

void LlamaSession::Rollback(size_t count) {
  TESSY_CHECK(count <= ends_.size());
  ends_.resize(ends_.size() - count);
  sequence_->Truncate(sequence_->tokens().size() - count);
}

void LlamaSession::FeedPiece(std::string_view piece) {
  const auto tokens = vocabulary_.Tokenize(Sanitize(piece));
  sequence_->Append(tokens);
  const size_t end = (ends_.empty() ? 0 : ends_.back()) + piece.size();
  // Inside the piece the tokens' own lengths are kept as far as they tell; its end is exact.
  size_t at = ends_.empty() ? 0 : ends_.back();
  for (const TokenId token : tokens)
    ends_.push_back(at = std::min(end, at + vocabulary_.Piece(token).size()));
  if (!tokens.empty()) ends_.back() = end;
}

void LlamaSession::Listen(std::span<const DraftToken> tokens) {
  if (tokens.empty()) return;
  for (const DraftToken& token : tokens) {
    if (!options_.shares_vocabulary) {
      splitter_.Push(token.text, [this](std::string_view piece) { FeedPiece(piece); });
    } else if (!token.text.empty()) {
      TakeIn(token.id, token.text.size());
    }
  }
  CheckOverflow();
}

void LlamaSession::EndListening() {
  if (splitter_.open().empty()) return;
  splitter_.Finish([this](std::string_view piece) { FeedPiece(piece); });
  CheckOverflow();
}

// Only what was heard or recalled can be too much: a draft ends where the context does.
void LlamaSession::CheckOverflow() {
  if (sequence_->tokens().size() < sequence_->context_tokens()) return;
  overflow_ = true;
  sequence_->Truncate(sequence_->context_tokens() - 1);
  ends_.resize(sequence_->tokens().size() - options_.prompt.size());
}

void LlamaSession::OpenAnswer(std::string_view thinking, std::string_view handover) {
  EndListening();
  answering_ = true;
  // Tokens whose text the final form has at the same place stay; what is left of it is fed.
  std::string form(thinking);
  form += handover;
  size_t keep = 0;
  size_t bytes = 0;
  while (keep < ends_.size() && ends_[keep] <= form.size()) {
    const TokenId token = sequence_->tokens()[options_.prompt.size() + keep];
    const std::string_view piece = vocabulary_.Piece(token);
    const bool close = Contains(options_.close_tokens, token);
    const size_t end = ends_[keep];
    // Past the thinking only newlines may stay: a marker that was written in pieces gives way to the real
    // one.
    const bool fits = end <= thinking.size() ||
                      (form.compare(bytes, piece.size(), piece) == 0 &&
                       IsBlankText(std::string_view(form).substr(thinking.size(), end - thinking.size())));
    if (close || !fits) break;
    bytes = end;
    ++keep;
  }
  sequence_->Truncate(options_.prompt.size() + keep);
  ends_.resize(keep);
  std::vector<TokenId> rest;
  if (bytes < thinking.size())
    rest = vocabulary_.Tokenize(Sanitize(form.substr(bytes, thinking.size() - bytes)));
  const auto markup =
      vocabulary_.TokenizeMarkup(std::string_view(form).substr(std::max(bytes, thinking.size())));
  rest.insert(rest.end(), markup.begin(), markup.end());
  if (rest.size() >= sequence_->context_tokens() - sequence_->tokens().size()) {
    overflow_ = true;
    return;
  }
  sequence_->Append(rest);
  ends_.resize(sequence_->tokens().size() - options_.prompt.size(), form.size());
}

}  // namespace tessy
