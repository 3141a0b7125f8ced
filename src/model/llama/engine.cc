#include "model/llama/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <iterator>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "ggml-cpu.h"
#include "llama.h"
#include "model/llama/cache_pages.h"
#include "model/llama/numerics.h"
#include "model/llama/row_workers.h"

namespace tessy {
namespace {

constexpr size_t kBatchTokens = 512;
// Keeps a sequence that is far behind (a prompt) from crowding out those that are one token behind.
constexpr size_t kFirstShare = 8;
// From this many tokens on, work whose results no sequence waits for is worth a batch.
constexpr size_t kIdleBatchTokens = 16;
// Moving a sequence into a gap copies its whole place; beyond this the gap costs less.
constexpr uint64_t kCopyBytesMax = uint64_t{64} << 20;
// The pool is counted in cells as llama.cpp looks at them.
constexpr size_t kPoolStep = 256;
// Below this many values a row is taken sooner than another thread wakes.
constexpr size_t kWideRow = 16384;

double ThreadCpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Removal {
  int slot;
  llama_pos from;
  bool gives_back;  // the memory of the place
};

struct Copy {
  int from, to;
};

struct Share {
  Sequence* sequence;
  size_t begin, end;
};

// The tokens of one place in a batch.
struct PlaceTokens {
  int slot;
  size_t count;
};

// The graphs that llama.cpp computes for a batch: each holds equally many tokens of places with consecutive
// numbers. `places` in ascending order.
size_t GraphsOf(std::vector<PlaceTokens> places) {
  size_t graphs = 0;
  for (size_t first = 0; first < places.size();) {
    if (places[first].count == 0) {
      ++first;
      continue;
    }
    size_t end = first + 1;
    size_t least = places[first].count;
    while (end < places.size() && places[end].slot == places[end - 1].slot + 1 && places[end].count > 0) {
      least = std::min(least, places[end++].count);
    }
    for (size_t i = first; i < end; ++i) places[i].count -= least;
    ++graphs;
  }
  return graphs;
}

}  // namespace

struct Engine::Impl {
  struct Row {
    int batch_index;
    std::shared_ptr<Sequence::Wish> wish;
    size_t index;
  };
  // One batch. Filled on the driving thread, read on the engine's.
  struct Job {
    std::vector<Copy> copies;
    std::vector<Removal> removals;
    std::vector<Row> rows;
    int tokens = 0;
  };

  Impl(std::shared_ptr<const LlamaModel> m, const EngineOptions& o, Post p)
      : model(std::move(m)), options(o), post(std::move(p)), alive(std::make_shared<bool>(true)) {
    live.assign(static_cast<size_t>(options.sequences), nullptr);
    dirty.assign(live.size(), false);
    const size_t all = options.context_tokens * live.size();
    pool_tokens = options.pool_tokens == 0 ? all : std::max(options.pool_tokens, options.context_tokens);
    pool_is_small = pool_tokens < all;
    batch_tokens = std::max(kBatchTokens, live.size());
    // A row of a language model has an entry for every token of the vocabulary.
    rows_max = model->is_classifier() ? batch_tokens : live.size();
  }
  ~Impl();

  Status Init();
  void Run();
  Status Execute();
  void GiveRows();
  std::vector<Share> Divide() const;
  void CloseGaps();
  void GiveBackPlaces();
  void SetAside(Sequence& sequence);
  void FillBatch(const std::vector<Share>& shares);
  void Finish(const Status& status);
  void MarkUnknown();

  std::shared_ptr<const LlamaModel> model;
  EngineOptions options;
  Post post;
  std::shared_ptr<bool> alive;  // false once the engine is gone: completions under way are dropped
  CachePages pages;             // of `context`
  llama_context* context = nullptr;
  ggml_threadpool* pool = nullptr;
  std::unique_ptr<RowWorkers> workers;  // null where the engine's thread is the only one
  llama_batch batch{};
  size_t pool_tokens = 0;
  bool pool_is_small = false;  // not all sequences can be full at once
  uint64_t births = 0;
  size_t batch_tokens = 0;
  size_t rows_max = 0;  // of a batch; llama.cpp aborts beyond what it was told
  std::vector<float> embeddings;

