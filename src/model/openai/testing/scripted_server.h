#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/openai/testing/fault.h"
#include "model/openai/testing/wire_generation.h"

namespace tessy {

struct ScriptedServerOptions {
  WireDialect dialect = WireDialect::kVllm;
  // Names of the served models. A llama-server writes as the first one.
  std::vector<std::string> served = {"scripted"};
  std::string owned_by = "vllm";
  // Must outlive the server; null: the first PhraseVocabulary.
  const WireVocabulary* vocabulary = nullptr;
  WireTextOptions text = {};
  // The response begins after the last of these texts in the prompt; after the first line if there is none.
  std::string thinking_opener = "<think>\n";
  std::string chat_template = {};  // of /props; empty: ChatML
  size_t context_tokens = 40960;
  // Refuses a prompt and max_tokens that exceed the context together, as older vLLMs do; newer ones lower
  // max_tokens.
  bool refuses_beyond_context = false;
  std::string bearer_token = {};  // demanded on the paths where a real server demands it; empty: on none

  double first_token_ms = 0.0;    // before the first token of a request
  double token_ms = 0.0;          // from token to token; 0: as fast as the connection takes them
  uint32_t tokens_an_event = 1;   // vLLM under load sends several together
  uint32_t generating_max = 0;    // requests at a time; 0: no limit
  int overload_status = 503;      // the answer to requests beyond that
  int overload_retry_after = -1;  // seconds; -1: no Retry-After
  // Tokens that it still generates, at once, after a client has gone: some servers notice late.
  size_t tokens_after_close = 0;

  FaultSchedule faults = {};       // of completions and pooling, numbered together as they come
  bool faults_everywhere = false;  // of every other path, too
  size_t bodies_kept = 0;          // of the last requests

  // PEM files: both given, it speaks https.
  std::string certificate_file = {};
  std::string key_file = {};
};

struct ScriptedServerCounts {
  std::map<std::string, uint64_t> requests;  // by path
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
  uint64_t tokens_generated = 0;  // includes those after a close
  uint64_t tokens_after_close = 0;
  uint64_t faults = 0;
  uint64_t connections = 0;  // ever
  uint64_t connections_open = 0;
  uint64_t connections_most = 0;
  uint64_t generating_most = 0;

  uint64_t completions() const;  // requests for them, in either dialect
};

// A completions server for tests and benchmarks, without a model: it speaks as a llama-server or a vLLM does
// (/health, /props, /v1/models, /tokenize, /detokenize, /completion, /v1/completions, /pooling), writes
// WireText, and fails as told. Listens on 127.0.0.1, on a thread of its own; a waiting connection costs it a
// few kilobytes. /scripted/counts tells its counts as JSON. All functions may be called from any thread.
class ScriptedServer {
 public:
  static Result<std::unique_ptr<ScriptedServer>> Start(const ScriptedServerOptions& options);
  ~ScriptedServer();

  uint16_t port() const;
  std::string url() const;   // "http://127.0.0.1:port"
  std::string spec() const;  // as `--student` takes it, with the first served name

  // Resets all connections and refuses new ones; returns when that is done.
  void Stop();
  // Serves again, on the same port.
  Status Restart();

  ScriptedServerCounts counts() const;
  std::vector<std::string> bodies() const;  // the oldest first
  void SetFaults(FaultSchedule faults);     // numbers go on
  void SetLoading(bool loading);            // a llama-server that answers 503 to everything

  struct Impl;  // the .cc file's

 private:
  explicit ScriptedServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
