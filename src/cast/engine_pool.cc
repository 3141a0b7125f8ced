#include "cast/engine_pool.h"

#include <algorithm>
#include <utility>

#include "base/machine.h"

namespace tessy {
namespace {

// Two players compute side by side, and so do two predictors; more engines than that share the processors.
int ThreadsFor(const LlamaModel& model, const StartOptions& options) {
  if (options.threads > 0) return options.threads;
  if (!IsLarge(model)) return 1;
  return std::max(1, ProcessorsAvailable() / std::max(2, options.large_engines));
}

// The threads of a model whose layers all lie on a device would only wait for it.
bool IsOnDevice(const LlamaModel& model) {
  return model.places().device_cache_per_token > 0 && model.places().ram_cache_per_token == 0;
}

}  // namespace

int EnginePool::CountFor(int samples) {
  return (samples + Engine::kSequencesMax - 1) / Engine::kSequencesMax;
}

Result<EnginePool> EnginePool::Make(const std::shared_ptr<const LlamaModel>& model,
                                    const StartOptions& options, const Engine::Post& post) {
  EnginePool pool;
  const int count = CountFor(options.samples);
  const int threads = ThreadsFor(*model, options);
  for (int i = 0; i < count; ++i) {
    // As equal as can be: batches of two contexts take their time side by side.
    const int places = options.samples / count + (i < options.samples % count ? 1 : 0);
    auto engine =
        Engine::Create(model,
                       {.sequences = places,
                        .context_tokens = options.context_tokens,
                        .pool_tokens = options.pool_tokens / static_cast<size_t>(count),
                        .unified = options.pool_tokens > 0 && model->places().device_cache_per_token > 0,
                        .threads = IsOnDevice(*model) ? 1 : threads,
                        .row_threads = threads},
                       post);
    if (!engine) return tl::unexpected(engine.error());
    options.engines->Add(**engine);
    pool.engines_.push_back(std::move(*engine));
  }
  return pool;
}

std::unique_ptr<Sequence> EnginePool::Open() const {
  return (*std::ranges::max_element(engines_, {}, [](const auto& engine) { return engine->free_places(); }))
      ->Open();
}

EngineStats EnginePool::stats() const {
  EngineStats sum;
  for (const auto& engine : engines_) {
    const EngineStats one = engine->stats();
    sum.batches += one.batches;
    sum.graphs += one.graphs;
    sum.tokens += one.tokens;
    sum.refed_tokens += one.refed_tokens;
    sum.set_aside += one.set_aside;
    sum.set_aside_tokens += one.set_aside_tokens;
    sum.sequence_copies += one.sequence_copies;
    sum.cpu_seconds += one.cpu_seconds;
  }
  return sum;
}

}  // namespace tessy
