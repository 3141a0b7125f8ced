#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/error.h"
#include "cooperation/boundary_predictor.h"
#include "model/openai/http_client.h"
#include "model/openai/server_group.h"
#include "model/openai/server_group_options.h"
#include "model/vocabulary.h"

namespace tessy {

// `vocabulary`: with it the window is that of window.h, in token ids; without, it is the last 200 tokens of
// the text, by the server's count.
struct PoolingModelOptions : ServerGroupOptions {
  PoolingModelOptions() {
    dialect = "vllm";
    requests_max = 8;
  }

  size_t inputs_max = 64;  // in one request, of any samples
  int64_t answer_ms = 60'000;
};

// A boundary predictor behind vLLM servers (`--runner pooling`, task token_classify): class 1 is style, and
// the answer at a text's last token is about the next token. Questions that are asked while requests are
// under way go out together. Driven by one thread.
class PoolingModel {
 public:
  using Delay = ServerGroup::Delay;

  struct Counts : ServerCounts {
    uint64_t inputs = 0;
  };

  // Asks the servers what they are and about a text, and waits (see ServerGroup::Connect for the errors).
  // Another error, not retryable: a server that is no such predictor, or whose vocabulary is not the one
  // given.
  static Result<std::unique_ptr<PoolingModel>> Connect(const PoolingModelOptions& options,
                                                       HttpClient::Post post, Delay delay);
  ~PoolingModel();

  // The vocabulary of the file given; null without one.
  const Vocabulary* vocabulary() const;
  // The model must outlive the reader. `reads_tokens_of`, by role: the writer's token ids are the predictor's
  // own. Only with a vocabulary.
  std::unique_ptr<BoundaryReader> Open(std::array<bool, 2> reads_tokens_of);
  void Cancel();  // every question, and every later one, ends with kCancelled
  Counts counts() const;

 private:
  friend class PoolingReader;
  struct Impl;
  PoolingModel() = default;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
