#include "cast/engine_pool.h"

#include <algorithm>
#include <utility>

#include "base/machine.h"

namespace tessy {
namespace {

constexpr uint64_t kSmallModel = 200'000'000;  // parameters; below it, threads cost more than they bring

int ThreadsFor(const LlamaModel& model, int asked) {
  if (asked > 0) return asked;
  if (model.parameters() < kSmallModel) return 1;
  return std::max(1, ProcessorsAvailable() / 2);
}

}  // namespace

Result<EnginePool> EnginePool::Make(const std::shared_ptr<const LlamaModel>& model,
                                    const StartOptions& options, const Engine::Post& post) {
  EnginePool pool;
  const int count = (options.samples + Engine::kSequencesMax - 1) / Engine::kSequencesMax;
  for (int i = 0; i < count; ++i) {
    // As equal as can be: batches of two contexts take their time side by side.
    const int places = options.samples / count + (i < options.samples % count ? 1 : 0);
    auto engine = Engine::Create(
        model,
        {.sequences = places,
         .context_tokens = options.context_tokens,
         .pool_tokens = options.pool_tokens / static_cast<size_t>(count),
         .unified = model->places().device_cache_per_token > model->places().ram_cache_per_token,
         .threads = ThreadsFor(*model, options.threads)},
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
