#include "cast/model_cast.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/blanks.h"
#include "cast/fit.h"
#include "cast/local_player.h"
#include "cast/local_predictor.h"
#include "cast/open_files.h"
#include "cast/served_player.h"
#include "cast/served_predictor.h"
#include "model/text/chat_template.h"
#include "model/text/gguf_file.h"

namespace tessy {
namespace {

constexpr size_t kContextRounding = 256;  // of llama.cpp
constexpr int kServedConcurrency = 256;   // where nothing here limits it
constexpr const char* kLexicon = "lexicon";

LlamaModelOptions LoadOptions(const CastOptions& options, int layers) {
  return {.gpu_layers = layers,
          .cpu_experts = options.cpu_experts,
          .exact = options.exact,
          .cache_type = options.cache_type};
}

size_t Rounded(size_t tokens) {
  return (tokens + kContextRounding - 1) / kContextRounding * kContextRounding;
}

MemoryPlan::Share ShareOf(const MemoryNeeds& needs, uint64_t weights, uint64_t bytes_per_token,
                          uint64_t bytes_per_sample) {
  return {
      .weights = weights,
      .cache_per_sample = bytes_per_sample + (needs.is_window ? bytes_per_token * needs.context_tokens : 0),
      .cache_per_token = needs.is_window ? 0 : bytes_per_token};
}

// What accelerators take of the RAM counts there.
MemoryPlan::Line LineOf(std::string what, const MemoryNeeds& needs, bool devices_share_ram,
                        std::set<std::string>& files) {
  const bool first = files.insert(needs.file).second;
  const uint64_t device_weights = first ? needs.device_weights_bytes : 0;
  const uint64_t weights = first ? needs.weights_bytes : 0;
  if (devices_share_ram) {
    return {
        .what = std::move(what),
        .ram = ShareOf(needs, weights + device_weights, needs.bytes_per_token + needs.device_bytes_per_token,
                       needs.bytes_per_sample + needs.device_bytes_per_sample)};
  }
  return {
      .what = std::move(what),
      .ram = ShareOf(needs, weights, needs.bytes_per_token, needs.bytes_per_sample),
      .device = ShareOf(needs, device_weights, needs.device_bytes_per_token, needs.device_bytes_per_sample)};
}

// By the template of the file.
Result<Family> FamilyOfFile(const std::string& path, const std::string& asked) {
  if (!asked.empty()) return LoadFamily(asked);
  const auto file = GgufFile::Open(path);
  if (!file) return tl::unexpected(file.error());
  return LoadFamily(DetectFamily(file->String("tokenizer.chat_template").value_or("")));
}

}  // namespace

Result<std::unique_ptr<ModelCast>> ModelCast::Load(const CastOptions& options, const DrivingThread& thread) {
  std::unique_ptr<ModelCast> cast(new ModelCast);
  // Servers first: what they refuse is known in no time.
  Status status = cast->ConnectServers(options, thread);
  if (!status) return tl::unexpected(status.error());
  const auto layers = PlaceCast(options);
  if (!layers) return tl::unexpected(layers.error());
  status = cast->LoadPlayers(options, *layers, thread);
  if (status && options.method.cooperative()) status = cast->LoadPredictors(options, *layers, thread);
  if (status) status = cast->ChooseFamilies(options);
  cast->systems_ = options.systems;
  if (status) status = cast->CheckSystems(options.thinks);
  if (status) status = cast->Plan(options, *layers);
  if (status) status = cast->Start(options);
  if (!status) return tl::unexpected(status.error());
  return cast;
}

Status ModelCast::ConnectServers(const CastOptions& options, const DrivingThread& thread) {
  for (const Role role : kRoles) {
    if (!options.servers[Index(role)]) continue;
    ServerModelOptions server = *options.servers[Index(role)];
    // A predictor is made from its role's model more often than not, and brings that one's vocabulary.
    const std::string& predictor = options.boundaries[Index(role)];
    if (server.vocabulary.empty() && predictor.ends_with(".gguf")) {
      server.vocabulary_candidates.push_back(predictor);
    }
    auto player = ServedPlayer::Connect(role, server, thread);
    if (!player) return tl::unexpected(player.error());
    players_[Index(role)] = std::move(*player);
  }
  for (const Role role : kRoles) {
    if (!options.boundary_servers[Index(role)]) continue;
    auto predictor = ServedPredictor::Connect(role, *options.boundary_servers[Index(role)], thread);
    if (!predictor) return tl::unexpected(predictor.error());
    predictors_[Index(role)] = std::move(*predictor);
  }
  return {};
}

Status ModelCast::LoadPlayers(const CastOptions& options, const CastLayers& layers,
                              const DrivingThread& thread) {
  Models loaded;
  for (const Role role : kRoles) {
    const std::string& path = options.models[Index(role)];
    if (players_[Index(role)] || path.empty() || !options.method.Uses(role)) continue;
    auto& model = loaded[path];
    if (!model) {
      auto result = LlamaModel::Load(path, LoadOptions(options, layers.players[Index(role)]));
      if (!result) return tl::unexpected(result.error());
      model = std::move(*result);
    }
    auto player = LocalPlayer::Make(model,
                                    {.role = role,
                                     .family = options.families[Index(role)],
                                     .template_options = options.template_options[Index(role)],
                                     .thinks = options.thinks,
                                     .sampling = options.sampling},
                                    thread.post);
    if (!player) return tl::unexpected(player.error());
    players_[Index(role)] = std::move(*player);
  }
  return {};
}

Status ModelCast::LoadPredictors(const CastOptions& options, const CastLayers& layers,
                                 const DrivingThread& thread) {
  Models loaded;
  for (const Role role : kRoles) {
    const std::string& spec = options.boundaries[Index(role)];
    if (predictors_[Index(role)] || spec.empty()) continue;
    if (spec == kLexicon) {
      predictors_[Index(role)] = std::make_unique<LexiconPredictor>(thread.post);
      continue;
    }
    auto& model = loaded[spec];
    if (!model) {
      auto result = LlamaModel::LoadClassifier(spec, LoadOptions(options, layers.predictors[Index(role)]));
      if (!result) return tl::unexpected(result.error());
      model = std::move(*result);
    }
    predictors_[Index(role)] = std::make_unique<LocalPredictor>(role, model, thread.post);
  }
  return {};
}

// Rows have the form of the student's family. Where nothing is known of a student, that is the writer's own,
// as somebody has named it or as its template says.
Status ModelCast::ChooseFamilies(const CastOptions& options) {
  for (const Role role : kRoles) {
    if (players_[Index(role)]) {
      families_[Index(role)] = players_[Index(role)]->family();
      continue;
    }
    const std::string& own = options.models[Index(role)];
    const std::string& named = options.families[Index(role)];
    const auto& other = players_[Index(Other(role))];
    if (own.empty() && named.empty() && other) {
      families_[Index(role)] = other->family();
      continue;
    }
    auto family = FamilyOfFile(own.empty() ? options.models[Index(Other(role))] : own, named);
    if (!family) return tl::unexpected(family.error());
    families_[Index(role)] = std::move(*family);
  }
  return {};
}

// Templates refuse a system's turn, or pass over it without a word.
Status ModelCast::CheckSystems(bool thinks) const {
  for (const Role role : kRoles) {
    const auto& player = players_[Index(role)];
    const std::string& system = systems_[Index(role)];
    if (!player || system.empty()) continue;
    const std::vector<Message> question{{.role = "user", .content = "?"}};
    const auto prompt = player->PromptText(Told(role, question), thinks);
    const auto bare = player->PromptText(question, thinks);
    if (!bare) continue;  // every sample will say so
    const bool shown = prompt && prompt->find(WithoutBlanksAround(system)) != std::string::npos;
    if (shown) continue;
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the {}'s system prompt cannot be used: {}; leave it out, or put it into the "
                            "questions",
                            Name(role),
                            prompt ? "the chat template shows no system's turn" : prompt.error().message));
  }
  return {};
}

