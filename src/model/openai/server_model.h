#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/message.h"
#include "cooperation/session.h"
#include "model/family.h"
#include "model/openai/completion.h"
#include "model/openai/fleet.h"
#include "model/openai/http_client.h"
#include "model/openai/server_address.h"
#include "model/sampling.h"
#include "model/vocabulary.h"

namespace tessy {

struct ServerModelOptions {
  std::vector<ServerAddress> addresses;  // the same model behind each of them
  std::string dialect = "auto";          // or a dialect's name
  std::string family;                    // a built-in's name or a file; empty: as the template says
  // A GGUF file with the served model's vocabulary and template (its weights are not needed). With it prompts
  // go out as token ids: nothing that a model wrote is read as markup, and what it drew stays as it drew it.
  std::string vocabulary = {};
  // Files that may have it: taken where a llama-server's proves to be the same.
  std::vector<std::string> vocabulary_candidates = {};
  TemplateOptions template_options;
  Sampling sampling;
  HttpOptions http;
  uint32_t retries_max = 6;       // of one request, with growing pauses
  uint32_t stream_tokens = 1024;  // asked for at most in one request
  bool streams = true;            // false: requests of as many tokens as a draft asks for
  int requests_max = 4096;        // at a time, to one server
  int connect_seconds = 10;
  int64_t first_token_ms = 600'000;  // a server may let requests wait for their turn
  int64_t token_ms = 60'000;         // between tokens, once they come
  int64_t retry_pause_ms = 250;      // before the first retry; doubled for each, with jitter
  int64_t retry_pause_max_ms = 20'000;
  int64_t patience_ms = 600'000;  // without any server that answers, before the run is given up
  int64_t check_pause_ms = 250;   // see Fleet::Options
};

// A model behind one or more completions servers: its template, family and markers, and sessions with it.
// Driven by one thread.
class ServerModel {
 public:
  // Runs `call` on the driving thread after so many milliseconds.
  using Delay = std::function<void(int64_t milliseconds, std::function<void()> call)>;

  struct Counts {
    uint64_t requests = 0, retries = 0, bytes_sent = 0, bytes_received = 0;
    uint64_t overloads = 0, outages = 0;  // see Fleet::Counts
    uint64_t retokenised = 0;             // events whose ids did not give their text
  };

  // Asks the servers what they are: waits for them, also while one still loads its model. kBackend,
  // retryable: none of them can be reached. An address that does not answer while another does is taken in
  // when it comes up. Not retryable: a server that is none, that serves something else, or whose vocabulary
  // is not the one given.
  static Result<std::unique_ptr<ServerModel>> Connect(const ServerModelOptions& options,
                                                      HttpClient::Post post, Delay delay);
  ~ServerModel();

  const Family& family() const;
  ServerDialect dialect() const;
  size_t context_tokens() const;  // 0: the server did not say
  // That of the file given; null without one.
  const Vocabulary* vocabulary() const;
  // The other role's token ids are this model's own: to be told before the first session.
  void SetSharesVocabulary(bool shares);
  // The model must outlive the session. `prompt_tokens`, where not null, becomes the prompt's length (0: not
  // known here).
  Result<std::unique_ptr<Session>> Open(std::span<const Message> messages, size_t* prompt_tokens = nullptr);
  bool busy() const;  // a session waits for a server
  void Cancel();      // every draft that is waited for, and every one to come, ends with kCancelled
  Counts counts() const;

 private:
  friend class ServerSession;
  struct Impl;
  ServerModel() = default;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