  std::vector<Sequence*> live;  // by place
  std::vector<bool> dirty;      // places whose cache still holds a former sequence
  Job job;
  bool is_busy = false;
  uint64_t done_count = 0;
  EngineStats stats;

  std::mutex mutex;
  std::condition_variable wake;
  bool has_job = false;
  bool stopping = false;
  double cpu_seconds = 0.0;  // guarded by mutex
  std::thread thread;
};

Engine::Impl::~Impl() {
  *alive = false;
  {
    const std::lock_guard lock(mutex);
    stopping = true;
  }
  wake.notify_one();
  if (thread.joinable()) thread.join();
  if (batch.n_seq_id != nullptr) llama_batch_free(batch);
  if (context != nullptr) llama_free(context);
  if (pool != nullptr) ggml_threadpool_free(pool);
}

Status Engine::Impl::Init() {
  llama_context_params params = llama_context_default_params();
  params.n_seq_max = static_cast<uint32_t>(options.sequences);
  params.n_ctx = static_cast<uint32_t>(options.unified ? (pool_tokens + kPoolStep - 1) / kPoolStep * kPoolStep
                                                       : options.context_tokens * live.size());
  params.n_batch = static_cast<uint32_t>(batch_tokens);
  params.n_ubatch = static_cast<uint32_t>(batch_tokens);
  params.n_outputs_max = static_cast<uint32_t>(rows_max);
  params.n_threads = options.threads;
  params.n_threads_batch = options.threads;
  params.kv_unified = options.unified;
  params.swa_full = true;
  params.no_perf = true;
  params.offload_kqv = true;
  const CacheType cache = model->cache_type();
  params.type_k = params.type_v = static_cast<ggml_type>(GgmlTypeOf(cache));
  if (model->exact()) params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  // Without it llama.cpp has no quantised values in the cache.
  if (cache == CacheType::kQ8_0) params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;
  pages.Collect(/*huge_pages=*/!model->exact(),
                [&] { context = llama_init_from_model(model->handle(), params); });
  if (context == nullptr) {
    return Fail(ErrorCode::kResourceLimit,
                fmt::format("{}: no memory for {} sequences of {} tokens; lower --concurrency or --context",
                            model->file().path(), options.sequences, options.context_tokens));
  }
  if (options.threads > 1) {
    ggml_threadpool_params pool_params = ggml_threadpool_params_default(options.threads);
    pool = ggml_threadpool_new(&pool_params);
    llama_attach_threadpool(context, pool, pool);
  }
  const int row_threads = options.row_threads > 0 ? options.row_threads : options.threads;
  if (row_threads > 1 && static_cast<size_t>(model->output_width()) >= kWideRow) {
    workers = std::make_unique<RowWorkers>(row_threads - 1);
  }
  const int embedding_width = model->is_classifier() ? model->embedding_width() : 0;
  batch = llama_batch_init(static_cast<int32_t>(batch_tokens), embedding_width, 1);
  thread = std::thread([this] { Run(); });
  return {};
}

void Engine::Impl::Run() {
  while (true) {
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [this] { return has_job || stopping; });
      if (stopping) return;
      has_job = false;
    }
    const double before = ThreadCpuSeconds();
    Status status = Execute();
    {
      const std::lock_guard lock(mutex);
      cpu_seconds += ThreadCpuSeconds() - before;
    }
    post([this, still = alive, result = std::move(status)] {
      if (*still) Finish(result);
    });
  }
}

Status Engine::Impl::Execute() {
  llama_memory_t memory = llama_get_memory(context);
  for (const Copy& copy : job.copies) llama_memory_seq_cp(memory, copy.from, copy.to, -1, -1);
  for (const Removal& removal : job.removals) {
    if (!llama_memory_seq_rm(memory, removal.slot, removal.from, -1)) {
      return Fail(ErrorCode::kBackend, fmt::format("{}: cannot roll back", model->file().path()));
    }
    if (removal.gives_back) pages.Release(removal.slot);
  }
  const int32_t code = llama_decode(context, batch);
  if (code != 0) {
    return Fail(ErrorCode::kBackend,
                fmt::format("{}: llama.cpp failed to compute a batch of {} tokens (code {})",
                            model->file().path(), batch.n_tokens, code));
  }
  GiveRows();
  return {};
}