Status ModelCast::Plan(const CastOptions& options, const CastLayers& layers) {
  size_t context = options.context_tokens > 0 ? options.context_tokens : kContextTokensDefault;
  for (const auto& player : players_) {
    const auto needs = player ? player->needs() : std::nullopt;
    if (needs && needs->context_tokens > 0) context = std::min(context, needs->context_tokens);
  }
  std::vector<MemoryPlan::Line> lines;
  std::set<std::string> files;
  for (const Role role : kRoles) {
    const auto& player = players_[Index(role)];
    const auto needs = player ? player->needs() : std::nullopt;
    if (needs) lines.push_back(LineOf(std::string(Name(role)), *needs, layers.devices_share_ram, files));
  }
  for (const Role role : kRoles) {
    const auto& predictor = predictors_[Index(role)];
    const auto needs = predictor ? predictor->needs() : std::nullopt;
    if (needs)
      lines.push_back(
          LineOf(fmt::format("{} predictor", Name(role)), *needs, layers.devices_share_ram, files));
  }
  const bool all_served = lines.empty();
  auto plan = PlanMemory(std::move(lines), options.concurrency, Rounded(context),
                         {.ram = layers.ram_bytes, .device = layers.device_bytes}, options.samples);
  if (!plan) return tl::unexpected(plan.error());
  plan_ = std::move(*plan);
  plan_.context_tokens = context;  // llama.cpp takes the rest, and no sample uses it
  concurrency_ = options.concurrency == 0 && all_served ? kServedConcurrency : plan_.concurrency;
  if (options.servers[0] || options.servers[1]) concurrency_ = FitOpenFiles(concurrency_);
  return {};
}

