#include "model/scripted/scripted_session.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "base/utf8.h"

namespace tessy {

ScriptedSession::ScriptedSession(const ScriptedVocabulary& vocabulary, ScriptedSessionOptions options,
                                 Post post)
    : vocabulary_(vocabulary), options_(std::move(options)), post_(std::move(post)) {
  view_.Append(options_.prompt);
}

ScriptedSession::~ScriptedSession() {
  if (!options_.record) return;
  if (answering_) options_.record->answer = TokensFrom(answer_begin_);
  if (!answering_) RecordThinking();
}

void ScriptedSession::RecordThinking() {
  if (!options_.record) return;
  options_.record->thinking = TokensFrom(options_.prompt.size());
  options_.record->open = splitter_.open();
}

std::vector<TokenId> ScriptedSession::TokensFrom(size_t begin) const {
  return {view_.tokens().begin() + static_cast<std::ptrdiff_t>(begin), view_.tokens().end()};
}

size_t ScriptedSession::ContextLeft() const {
  return overflow_ ? 0 : options_.context_tokens - std::min(options_.context_tokens, view_.size());
}

void ScriptedSession::Push(TokenId token, size_t end) {
  view_.Append(token);
  ends_.push_back(end);
}

void ScriptedSession::Truncate(size_t response_tokens) {
  view_.Truncate(options_.prompt.size() + response_tokens);
  ends_.resize(response_tokens);
}

DraftToken ScriptedSession::Read(TokenId token) const {
  DraftToken drafted{
      .id = token, .text = std::string(vocabulary_.Piece(token)), .end = DraftToken::End::kNone};
  const auto& close = options_.close_tokens;
  if (!answering_ && std::find(close.begin(), close.end(), token) != close.end()) {
    drafted = {.id = token, .text = "", .end = DraftToken::End::kThinking};
  } else if (vocabulary_.EndsGeneration(token)) {
    drafted.end = DraftToken::End::kSequence;
  }
  return drafted;
}

std::optional<std::vector<TokenId>> ScriptedSession::NextOfScript() {
  if (script_at_ == options_.script.size()) return std::nullopt;
  return options_.script[script_at_++];
}

Result<Draft> ScriptedSession::Write(const DraftRequest& request) {
  if (options_.fault) {
    if (auto error = options_.fault()) return tl::unexpected(std::move(*error));
  }
  Draft draft;
  DraftPosition at = request.position;
  const auto script = NextOfScript();
  std::string text;
  while (draft.tokens.size() < request.tokens_max && !(script && draft.tokens.size() == script->size())) {
    draft.context_full = ContextLeft() == 0;
    if (draft.context_full) break;
    if (options_.drawn) options_.drawn->push_back(at);
    const double uniform = UniformAt(at.stream, at.offset, at.zero_byte_tokens);
    const auto random = static_cast<uint64_t>(uniform * 0x1.0p53);
    const uint64_t draw = HashParts(std::array<uint64_t, 2>{view_.hash(), random});
    const TokenId token = script ? (*script)[draft.tokens.size()]
                                 : vocabulary_.Pick(static_cast<double>(draw >> 11) * 0x1.0p-53);
    const DraftToken& drafted = draft.tokens.emplace_back(Read(token));
    Push(token, End() + drafted.text.size());
    at.offset += drafted.text.size();
    at.zero_byte_tokens = drafted.text.empty() ? at.zero_byte_tokens + 1 : 0;
    text += drafted.text;
    const bool stops = std::any_of(request.stop_texts.begin(), request.stop_texts.end(),
                                   [&](const auto& stop) { return text.find(stop) != std::string::npos; });
    if (stops || drafted.end != DraftToken::End::kNone) break;
  }
  drafted_ += draft.tokens.size();
  return draft;
}

void ScriptedSession::Generate(const DraftRequest& request, DraftDone done) {
  TESSY_CHECK(!busy_ && request.tokens_max > 0 && splitter_.open().empty());
  busy_ = true;
  PostDelayed(post_, options_.hops ? options_.hops() : 0, alive_,
              [this, draft = Write(request), done = std::move(done)]() mutable {
                busy_ = false;
                done(std::move(draft));
              });
}

void ScriptedSession::Recall(std::span<const DraftToken> tokens) {
  TESSY_CHECK(!busy_ && splitter_.open().empty());
  NextOfScript();
  for (const DraftToken& token : tokens) {
    TESSY_CHECK(ContextLeft() > 0 && Read(token.id) == token);
    Push(token.id, End() + token.text.size());
  }
  drafted_ += tokens.size();
}

void ScriptedSession::Rollback(size_t count) {
  TESSY_CHECK(!busy_ && count <= drafted_);
  drafted_ -= count;
  Truncate(ends_.size() - count);
}

void ScriptedSession::FeedPiece(std::string_view piece) {
  const size_t end = End() + piece.size();
  const auto tokens = vocabulary_.Tokenize(Sanitize(piece));
  for (size_t i = 0; i < tokens.size(); ++i) {
    const size_t token_end = std::min(end, End() + vocabulary_.Piece(tokens[i]).size());
    Push(tokens[i], i + 1 == tokens.size() ? end : token_end);
  }
  overflow_ = overflow_ || view_.size() >= options_.context_tokens;
}

void ScriptedSession::Listen(std::span<const DraftToken> tokens) {
  TESSY_CHECK(!busy_);
  for (const DraftToken& token : tokens) {
    drafted_ = 0;
    if (!options_.shares_vocabulary) {
      splitter_.Push(token.text, [this](std::string_view piece) { FeedPiece(piece); });
    } else if (!token.text.empty()) {
      Push(token.id, End() + token.text.size());
      overflow_ = overflow_ || view_.size() >= options_.context_tokens;
    }
  }
}

void ScriptedSession::EndListening() {
  splitter_.Finish([this](std::string_view piece) { FeedPiece(piece); });
}

void ScriptedSession::OpenAnswer(std::string_view thinking, std::string_view handover) {
  TESSY_CHECK(!busy_ && !answering_);
  RecordThinking();
  EndListening();
  answering_ = true;
  const auto& close = options_.close_tokens;
  size_t keep = 0;
  while (keep < ends_.size() && ends_[keep] <= thinking.size()) {
    const TokenId token = view_.tokens()[options_.prompt.size() + keep];
    if (std::find(close.begin(), close.end(), token) != close.end()) break;
    ++keep;
  }
  Truncate(keep);
  if (End() < thinking.size()) FeedPiece(thinking.substr(End()));
  const size_t end = thinking.size() + handover.size();
  for (const TokenId token : vocabulary_.TokenizeMarkup(handover)) Push(token, end);
  answer_begin_ = view_.size();
  drafted_ = 0;
}

}  // namespace tessy