void Engine::Impl::GiveRows() {
  const auto width = static_cast<size_t>(model->output_width());
  if (!workers) {
    for (const Row& row : job.rows) {
      row.wish->on_row({llama_get_logits_ith(context, row.batch_index), width}, row.index);
    }
    return;
  }
  std::vector<const float*> values;
  std::vector<size_t> begins;  // of each sequence's rows, which stand together
  for (size_t i = 0; i < job.rows.size(); ++i) {
    values.push_back(llama_get_logits_ith(context, job.rows[i].batch_index));
    if (i == 0 || job.rows[i].wish != job.rows[i - 1].wish) begins.push_back(i);
  }
  begins.push_back(job.rows.size());
  workers->Run(begins.size() - 1, [&](size_t task) {
    for (size_t i = begins[task]; i < begins[task + 1]; ++i) {
      job.rows[i].wish->on_row({values[i], width}, job.rows[i].index);
    }
  });
}

// Divides a batch among the sequences: a few tokens for each first, then the rest in order of place.
std::vector<Share> Engine::Impl::Divide() const {
  std::vector<Share> shares;
  size_t room = batch_tokens;
  for (Sequence* sequence : live) {
    if (sequence == nullptr || sequence->pending() == 0) continue;
    const size_t count = std::min({sequence->pending(), kFirstShare, room});
    if (count > 0) shares.push_back({sequence, sequence->valid_, sequence->valid_ + count});
    room -= count;
  }
  for (Share& share : shares) {
    const size_t more = std::min(room, share.sequence->ready_end() - share.end);
    share.end += more;
    room -= more;
  }
  return shares;
}

void Engine::Impl::CloseGaps() {
  // A copy writes to all of a place, whatever the sequence holds.
  if (!model->can_roll_back() || pool_is_small || options.unified ||
      options.context_tokens * model->kv_bytes_per_token() > kCopyBytesMax) {
    return;
  }
  size_t gap = 0;
  size_t last = live.size();
  while (true) {
    while (gap < live.size() && live[gap] != nullptr) ++gap;
    while (last > 0 && live[last - 1] == nullptr) --last;
    if (last == 0 || gap + 1 >= last) return;
    Sequence* moved = live[last - 1];
    if (moved->cached_ > 0) {
      job.copies.push_back({static_cast<int>(last - 1), static_cast<int>(gap)});
      dirty[last - 1] = true;
      dirty[gap] = false;
      ++stats.sequence_copies;
    }
    moved->slot_ = static_cast<int>(gap);
    live[gap] = moved;
    live[last - 1] = nullptr;
  }
}

// Places whose sequences are gone, or set aside, are empty before the batch takes more.
void Engine::Impl::GiveBackPlaces() {
  for (size_t slot = 0; slot < live.size(); ++slot) {
    if (!dirty[slot]) continue;
    // llama.cpp copies when it next computes, and not before.
    const auto is_source = [slot](const Copy& copy) { return copy.from == static_cast<int>(slot); };
    if (std::ranges::any_of(job.copies, is_source)) continue;
    // The next sequence of the place takes its memory over, if there is enough for all.
    const bool in_use = live[slot] != nullptr && live[slot]->pending() > 0;
    job.removals.push_back(
        {.slot = static_cast<int>(slot), .from = 0, .gives_back = pool_is_small || !in_use});
    dirty[slot] = false;
  }
}

void Engine::Impl::SetAside(Sequence& sequence) {
  sequence.set_aside_ = true;
  if (sequence.valid_ > 0) {
    ++stats.set_aside;
    stats.set_aside_tokens += sequence.valid_;
  }
  if (sequence.cached_ > 0) dirty[static_cast<size_t>(sequence.slot_)] = true;
  sequence.valid_ = sequence.cached_ = 0;
}