int ModelCast::LargeEngines() const {
  int count = 0;
  const auto add = [&](const auto& part) {
    const auto needs = part ? part->needs() : std::nullopt;
    if (needs && needs->is_large) count += EnginePool::CountFor(plan_.concurrency);
  };
  for (const auto& player : players_) add(player);
  for (const auto& predictor : predictors_) add(predictor);
  return count;
}

Status ModelCast::Start(const CastOptions& options) {
  const StartOptions start{.samples = plan_.concurrency,
                           .context_tokens = plan_.context_tokens,
                           .pool_tokens = plan_.holds_all() ? 0 : plan_.pool_tokens,
                           .threads = options.threads,
                           .large_engines = LargeEngines(),
                           .vocabularies = Vocabularies(),
                           .engines = &engines_};
  // Predictors first: when both could start, the players' batches wait for what the predictors have yet to
  // say, and samples that fell out of step come together again.
  for (const auto& predictor : predictors_) {
    if (auto status = predictor ? predictor->Start(start) : Status(); !status) return status;
  }
  for (const auto& player : players_) {
    if (auto status = player ? player->Start(start) : Status(); !status) return status;
  }
  return {};
}

std::array<uint64_t, 2> ModelCast::Vocabularies() const {
  return {players_[0] ? players_[0]->vocabulary() : 0, players_[1] ? players_[1]->vocabulary() : 0};
}

bool ModelCast::shares_vocabulary() const {
  const std::array<uint64_t, 2> vocabularies = Vocabularies();
  const uint64_t shared = vocabularies[0];
  return shared != 0 && vocabularies[1] == shared &&
         std::ranges::all_of(predictors_, [&](const auto& predictor) {
           return predictor && predictor->vocabulary() == shared;
         });
}

std::vector<Message> ModelCast::Told(Role role, std::span<const Message> messages) const {
  return AddSystem(messages, systems_[Index(role)]);
}

Result<OpenedSession> ModelCast::OpenSession(Role role, std::span<const Message> messages, bool thinks) {
  return players_[Index(role)]->OpenSession(Told(role, messages), thinks);
}

Result<std::unique_ptr<BoundaryReader>> ModelCast::OpenReader(Role role) {
  return predictors_[Index(role)]->OpenReader();
}

void ModelCast::Score(Role role, std::span<const Message> messages, std::string_view thinking,
                      std::string_view answer, std::function<void(Result<double>)> done) {
  players_[Index(role)]->Score(Told(role, messages), thinking, answer, std::move(done));
}

void ModelCast::Cancel() {
  for (const auto& player : players_) {
    if (player) player->Cancel();
  }
  for (const auto& predictor : predictors_) {
    if (predictor) predictor->Cancel();
  }
}

std::vector<PartCounts> ModelCast::Counts() const {
  std::vector<PartCounts> all;
  for (const auto& player : players_) {
    if (player) all.push_back(player->counts());
  }
  for (const auto& predictor : predictors_) {
    if (auto counts = predictor ? predictor->counts() : std::nullopt) all.push_back(std::move(*counts));
  }
  return all;
}

}  // namespace tessy
