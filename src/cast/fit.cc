#include "cast/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/machine.h"
#include "model/llama/fit_advice.h"
#include "model/text/gguf_file.h"

namespace tessy {
namespace {

// Kept free of each device for the buffers of a computation: as much as llama.cpp's own tools keep
// (--fit-target).
constexpr uint64_t kDeviceReserve = uint64_t{1} << 30;
constexpr const char* kLexicon = "lexicon";

// The RAM that the cast may take.
uint64_t MemoryBudget(const CastOptions& options) {
  return options.memory_bytes > 0 ? options.memory_bytes : MemoryAvailable() / 4 * 3;
}

bool PlaysHere(const CastOptions& options, Role role) {
  return !options.servers[Index(role)] && !options.models[Index(role)].empty() && options.method.Uses(role);
}

bool PredictsHere(const CastOptions& options, Role role) {
  const std::string& spec = options.boundaries[Index(role)];
  return options.method.cooperative() && !options.boundary_servers[Index(role)] && !spec.empty() &&
         spec != kLexicon;
}

Status CheckOneNumber(const std::array<std::string, 2>& files, const std::array<int, 2>& layers,
                      const std::array<LayersAsked, 2>& asked) {
  if (files[0] != files[1] || layers[0] == layers[1]) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("--{}, --{}: both are for {}, which is loaded once; give one number of layers",
                          asked[0].own_flag, asked[1].own_flag, files[0]));
}

uint64_t FreeBytes(const Accelerators& found) {
  uint64_t free = 0;
  for (const Accelerator& device : found.devices) {
    if (device.total_bytes == 0) return UINT64_MAX;  // its driver does not tell, so nothing can be refused
    free += device.free_bytes - std::min(device.free_bytes, kDeviceReserve);
  }
  return free;
}

// The parts, and the context that all players have.
struct Parts {
  std::vector<FitPart> parts;
  std::map<std::string, size_t> files;  // the first part of each
  size_t context_tokens = 0;

  void Add(std::string name, const std::string& file, const LayersAsked& asked, int layers,
           size_t context_of_its_own);
};

void Parts::Add(std::string name, const std::string& file, const LayersAsked& asked, int layers,
                size_t context_of_its_own) {
  const auto opened = GgufFile::Open(file);
  if (!opened) return;
  const auto [first, is_new] = files.try_emplace(file, parts.size());
  parts.push_back({.name = std::move(name),
                   .layers_flag = asked.own_flag,
                   .shape = ShapeOf(*opened),
                   .gpu_layers = layers,
                   .same_file = is_new ? std::nullopt : std::optional(first->second),
                   .context_tokens = context_of_its_own});
  const auto trained = opened->ArchInteger("context_length").value_or(0);
  if (context_of_its_own == 0 && trained > 0) {
    context_tokens = std::min(context_tokens, static_cast<size_t>(trained));
  }
}

}  // namespace

Result<CastLayers> LayersOf(const CastOptions& options, const Accelerators& found) {
  CastLayers layers;
  for (const Role role : kRoles) {
    const size_t at = Index(role);
    if (PlaysHere(options, role)) {
      const auto own = LayersOnDevices(options.layers[at], options.exact, found);
      if (!own) return tl::unexpected(own.error());
      layers.players[at] = *own;
    }
    if (PredictsHere(options, role)) {
      const auto own = LayersOnDevices(options.boundary_layers[at], options.exact, found);
      if (!own) return tl::unexpected(own.error());
      layers.predictors[at] = *own;
    }
  }
  if (PlaysHere(options, Role::kStudent) && PlaysHere(options, Role::kTeacher)) {
    if (auto status = CheckOneNumber(options.models, layers.players, options.layers); !status) {
      return tl::unexpected(status.error());
    }
  }
  if (PredictsHere(options, Role::kStudent) && PredictsHere(options, Role::kTeacher)) {
    if (auto status = CheckOneNumber(options.boundaries, layers.predictors, options.boundary_layers);
        !status) {
      return tl::unexpected(status.error());
    }
  }
  return layers;
}

Status CheckCastFits(const CastOptions& options, const CastLayers& layers, const Accelerators& found) {
  Parts parts;
  parts.context_tokens = options.context_tokens > 0 ? options.context_tokens : kContextTokensDefault;
  for (const Role role : kRoles) {
    if (!PlaysHere(options, role)) continue;
    parts.Add(std::string(Name(role)), options.models[Index(role)], options.layers[Index(role)],
              layers.players[Index(role)], 0);
  }
  for (const Role role : kRoles) {
    if (!PredictsHere(options, role)) continue;
    parts.Add(fmt::format("{} predictor", Name(role)), options.boundaries[Index(role)],
              options.boundary_layers[Index(role)], layers.predictors[Index(role)], kPredictorContextTokens);
  }
  return CheckOneSampleFits({.parts = std::move(parts.parts),
                             .ram_bytes = MemoryBudget(options),
                             .device_bytes = FreeBytes(found),
                             .devices_share_ram = found.share_ram(),
                             .context_tokens = parts.context_tokens,
                             .cache = options.exact ? CacheType::kF32 : options.cache_type,
                             .cpu_experts = options.cpu_experts});
}

Result<CastLayers> PlaceCast(const CastOptions& options) {
  const bool anything = std::ranges::any_of(
      kRoles, [&](Role role) { return PlaysHere(options, role) || PredictsHere(options, role); });
  const auto found = anything ? FindAccelerators() : Accelerators{};
  if (!found) return tl::unexpected(found.error());
  auto layers = LayersOf(options, *found);
  if (!layers) return layers;
  if (auto status = CheckCastFits(options, *layers, *found); !status) return tl::unexpected(status.error());
  layers->ram_bytes = MemoryBudget(options);
  layers->device_bytes = FreeBytes(*found);
  layers->devices_share_ram = found->share_ram();
  return layers;
}

}  // namespace tessy