void Engine::Impl::FillBatch(const std::vector<Share>& shares) {
  std::vector<PlaceTokens> places;
  batch.n_tokens = 0;
  embeddings.clear();
  for (const Share& share : shares) {
    Sequence& sequence = *share.sequence;
    if (sequence.cached_ > sequence.valid_) {
      job.removals.push_back(
          {.slot = sequence.slot_, .from = static_cast<llama_pos>(sequence.valid_), .gives_back = false});
    }
    size_t i = share.begin;
    for (; i < share.end; ++i) {
      Sequence::Wish* wish = sequence.wish_.get();
      const bool row =
          wish != nullptr && wish->served < wish->positions.size() && wish->positions[wish->served] == i;
      if (row && job.rows.size() == rows_max) break;
      const int at = batch.n_tokens++;
      if (model->is_classifier()) {
        model->AppendEmbeddings(sequence.tokens_[i], embeddings);
      } else {
        batch.token[at] = sequence.tokens_[i];
      }
      batch.pos[at] = static_cast<llama_pos>(i);
      batch.n_seq_id[at] = 1;
      batch.seq_id[at][0] = sequence.slot_;
      batch.logits[at] = row ? 1 : 0;
      if (row) job.rows.push_back({at, sequence.wish_, wish->served++});
    }
    places.push_back({sequence.slot_, i - share.begin});
    sequence.valid_ = i;
    sequence.cached_ = i;
  }
  stats.graphs += GraphsOf(std::move(places));
  std::copy(embeddings.begin(), embeddings.end(), batch.embd);
  job.tokens = batch.n_tokens;
}

void Engine::Impl::MarkUnknown() {
  std::fill(dirty.begin(), dirty.end(), true);
  for (Sequence* sequence : live) {
    if (sequence != nullptr) sequence->valid_ = sequence->cached_ = 0;
  }
}

void Engine::Impl::Finish(const Status& status) {
  is_busy = false;
  ++done_count;
  ++stats.batches;
  stats.tokens += static_cast<uint64_t>(job.tokens);
  if (!status) MarkUnknown();
  std::vector<Sequence::OnDone> finished;
  for (Sequence* sequence : live) {
    if (sequence == nullptr || !sequence->wish_) continue;
    const bool served = sequence->wish_->served == sequence->wish_->positions.size();
    if (status && !served) continue;
    finished.push_back(std::move(sequence->wish_->done));
    sequence->wish_.reset();
  }
  // A callback may open and close sequences, so none is touched from here on.
  for (const auto& done : finished) done(status);
}

Result<std::unique_ptr<Engine>> Engine::Create(std::shared_ptr<const LlamaModel> model,
                                               const EngineOptions& options, Post post) {
  TESSY_CHECK(options.sequences > 0 && options.sequences <= kSequencesMax);
  SetBatchInvariant(model->exact());
  auto impl = std::make_unique<Impl>(std::move(model), options, std::move(post));
  if (auto status = impl->Init(); !status) return tl::unexpected(status.error());
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

std::unique_ptr<Sequence> Engine::Open() {
  const auto place = std::find(impl_->live.begin(), impl_->live.end(), nullptr);
  if (place == impl_->live.end()) return nullptr;
  std::unique_ptr<Sequence> sequence(
      new Sequence(*this, static_cast<int>(place - impl_->live.begin()), impl_->births++));
  *place = sequence.get();
  return sequence;
}

void Engine::Release(Sequence& sequence) {
  const auto slot = static_cast<size_t>(sequence.slot_);
  impl_->live[slot] = nullptr;
  if (sequence.cached_ > 0) impl_->dirty[slot] = true;
}

int Engine::free_places() const {
  return static_cast<int>(std::count(impl_->live.begin(), impl_->live.end(), nullptr));
}
const LlamaModel& Engine::model() const { return *impl_->model; }
const EngineOptions& Engine::options() const { return impl_->options; }
bool Engine::busy() const { return impl_->is_busy; }
uint64_t Engine::batches_done() const { return impl_->done_count; }

EngineStats Engine::stats() const {
  EngineStats stats = impl_->stats;
  const std::lock_guard lock(impl_->mutex);
  stats.cpu_seconds = impl_->cpu_seconds;
  return stats;
}

bool Engine::wanted() const {
  return std::any_of(impl_->live.begin(), impl_->live.end(),
                     [](const Sequence* s) { return s != nullptr && s->wish_ != nullptr && !s->set_aside_; });
}

bool Engine::all_ready() const {
  return std::all_of(impl_->live.begin(), impl_->live.end(), [](const Sequence* s) {
    return s == nullptr || s->tokens_.empty() || s->set_aside_ || s->pending() > 0;
  });
}

size_t Engine::pending_tokens() const {
  size_t count = 0;
  for (const Sequence* sequence : impl_->live) count += sequence == nullptr ? 0 : sequence->pending();
  return count;
}

void Engine::Admit() {
  Impl& impl = *impl_;
  TESSY_CHECK(!impl.is_busy);
  if (!impl.pool_is_small) return;
  std::vector<Sequence*> by_age;
  std::ranges::copy_if(impl.live, std::back_inserter(by_age), [](const Sequence* s) { return s != nullptr; });
  std::ranges::sort(by_age, {}, &Sequence::birth_);
  size_t used = 0;
  for (Sequence* sequence : by_age) {
    // One that comes back finds room to grow, so that it is not set aside again at once.
    const size_t held = std::max(sequence->tokens_.size(), sequence->cached_);
    const size_t wanted = sequence->set_aside_ ? held + held / 4 : held;
    if (wanted == 0) continue;
    const size_t need = (std::min(wanted, impl.options.context_tokens) + kPoolStep) / kPoolStep * kPoolStep;
    if (used == 0 || used + need <= impl.pool_tokens) {
      sequence->set_aside_ = false;
      used += need;
    } else if (!sequence->set_aside_) {
      impl.SetAside(*sequence);
    }
  }
}

void Engine::StartBatch() {
  TESSY_CHECK(!impl_->is_busy);
  Admit();
  if (pending_tokens() == 0) return;
  impl_->job = {};
  impl_->CloseGaps();
  impl_->GiveBackPlaces();
  impl_->FillBatch(impl_->Divide());
  impl_->is_busy = true;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->has_job = true;
  }
  impl_->wake.notify_one();
}

