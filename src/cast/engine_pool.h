#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "cast/part.h"
#include "model/llama/engine.h"

namespace tessy {

// The engines of one model: several where one llama.cpp context's sequences are fewer than the samples.
class EnginePool {
 public:
  // The engines that so many samples at a time take.
  static int CountFor(int samples);
  // Makes the engines and adds them to the group. `options.context_tokens` counts for each sequence. `post`
  // as for Engine::Create.
  static Result<EnginePool> Make(const std::shared_ptr<const LlamaModel>& model, const StartOptions& options,
                                 const Engine::Post& post);

  EnginePool() = default;
  // A sequence of the engine with the most free places; null when all places are taken.
  std::unique_ptr<Sequence> Open() const;
  EngineStats stats() const;  // of all engines together

 private:
  std::vector<std::unique_ptr<Engine>> engines_;
};

}  // namespace tessy
