#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/llama/engine.h"
#include "model/sampling.h"
#include "model/text/chat_format.h"
#include "synthesis/cast.h"
#include "synthesis/method.h"

namespace tessy {

// A role that is played elsewhere.
struct ServedRole {
  Family family;
  uint64_t vocabulary = 0;  // fingerprint; 0: not known, and its tokens have no ids
};

struct LlamaCastOptions {
  Method method = kMethods[0];
  // By role; empty where the method has no use for it.
  std::array<std::string, 2> models;
  std::array<std::string, 2> boundaries;  // a predictor .gguf, or "lexicon"; empty: asked elsewhere
  std::array<std::string, 2> families;    // names or files; empty: as the template says
  // Of roles that others play (MixedCast); they have no model here.
  std::array<std::optional<ServedRole>, 2> served;
  std::array<TemplateOptions, 2> template_options;
  Sampling sampling;
  int concurrency = 0;        // samples at a time; 0: as many as memory allows, at most 64
  size_t context_tokens = 0;  // a sample; 0: what the models were trained for, at most 40,960
  uint64_t memory_bytes = 0;  // budget for weights and caches; 0: three quarters of what is free
  int threads = 0;            // an engine; 0: one for small models, half the cores for others
  int gpu_layers = 0;
  bool exact = false;
};

// What will be in memory. All figures in bytes.
struct MemoryPlan {
  struct Line {
    std::string what;
    uint64_t weights = 0;
    uint64_t cache_per_sample = 0;
  };
  std::vector<Line> lines;
  int concurrency = 0;
  size_t context_tokens = 0;
  uint64_t budget = 0;
  uint64_t total() const;
  std::string Describe() const;
};

// The plan for these figures: the concurrency asked for, or the most that fits where none was. An error with
// the figures where it does not fit. Pure.
Result<MemoryPlan> PlanMemory(std::vector<MemoryPlan::Line> lines, int concurrency, size_t context_tokens,
                              uint64_t budget);

// Bytes that this machine can give away now.
uint64_t AvailableMemory();

// A cast of GGUF files, in process: an engine for each model and predictor, or several where one context's
// 256 sequences do not do.
class LlamaCast final : public Cast {
 public:
  // Loads everything. `post` as in Engine::Create.
  static Result<std::unique_ptr<LlamaCast>> Load(const LlamaCastOptions& options, Engine::Post post);

  const Family& FamilyOf(Role role) const override;
  Result<OpenedSession> OpenSession(Role role, std::span<const Message> messages) override;
  Result<std::unique_ptr<BoundaryReader>> OpenReader(Role role) override;
  void Score(Role role, std::span<const Message> messages, std::string_view thinking, std::string_view answer,
             std::function<void(Result<double>)> done) override;
  void Pump() override { group_.Pump(); }
  bool busy() const override { return group_.busy(); }

  const MemoryPlan& plan() const { return plan_; }
  // Fingerprints of the roles' vocabularies, of models that are served, too; 0: not known.
  const std::array<uint64_t, 2>& vocabularies() const { return vocabularies_; }
  bool roles_share_vocabulary() const { return roles_share_vocabulary_; }
  // By role: nullptr where the cast has none. For the names and fingerprints of what played.
  const LlamaModel* model(Role role) const { return models_[Index(role)].get(); }
  const LlamaModel* predictor(Role role) const { return predictors_[Index(role)].get(); }
  std::vector<std::pair<std::string, EngineStats>> stats() const;

 private:
  using Engines = std::vector<std::unique_ptr<Engine>>;

  Status LoadModels(const LlamaCastOptions& options);
  Status LoadFormat(Role role, const LlamaCastOptions& options);
  Status Plan(const LlamaCastOptions& options);
  Status StartEngines(const LlamaCastOptions& options);
  Result<Engines> MakeEngines(const std::shared_ptr<const LlamaModel>& model, size_t context_tokens,
                              int threads);

  std::unique_ptr<Sequence> OpenSequence(Role role);

  Engine::Post post_;
  Sampling sampling_;
  MemoryPlan plan_;
  bool roles_share_vocabulary_ = false;
  std::array<uint64_t, 2> vocabularies_{};
  std::array<bool, 2> uses_lexicon_{};
  std::array<Family, 2> families_;
  std::array<std::optional<ChatFormat>, 2> formats_;  // none where the role has no model
  std::array<std::shared_ptr<const LlamaModel>, 2> models_;
  std::array<std::shared_ptr<const LlamaModel>, 2> predictors_;
  std::array<Engines, 2> engines_;
  std::array<Engines, 2> predictor_engines_;
  EngineGroup group_;
};

}  // namespace tessy