Sequence::~Sequence() { engine_->Release(*this); }

size_t Sequence::context_tokens() const { return engine_->options().context_tokens; }

void Sequence::Append(std::span<const TokenId> tokens) {
  held_ = false;
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
}

void Sequence::Truncate(size_t count) {
  held_ = false;
  tokens_.resize(std::min(count, tokens_.size()));
  if (valid_ > tokens_.size()) Invalidate(tokens_.size());
}

void Sequence::Invalidate(size_t from) {
  valid_ = from;
  if (engine_->model().can_roll_back()) return;
  engine_->impl_->stats.refed_tokens += valid_;
  valid_ = 0;
}

void Sequence::Assign(std::vector<TokenId> tokens) {
  const auto common = std::mismatch(tokens_.begin(), tokens_.end(), tokens.begin(), tokens.end()).first;
  Truncate(static_cast<size_t>(common - tokens_.begin()));
  Append(std::span(tokens).subspan(tokens_.size()));
}

void Sequence::Want(std::vector<size_t> positions, OnRow on_row, OnDone done) {
  held_ = false;
  TESSY_CHECK(!wish_ && !positions.empty() && positions.back() < tokens_.size());
  if (valid_ > positions.front()) Invalidate(positions.front());
  wish_ = std::make_shared<Wish>(
      Wish{.positions = std::move(positions), .on_row = std::move(on_row), .done = std::move(done)});
}

void Sequence::Forget() { wish_.reset(); }

void EngineGroup::Pump() {
  for (Member& member : engines_) {
    Engine& engine = *member.engine;
    if (engine.busy()) continue;
    engine.Admit();
    bool start = false;
    if (!engine.wanted()) {
      const size_t pending = engine.pending_tokens();
      start = (pending >= kIdleBatchTokens && engine.all_ready()) || pending >= kBatchTokens;
      member.waiting = false;
    } else if (engine.all_ready()) {
      start = true;
    } else {
      if (!member.waiting) {
        member.waiting = true;
        member.waits_for.clear();
        for (const Member& other : engines_) {
          member.waits_for.push_back(other.engine->batches_done() + (other.engine->busy() ? 1 : 0));
        }
      }
      start = true;
      for (size_t i = 0; i < engines_.size(); ++i) {
        start = start && engines_[i].engine->batches_done() >= member.waits_for[i];
      }
    }
    if (!start) continue;
    member.waiting = false;
    engine.StartBatch();
  }
}

bool EngineGroup::busy() const {
  return std::any_of(engines_.begin(), engines_.end(),
                     [](const Member& member) { return member.engine->busy(); });
}

}  // namespace tessy
