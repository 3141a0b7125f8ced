#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/message.h"
#include "cooperation/session.h"
#include "model/family.h"
#include "model/openai/http_client.h"
#include "model/openai/server_group.h"
#include "model/openai/server_group_options.h"
#include "model/sampling.h"
#include "model/vocabulary.h"

namespace tessy {

// `vocabulary`: with it prompts go out as token ids, so that nothing that a model wrote is read as markup,
// and what the model drew stays as it drew it. The file also brings the chat template.
struct ServerModelOptions : ServerGroupOptions {
  std::string family;  // a built-in's name or a file; empty: as the template says
  // Files that may have the vocabulary: the first one that proves to be the server's is taken, where the
  // dialect tells its template.
  std::vector<std::string> vocabulary_candidates = {};
  TemplateOptions template_options;
  bool thinks = true;  // false: the model is asked for answers alone
  Sampling sampling;
  uint32_t stream_tokens = 1024;     // asked for at most in one request
  bool streams = true;               // false: requests of as many tokens as a draft asks for
  int64_t first_token_ms = 600'000;  // a server may let requests wait for their turn
  int64_t token_ms = 60'000;         // between tokens, once they come
};

// A model behind one or more completions servers: its template, family and markers, and sessions with it.
// Driven by one thread.
class ServerModel {
 public:
  using Delay = ServerGroup::Delay;

  struct Counts : ServerCounts {
    uint64_t retokenised = 0;  // events whose ids did not give their text
  };

  // Asks the servers what they are, and waits (see ServerGroup::Connect for the errors). Another error, not
  // retryable: their vocabulary is not the one given.
  static Result<std::unique_ptr<ServerModel>> Connect(const ServerModelOptions& options,
                                                      HttpClient::Post post, Delay delay);
  ~ServerModel();

  const Family& family() const;
  const ServerDialect& dialect() const;
  size_t context_tokens() const;  // 0: the server did not say
  // The vocabulary of the file given; null without one.
  const Vocabulary* vocabulary() const;
  // Says that the other role's token ids are this model's own. Before the first session.
  void SetSharesVocabulary(bool shares);
  // A session whose prompt ends with the thinking opened, or, where the model does not think, before the
  // answer. The model must outlive the session. `prompt_tokens`, where not null, becomes the prompt's length
  // (0: not known here).
  Result<std::unique_ptr<Session>> Open(std::span<const Message> messages, bool thinks = true,
                                        size_t* prompt_tokens = nullptr);
  // The prompt that Open would make, as a text.
  Result<std::string> PromptText(std::span<const Message> messages, bool thinks) const;
  void Cancel();  // every draft that is waited for, and every later one, ends with kCancelled
  Counts counts() const;

 private:
  friend class ServerSession;
  struct Impl;
  ServerModel() = default;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
