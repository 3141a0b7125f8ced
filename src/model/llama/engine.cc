#include "model/llama/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "ggml-cpu.h"
#include "llama.h"
#include "model/llama/numerics.h"

namespace tessy {
namespace {

constexpr size_t kBatchTokens = 512;
// Keeps a sequence that is far behind (a prompt) from crowding out those that are one token behind.
constexpr size_t kFirstShare = 8;
// From this many tokens on, work whose results no sequence waits for is worth a batch.
constexpr size_t kIdleBatchTokens = 16;
// Moving a sequence into a gap copies its whole place; beyond this the gap costs less.
constexpr uint64_t kCopyBytesMax = uint64_t{64} << 20;

double ThreadCpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Removal {
  int slot;
  llama_pos from;
};

struct Copy {
  int from, to;
};

struct Share {
  Sequence* sequence;
  size_t begin, end;
};

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
    batch_tokens = std::max(kBatchTokens, live.size());
    // A row of a language model has an entry for every token of the vocabulary.
    rows_max = model->is_classifier() ? batch_tokens : live.size();
  }
  ~Impl();

  Status Init();
  void Run();
  Status Execute();
  std::vector<Share> Divide() const;
  void CloseGaps();
  void FillBatch(const std::vector<Share>& shares);
  void Finish(const Status& status);
  void MarkUnknown();

  std::shared_ptr<const LlamaModel> model;
  EngineOptions options;
  Post post;
  std::shared_ptr<bool> alive;  // false once the engine is gone: completions under way are dropped
  llama_context* context = nullptr;
  ggml_threadpool* pool = nullptr;
  llama_batch batch{};
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
  params.n_ctx = static_cast<uint32_t>(options.context_tokens * live.size());
  params.n_batch = static_cast<uint32_t>(batch_tokens);
  params.n_ubatch = static_cast<uint32_t>(batch_tokens);
  params.n_outputs_max = static_cast<uint32_t>(rows_max);
  params.n_threads = options.threads;
  params.n_threads_batch = options.threads;
  params.kv_unified = false;
  params.swa_full = true;
  params.no_perf = true;
  params.offload_kqv = true;
  if (model->exact()) {
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.type_k = GGML_TYPE_F32;
    params.type_v = GGML_TYPE_F32;
  }
  context = llama_init_from_model(model->handle(), params);
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
  }
  const int32_t code = llama_decode(context, batch);
  if (code != 0) {
    return Fail(ErrorCode::kBackend,
                fmt::format("{}: llama.cpp failed to compute a batch of {} tokens (code {})",
                            model->file().path(), batch.n_tokens, code));
  }
  const auto width = static_cast<size_t>(model->output_width());
  for (const Row& row : job.rows) {
    row.wish->on_row({llama_get_logits_ith(context, row.batch_index), width}, row.index);
  }
  return {};
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
  if (!model->can_roll_back() || options.context_tokens * model->kv_bytes_per_token() > kCopyBytesMax) return;
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

void Engine::Impl::FillBatch(const std::vector<Share>& shares) {
  batch.n_tokens = 0;
  embeddings.clear();
  for (const Share& share : shares) {
    Sequence& sequence = *share.sequence;
    const auto slot = static_cast<size_t>(sequence.slot_);
    if (dirty[slot] || sequence.cached_ > sequence.valid_) {
      job.removals.push_back({sequence.slot_, dirty[slot] ? 0 : static_cast<llama_pos>(sequence.valid_)});
      dirty[slot] = false;
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
    sequence.valid_ = i;
    sequence.cached_ = i;
  }
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
  std::unique_ptr<Sequence> sequence(new Sequence(*this, static_cast<int>(place - impl_->live.begin())));
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
                     [](const Sequence* s) { return s != nullptr && s->wish_ != nullptr; });
}

bool Engine::all_ready() const {
  return std::all_of(impl_->live.begin(), impl_->live.end(), [](const Sequence* s) {
    return s == nullptr || s->tokens_.empty() || s->pending() > 0;
  });
}

size_t Engine::pending_tokens() const {
  size_t count = 0;
  for (const Sequence* sequence : impl_->live) count += sequence == nullptr ? 0 : sequence->pending();
  return count;
}

void Engine::StartBatch() {
  TESSY_CHECK(!impl_->is_busy);
  if (pending_tokens() == 0) return;
  impl_->job = {};
  impl_->CloseGaps();
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
