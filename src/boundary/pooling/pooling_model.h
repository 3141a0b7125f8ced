#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "cooperation/boundary_predictor.h"
#include "model/openai/fleet.h"
#include "model/openai/http_client.h"
#include "model/openai/server_address.h"
#include "model/vocabulary.h"

namespace tessy {

struct PoolingModelOptions {
  std::vector<ServerAddress> addresses;  // the same predictor behind each of them
  // A GGUF file with the predictor's vocabulary (its weights are not needed). With it the window is that of
  // window.h, in token ids; without, it is the last 200 tokens of the text, by the server's count.
  std::string vocabulary = {};
  HttpOptions http;
  uint32_t retries_max = 6;
  size_t inputs_max = 64;  // in one request, of any samples
  int requests_max = 8;    // at a time, to one server
  int connect_seconds = 10;
  int64_t answer_ms = 60'000;
  int64_t retry_pause_ms = 250;  // as in ServerModelOptions, and so on
  int64_t retry_pause_max_ms = 20'000;
  int64_t patience_ms = 600'000;
  int64_t check_pause_ms = 250;
};

// A boundary predictor behind a vLLM server (`--runner pooling`, task token_classify): class 1 is style, the
// answer at a text's last token is about the next one. What is asked while requests are under way goes out
// together. Driven by one thread.
class PoolingModel {
 public:
  using Delay = std::function<void(int64_t milliseconds, std::function<void()> call)>;

  struct Counts {
    uint64_t requests = 0, inputs = 0, retries = 0, bytes_sent = 0, bytes_received = 0;
  };

  // Asks the server about a text, and waits for it. kBackend, retryable: none can be reached. Not retryable:
  // a server that is no such predictor, or whose vocabulary is not the one given.
  static Result<std::unique_ptr<PoolingModel>> Connect(const PoolingModelOptions& options,
                                                       HttpClient::Post post, Delay delay);
  ~PoolingModel();

  const Vocabulary* vocabulary() const;
  // The model must outlive the reader. `reads_tokens_of` by role, with a vocabulary alone.
  std::unique_ptr<BoundaryReader> Open(std::array<bool, 2> reads_tokens_of);
  void Cancel();  // every question, asked or to come, ends with kCancelled
  bool busy() const;
  Counts counts() const;

 private:
  friend class PoolingReader;
  struct Impl;
  PoolingModel() = default;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
