#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "boundary/pooling/pooling_model.h"
#include "cast/driving_thread.h"
#include "cast/player.h"
#include "cast/predictor.h"
#include "model/llama/accelerators.h"
#include "model/llama/cache_type.h"
#include "model/llama/engine.h"
#include "model/llama/memory_plan.h"
#include "model/openai/server_model.h"
#include "model/sampling.h"
#include "model/text/chat_format.h"
#include "synthesis/cast.h"
#include "synthesis/method.h"

namespace tessy {

struct CastLayers;

// Who plays. Arrays are by role.
struct CastOptions {
  Method method = DefaultMethod();  // says who is needed
  bool thinks = true;               // false: answers are asked for without thinking
  // GGUF files; empty for a role that is served or that has no model.
  std::array<std::string, 2> models = {};
  // GGUF files of predictors, or "lexicon"; empty where the predictor is served.
  std::array<std::string, 2> boundaries = {};
  // Names of built-in families, or files; empty: as the template says.
  std::array<std::string, 2> families = {};
  std::array<TemplateOptions, 2> template_options = {};
  // System prompts that the roles' models are told before questions that bring none. Empty: nothing.
  std::array<std::string, 2> systems = {};
  std::array<std::optional<ServerModelOptions>, 2> servers = {};            // of models behind servers
  std::array<std::optional<PoolingModelOptions>, 2> boundary_servers = {};  // of predictors behind servers
  Sampling sampling = {};                                                   // of models in process
  // Samples at a time; 0: as many as memory allows, at most 64; 256 where nothing is in process.
  int concurrency = 0;
  // Samples that there are to write, so that no memory is taken for more at a time; 0: not known.
  uint64_t samples = 0;
  size_t context_tokens = 0;  // of a sample; 0: what the models were trained for, at most 40,960
  uint64_t memory_bytes = 0;  // budget for weights and caches; 0: three quarters of what is free
  int threads = 0;            // of an engine; 0: one for small models, half the cores for others
  // Layers on accelerators, of models and of predictors in process.
  std::array<LayersAsked, 2> layers = {};
  std::array<LayersAsked, 2> boundary_layers = {};
  bool cpu_experts = false;                // the matrices of experts stay in RAM
  CacheType cache_type = CacheType::kF16;  // of all models and predictors in process
  bool exact = false;                      // arithmetic that does not depend on the batch
};

// A cast of models: two players and two predictors, each in process or behind servers. One thread.
class ModelCast final : public Cast {
 public:
  // Asks the servers what they are, loads what is local, plans the memory and starts the engines. A retryable
  // error: a server cannot be reached. A system prompt that a model's chat template refuses or leaves out is
  // an error.
  static Result<std::unique_ptr<ModelCast>> Load(const CastOptions& options, const DrivingThread& thread);

  const Family& FamilyOf(Role role) const override { return *families_[Index(role)]; }
  Result<OpenedSession> OpenSession(Role role, std::span<const Message> messages, bool thinks) override;
  Result<std::unique_ptr<BoundaryReader>> OpenReader(Role role) override;
  void Score(Role role, std::span<const Message> messages, std::string_view thinking, std::string_view answer,
             std::function<void(Result<double>)> done) override;
  void Cancel() override;
  void Pump() override { engines_.Pump(); }

  const MemoryPlan& plan() const { return plan_; }
  // Samples at a time: what memory allows, and no more than the process may hold connections.
  int concurrency() const { return concurrency_; }
  // True where both players and both predictors share one vocabulary: `--cut auto` then cuts at tokens.
  bool shares_vocabulary() const;
  // The work of every part, players first; rules are left out.
  std::vector<PartCounts> Counts() const;

 private:
  using Models = std::map<std::string, std::shared_ptr<const LlamaModel>>;  // by path, loaded once

  ModelCast() = default;
  Status ConnectServers(const CastOptions& options, const DrivingThread& thread);
  Status LoadPlayers(const CastOptions& options, const CastLayers& layers, const DrivingThread& thread);
  Status LoadPredictors(const CastOptions& options, const CastLayers& layers, const DrivingThread& thread);
  Status ChooseFamilies(const CastOptions& options);
  Status CheckSystems(bool thinks) const;
  // The messages with the role's system prompt before them, unless they bring one.
  std::vector<Message> Told(Role role, std::span<const Message> messages) const;
  Status Plan(const CastOptions& options, const CastLayers& layers);
  int LargeEngines() const;
  Status Start(const CastOptions& options);
  std::array<uint64_t, 2> Vocabularies() const;

  // By role; null where the cast has none.
  std::array<std::unique_ptr<Player>, 2> players_;
  std::array<std::unique_ptr<Predictor>, 2> predictors_;
  // A role that nobody plays has a family, too: a student's gives the response its form.
  std::array<std::optional<Family>, 2> families_;
  std::array<std::string, 2> systems_;
  MemoryPlan plan_;
  int concurrency_ = 1;
  EngineGroup engines_;
};

}  // namespace tessy
