#include "model/openai/server_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "base/utf8.h"
#include "cooperation/closing.h"
#include "cooperation/cut.h"

namespace tessy {
namespace {

constexpr size_t kHeadKept = 2000;
constexpr size_t kEventMax = 4U << 20;  // a server that sends more without an end is broken
constexpr uint32_t kTokensMin = 16;     // if not even these fit, the context is full
constexpr size_t kTokenBytes = 256;     // that a token has at most, where servers do not count them
constexpr int64_t kTokensOver = 16;     // beyond what was asked for: a draft model's last guesses

bool Contains(const std::vector<TokenId>& tokens, TokenId token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

// Splits the text of an event of several tokens where the vocabulary is not known: a word for each token, and
// the rest for the last.
std::vector<std::string_view> SplitWords(std::string_view text, size_t count) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    size_t end = 1;
    while (end < text.size() && words.size() + 1 < count && !IsSeam(text.substr(0, end), text.substr(end)))
      ++end;
    if (words.size() + 1 >= count) end = text.size();
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

}  // namespace

ServerSession::ServerSession(ServerModel::Impl& model, CompletionBody body, uint64_t key)
    : model_(model),
      body_(std::move(body)),
      opened_(body_.size()),
      key_(key),
      tokens_cap_(model.identity().context_tokens > 0
                      ? static_cast<uint32_t>(
                            std::min<size_t>(model.options.stream_tokens, model.identity().context_tokens))
                      : model.options.stream_tokens),
      retries_(model.options, key, 0) {
  if (model.vocabulary)
    tokens_.emplace(*model.vocabulary, static_cast<TokenSink&>(*this), model.close_tokens,
                    model.shares_vocabulary);
  model_.sessions.insert(this);
}

ServerSession::~ServerSession() {
  Close();
  model_.sessions.erase(this);
}

void ServerSession::Append(std::span<const TokenId> tokens) {
  for (const TokenId& token : tokens) {
    token_begins_.push_back(body_.size());
    body_.AppendTokens(&token, 1);
  }
}

void ServerSession::Truncate(size_t count) {
  if (count == token_begins_.size()) return;
  body_.Truncate(token_begins_[count]);
  token_begins_.resize(count);
}

void ServerSession::Generate(const DraftRequest& request, DraftDone done) {
  TESSY_CHECK(!asked_);
  asked_ = Asked{request, std::move(done)};
  retries_ = Retries(model_.options, key_, asked_->request.position.offset);
  if (buffer_.empty() && !exchange_ && !place_ && !break_ && !context_full_) return Request();
  Serve();
}

void ServerSession::Request() {
  if (model_.cancelled) return Cancel();
  place_ = model_.servers->fleet().Enter(key_, [this](const Result<size_t>& server) { OnEntered(server); });
}

void ServerSession::OnEntered(const Result<size_t>& server) {
  if (!server) {
    error_ = server.error();
    place_.reset();
    return Serve();
  }
  const DraftPosition& at = asked_->request.position;
  const std::array<uint64_t, 4> parts{at.stream, at.offset, at.zero_byte_tokens, retries_.tries()};
  const auto seed = static_cast<uint32_t>(HashParts(parts) & 0x7FFFFFFF);
  const uint32_t wanted = model_.options.streams ? model_.options.stream_tokens : asked_->request.tokens_max;
  tokens_asked_ = std::min(tokens_cap_, std::max(wanted, tokens_least_));
  sse_ = {};
  halves_ = {};
  head_.clear();
  tokens_so_far_ = 0;
  surplus_ += std::exchange(silent_, 0);
  came_ = 0;
  got_event_ = heard_ = finished_ = false;
  heard_at_ms_ = ServerGroup::NowMs();
  exchange_ = model_.servers->http().Start(
      {.url = model_.servers->Url(*server, model_.identity().dialect->completion_path),
       .body = body_.Request(tokens_asked_, seed),
       .headers = {fmt::format("X-Session-ID: {:016x}", key_)},
       .connect_seconds = model_.options.connect_seconds},
      [this](std::string_view bytes) { OnData(bytes); },
      [this](const HttpClient::Ended& ended) { OnEnd(ended); });
  model_.Watch();
}

void ServerSession::CloseStream() {
  exchange_.reset();
  place_.reset();
}

// Gives up the stream and the tokens that came and were not asked for.
void ServerSession::Close() {
  if (exchange_ && got_event_) place_->Succeeded();  // without a stream the place is one in a queue
  CloseStream();
  surplus_ += buffer_.size() + std::exchange(silent_, 0);
  buffer_.clear();
  break_.reset();
  finished_ = context_full_ = false;
}

void ServerSession::Cancel() {
  Close();
  if (asked_) Answer(Fail(ErrorCode::kCancelled, "cancelled"));
}

void ServerSession::Watch(int64_t now_ms) {
  if (!exchange_) return;
  const int64_t limit = heard_ ? model_.options.token_ms : model_.options.first_token_ms;
  if (now_ms - heard_at_ms_ < limit) return;
  BreakOff({.reason = fmt::format("no token came for {:.1f} s", static_cast<double>(limit) / 1000.0)});
}

DraftToken::End ServerSession::EndOf(TokenId id) const {
  const bool closes = Contains(model_.close_tokens, id);
  if (!answering_ && closes) return DraftToken::End::kThinking;
  if (Contains(model_.end_tokens, id)) return DraftToken::End::kSequence;
  if (model_.vocabulary && model_.vocabulary->EndsGeneration(id)) return DraftToken::End::kSequence;
  return alone_ && closes ? DraftToken::End::kThinking : DraftToken::End::kNone;
}

bool ServerSession::IsCloseInAnswer(const DraftToken& token) const {
  return alone_ && token.end == DraftToken::End::kThinking;
}

// As the next prompt has to show a close token that came without its text.
std::string_view ServerSession::CloseText() const {
  const auto& tokens = model_.family.close_tokens;
  return tokens.empty() ? std::string_view() : tokens.front();
}

void ServerSession::Push(DraftToken token) {
  if (token.end != DraftToken::End::kNone) token.text.clear();
  // Nothing follows an end. An answer goes on behind a close token.
  if (!buffer_.empty() && buffer_.back().end != DraftToken::End::kNone && !IsCloseInAnswer(buffer_.back())) {
    return;
  }
  ++came_;
  buffer_.push_back(std::move(token));
}

// Tokens whose text comes with that of a later token wait for it. If the stream ends before, the server
// writes them once more, since they are no part of a prompt.
void ServerSession::TakeText(const CompletionEvent& event) {
  const int64_t counted = event.tokens_so_far - tokens_so_far_;
  const auto ids = static_cast<int64_t>(event.ids.size());
  const auto least = static_cast<int64_t>(event.text.size() / kTokenBytes) + (event.text.empty() ? 0 : 1);
  int64_t count = std::max({ids, event.tokens_so_far < 0 ? 0 : counted, least});
  DraftToken::End end = event.ids.empty() ? DraftToken::End::kNone : EndOf(event.ids.back());
  std::string_view text = event.text;
  const auto& markers = model_.family.close_texts;
  if (const auto marker = FindMarker(text, 0, markers); marker && !answering_) {
    end = DraftToken::End::kThinking;
    const bool more = std::none_of(markers.begin(), markers.end(),
                                   [text](const std::string& close) { return text.ends_with(close); });
    count -= more ? 1 : 0;  // a token at least came behind it
    text = text.substr(0, *marker);
  } else if (marker && end == DraftToken::End::kThinking) {
    end = DraftToken::End::kNone;  // the answer's text shows it
  }
  // vLLM's last event of a sequence holds the token that ended it, which may not be known here as an end.
  if (end != DraftToken::End::kNone ||
      (event.end == CompletionEvent::End::kSequence && event.text.empty() && ids > 0)) {
    --count;
  }
  silent_ += static_cast<uint64_t>(std::max(count, int64_t{0}));
  if (!text.empty()) {
    const auto words = SplitWords(text, std::max(silent_, uint64_t{1}));
    for (uint64_t i = words.size(); i < silent_; ++i) Push({});
    for (const std::string_view word : words) Push({.id = -1, .text = std::string(word)});
    silent_ = 0;
  }
  if (end != DraftToken::End::kNone) Push({.id = -1, .text = {}, .end = end});
}

void ServerSession::TakeIds(const CompletionEvent& event) {
  const Vocabulary& vocabulary = *model_.vocabulary;
  const auto known = [&](TokenId id) { return id >= 0 && static_cast<size_t>(id) < vocabulary.size(); };
  bool sound = !event.ids.empty() && std::all_of(event.ids.begin(), event.ids.end(), known);
  // llama-server leaves out ids of tokens that end inside a character.
  if (event.tokens_so_far >= 0) {
    sound = sound && event.tokens_so_far - tokens_so_far_ == static_cast<int64_t>(event.ids.size());
  }
  std::vector<TokenId> ids = event.ids;
  if (!sound) {
    if (event.text.empty()) {
      const bool unfinished = event.end != CompletionEvent::End::kSequence;
      if (unfinished)
        silent_ += static_cast<uint64_t>(std::max<int64_t>(0, event.tokens_so_far - tokens_so_far_));
      return;
    }
    ++model_.counts.retokenised;
    ids = vocabulary.Tokenize(event.text);
  }
  silent_ = 0;
  for (const TokenId id : ids) Push({.id = id, .text = std::string(vocabulary.Piece(id)), .end = EndOf(id)});
}

void ServerSession::TakeEvent(CompletionEvent event) {
  if (tokens_) {
    TakeIds(event);
  } else {
    TakeText(event);
  }
  if (event.tokens_so_far >= 0) tokens_so_far_ = event.tokens_so_far;
  using End = CompletionEvent::End;
  switch (event.end) {
    case End::kNone:
      return;
    case End::kSequence: {
      const bool closes = !answering_ && model_.family.end_closes_thinking;
      Push({.id = -1, .text = {}, .end = closes ? DraftToken::End::kThinking : DraftToken::End::kSequence});
      break;
    }
    case End::kContext:
      context_full_ = true;
      break;
    case End::kLimit:
      break;
    case End::kOther:
      return BreakOff({.reason = fmt::format("the server ended with \"{}\"", event.end_name)});
  }
  finished_ = true;
}

// What a server sends and counts decides how much is kept here.
bool ServerSession::IsBelievable(const CompletionEvent& event) const {
  const int64_t most = static_cast<int64_t>(tokens_asked_) + kTokensOver;
  return event.tokens_so_far <= most && static_cast<int64_t>(event.ids.size()) <= most &&
         event.text.size() <= static_cast<size_t>(most) * kTokenBytes;
}

void ServerSession::OnEvent(std::string_view data) {
  if (data == "[DONE]" || IsBlankText(data) || !exchange_ || finished_) return;
  auto event = ParseCompletionEvent(*model_.identity().dialect, data);
  if (!event) return BreakOff({.reason = event.error().message});
  got_event_ = true;
  halves_.Join(*event);
  // A server that only says that it is there, or counts, is not waited for longer than one that is silent.
  if (!event->text.empty() || !event->ids.empty()) {
    heard_ = true;
    heard_at_ms_ = ServerGroup::NowMs();
  }
  if (!IsBelievable(*event)) {
    return BreakOff(
        {.reason = fmt::format("the server tells of more than the {} tokens that it was asked for",
                               tokens_asked_)});
  }
  TakeEvent(std::move(*event));
  // It goes on past the limit: the next request begins where this one should have ended.
  if (exchange_ && !finished_ && came_ + silent_ > tokens_asked_ + uint64_t{kTokensOver}) {
    finished_ = true;
    EndRequest();
  }
}

void ServerSession::OnData(std::string_view bytes) {
  if (!got_event_ && head_.size() < kHeadKept) head_ += bytes.substr(0, kHeadKept - head_.size());
  sse_.Push(bytes, [this](std::string_view data) { OnEvent(data); });
  if (exchange_ && sse_.open_bytes() > kEventMax) {
    BreakOff({.reason = "the server sent an event without an end"});
  }
  Serve();
}

// The request came to its end, and the server is well.
void ServerSession::EndRequest() {
  place_->Succeeded();
  CloseStream();
  tokens_least_ = 0;
  if (came_ == 0 && silent_ > 0 && !context_full_ && tokens_asked_ < tokens_cap_) {
    tokens_least_ = 2 * tokens_asked_;  // a character of more tokens than were asked for
  } else if (came_ == 0 && !context_full_) {
    break_ = RequestFailure{.reason = "the server ended without text"};
  }
}

void ServerSession::OnEnd(const HttpClient::Ended& ended) {
  if (finished_ && ended.status == 200) {
    EndRequest();
    return Serve();
  }
  const std::string text = !ended.error.empty() ? ended.error : got_event_ ? "" : ServerErrorText(head_);
  const int status = ended.status;
  RequestFailure failure = FailureOf(ended, text, model_.options.patience_ms);
  const bool refused = status >= 400 && status < 500 && status != 408;
  if (refused && !failure.overload && !failure.not_for_us) {
    if (MeansContextIsFull(*model_.identity().dialect, text)) return OnContextFull();
    place_->Succeeded();  // the server is well
    CloseStream();
    error_ = Error{ErrorCode::kRefused, "the server refused: " + failure.reason};
    return Serve();
  }
  if (status < 300) failure.reason = text.empty() ? "the stream ended before it was finished" : text;
  BreakOff(std::move(failure));
}

// Prompt and limit together exceed the context: asks for fewer tokens, until even a few are too many.
void ServerSession::OnContextFull() {
  place_->Succeeded();
  CloseStream();
  if (tokens_asked_ > kTokensMin) {
    tokens_cap_ = std::max(kTokensMin, tokens_asked_ / 4);
    return Request();
  }
  context_full_ = finished_ = true;
  Serve();
}

void ServerSession::BreakOff(RequestFailure why) {
  if (place_) {
    if (why.overload) {
      place_->Overloaded(why.retry_after_ms);
    } else {
      place_->Failed(why.reason);
    }
  }
  CloseStream();
  break_ = std::move(why);
  Serve();
}

void ServerSession::Retry() {
  const RequestFailure why = *std::exchange(break_, std::nullopt);
  const auto pause = retries_.Next(why, ServerGroup::NowMs());
  if (!pause) {
    error_ = retries_.GivenUp(why);
    return Serve();
  }
  ++model_.counts.retries;
  model_.delay(*pause, [this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired() && asked_ && !exchange_ && !place_) Request();
  });
}

// The model's own token enters the view.
void ServerSession::Keep(const DraftToken& token) {
  given_.push_back(tokens_ ? tokens_->tokens().size() : body_.size());
  if (!tokens_) return body_.AppendText(IsCloseInAnswer(token) ? CloseText() : token.text);
  if (token.id >= 0) tokens_->Draw(token.id, token.text.size());
}

// Answers the draft that is asked for, if there is one and tokens or an error have come.
void ServerSession::Serve() {
  if (!asked_) return;
  if (buffer_.empty()) {
    if (error_) return Answer(tl::unexpected<Error>(*std::exchange(error_, std::nullopt)));
    if (break_) return Retry();
    if (context_full_) return Answer(Draft{.tokens = {}, .context_full = true});
    // The request reached its own limit: the next one goes on from here.
    if (finished_ && !exchange_ && !place_) {
      finished_ = false;
      Request();
    }
    return;
  }
  Draft draft;
  std::string text;
  while (!buffer_.empty() && draft.tokens.size() < asked_->request.tokens_max) {
    DraftToken token = std::move(buffer_.front());
    buffer_.pop_front();
    Keep(token);
    text += token.text;
    const bool ends = token.end != DraftToken::End::kNone;
    draft.tokens.push_back(std::move(token));
    const auto& stops = asked_->request.stop_texts;
    if (ends || std::any_of(stops.begin(), stops.end(),
                            [&](const std::string& stop) { return text.find(stop) != std::string::npos; })) {
      break;
    }
  }
  draft.context_full = context_full_ && buffer_.empty();
  Answer(std::move(draft));
}

// Posted, so that it never runs inside the call that asked.
void ServerSession::Answer(Result<Draft> result) {
  model_.post([done = std::move(asked_->done), result = std::move(result),
               alive = std::weak_ptr<int>(alive_)]() mutable {
    if (!alive.expired()) done(std::move(result));
  });
  asked_.reset();
}

void ServerSession::Recall(std::span<const DraftToken> tokens) {
  for (const DraftToken& token : tokens) Keep(token);
}

void ServerSession::Rollback(size_t count) {
  Close();
  TESSY_CHECK(count <= given_.size());
  if (count == 0) return;
  const size_t size = given_[given_.size() - count];
  given_.resize(given_.size() - count);
  if (!tokens_) return body_.Truncate(size);
  tokens_->Rollback(tokens_->tokens().size() - size);
}

void ServerSession::Listen(std::span<const DraftToken> tokens) {
  Close();
  given_.clear();
  if (tokens_) return tokens_->Listen(tokens);
  for (const DraftToken& token : tokens) {
    pending_ += token.text;
    const size_t whole = pending_.size() - IncompleteTail(pending_);
    body_.AppendText(std::string_view(pending_).substr(0, whole));
    pending_.erase(0, whole);
  }
}

void ServerSession::EndListening() {
  if (tokens_) return tokens_->EndListening();
  body_.AppendText(pending_);
  pending_.clear();
}

void ServerSession::OpenAnswer(std::string_view thinking, std::string_view handover) {
  Close();
  given_.clear();
  answering_ = true;
  alone_ = thinking.empty() && handover.empty();
  if (tokens_) return tokens_->OpenAnswer(thinking, handover);
  pending_.clear();
  body_.Truncate(opened_);
  body_.AppendText(thinking);
  body_.AppendText(handover);
}

}  // namespace tessy
