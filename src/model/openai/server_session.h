#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/openai/completion.h"
#include "model/openai/retries.h"
#include "model/openai/server_group.h"
#include "model/openai/server_model.h"
#include "model/openai/sse.h"
#include "model/text/chat_format.h"
#include "model/text/response_tokens.h"

namespace tessy {

class ServerSession;

// State that the sessions of a served model share. Driving thread.
struct ServerModel::Impl {
  ServerModelOptions options;
  HttpClient::Post post;
  Delay delay;
  std::unique_ptr<ServerGroup> servers;
  Family family;
  std::string own_template;  // that the model brings, as far as it is known
  std::optional<ChatTemplate> chat_template;
  std::shared_ptr<const Vocabulary> vocabulary;
  std::optional<ChatFormat> format;  // with a vocabulary
  bool shares_vocabulary = false;
  // The family's markers as the server's token ids.
  std::vector<TokenId> close_tokens;
  std::vector<TokenId> end_tokens;
  bool cancelled = false;
  bool watching = false;
  std::set<ServerSession*> sessions;
  uint64_t opened = 0;
  Counts counts;
  std::shared_ptr<int> alive = std::make_shared<int>(0);

  const ServerIdentity& identity() const { return servers->identity(); }
  Status FindVocabulary();
  Status UseVocabulary(const std::string& path, std::shared_ptr<const Vocabulary> loaded);
  // How the servers' vocabulary differs from this one; empty where no difference shows.
  Result<std::string> DifferenceTo(const Vocabulary& ours) const;
  Status LoadTemplate();
  Result<std::string> PromptText(std::span<const Message> messages, bool thinks) const;
  Status FindMarkers();
  void WarnOfFamily() const;
  // Breaks off streams from which nothing comes, from now on for as long as one is open.
  void Watch();
};

// A session with a served model: one streaming request for each span. Tokens are taken from the stream one by
// one, and where the span ends the stream is closed. Tokens that the server sent count as drawn, so that a
// stream that breaks loses none of them.
class ServerSession final : public Session, private TokenSink {
 public:
  ServerSession(ServerModel::Impl& model, CompletionBody body, uint64_t key);
  ~ServerSession() override;

  void Generate(const DraftRequest& request, DraftDone done) override;
  void Recall(std::span<const DraftToken> tokens) override;
  void Rollback(size_t count) override;
  void Listen(std::span<const DraftToken> tokens) override;
  void EndListening() override;
  void OpenAnswer(std::string_view thinking, std::string_view handover) override;
  uint64_t SurplusTokens() const override { return surplus_ + buffer_.size() + silent_; }

  void Cancel();
  void Watch(int64_t now_ms);
  bool streams() const { return exchange_ != nullptr; }

 private:
  struct Asked {
    DraftRequest request;
    DraftDone done;
  };
  void Append(std::span<const TokenId> tokens) override;  // TokenSink
  void Truncate(size_t count) override;                   // TokenSink

  void Request();
  void OnEntered(const Result<size_t>& server);
  void OnData(std::string_view bytes);
  void OnEvent(std::string_view data);
  void OnEnd(const HttpClient::Ended& ended);
  void EndRequest();
  void OnContextFull();
  bool IsBelievable(const CompletionEvent& event) const;
  void TakeEvent(CompletionEvent event);
  void TakeText(const CompletionEvent& event);
  void TakeIds(const CompletionEvent& event);
  DraftToken::End EndOf(TokenId id) const;
  bool IsCloseInAnswer(const DraftToken& token) const;
  std::string_view CloseText() const;
  void Push(DraftToken token);
  void BreakOff(RequestFailure why);
  void Retry();
  void Keep(const DraftToken& token);
  void Serve();
  void Answer(Result<Draft> result);
  void CloseStream();
  void Close();

  ServerModel::Impl& model_;
  CompletionBody body_;
  size_t opened_;                         // size of the body where the response begins
  uint64_t key_;                          // selects the server that the session keeps to
  std::optional<ResponseTokens> tokens_;  // with a vocabulary
  std::vector<size_t> token_begins_;      // with a vocabulary: size of the body before each token
  std::string pending_;                   // without: bytes of a character that is not complete
  std::vector<size_t> given_;             // size of the view before each token given since it last listened
  std::deque<DraftToken> buffer_;         // tokens that came and are not given yet
  std::optional<Asked> asked_;
  bool answering_ = false;
  bool alone_ = false;  // an answer without thinking before it

  std::unique_ptr<Fleet::Place> place_;
  std::unique_ptr<HttpClient::Exchange> exchange_;
  SseReader sse_;
  HalfJoiner halves_;
  std::string head_;           // bytes before the first event, which may be an error's text
  int64_t tokens_so_far_ = 0;  // tokens of the request as the server counts them
  uint64_t came_ = 0;          // tokens of the request as they were counted here
  uint64_t silent_ = 0;        // tokens that came without text, which comes with a later one
  uint64_t surplus_ = 0;
  int64_t heard_at_ms_ = 0;
  bool got_event_ = false;
  bool heard_ = false;     // text or ids came
  bool finished_ = false;  // the server said why it ended
  bool context_full_ = false;
  uint32_t tokens_asked_ = 0;
  uint32_t tokens_least_ = 0;
  uint32_t tokens_cap_;  // what fits the context, as far as the server has told
  std::optional<RequestFailure> break_;
  std::optional<Error> error_;
  Retries retries_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace tessy
