#include "model/llama/fit_advice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "base/numbers.h"
#include "model/llama/accelerators.h"

namespace tessy {
namespace {

constexpr size_t kContextStep = 256;  // llama.cpp rounds up to it
constexpr size_t kContextMin = 1024;  // less holds no response worth having
constexpr size_t kWaysMax = 3;

// The settings that may be changed.
struct Way {
  CacheType cache;
  size_t context_tokens;
  bool cpu_experts;
  std::vector<int> layers;  // of each part
};

struct Need {
  uint64_t ram = 0;
  uint64_t device = 0;
};

Need NeedOf(const FitPart& part, int layers, const Way& way) {
  const MemoryPlaces places = PlacesOf(part.shape, layers, way.cpu_experts, way.cache);
  const size_t context = part.context_tokens > 0
                             ? part.context_tokens
                             : (way.context_tokens + kContextStep - 1) / kContextStep * kContextStep;
  const uint64_t once = part.same_file ? 0 : 1;
  return {
      .ram = once * places.ram_weights + context * places.ram_cache_per_token + places.ram_state,
      .device = once * places.device_weights + context * places.device_cache_per_token + places.device_state};
}

Need NeedOf(const FitQuestion& question, const Way& way) {
  Need sum;
  for (size_t i = 0; i < question.parts.size(); ++i) {
    const Need one = NeedOf(question.parts[i], way.layers[i], way);
    sum.ram += one.ram;
    sum.device += one.device;
  }
  return sum;
}

bool Fits(const FitQuestion& question, const Way& way) {
  const Need need = NeedOf(question, way);
  if (question.devices_share_ram) return need.ram + need.device <= question.ram_bytes;
  return need.ram <= question.ram_bytes && need.device <= question.device_bytes;
}

// ---- Changes. Nothing where there is nothing to change.

std::optional<Way> WithSmallerCache(const FitQuestion& question, Way way) {
  const bool held =
      std::ranges::all_of(question.parts, [](const FitPart& part) { return part.shape.holds_q8_0; });
  if (way.cache != CacheType::kF16 || !held) return std::nullopt;
  way.cache = CacheType::kQ8_0;
  return way;
}

// The longest context that fits.
std::optional<Way> WithShorterContext(const FitQuestion& question, Way way) {
  size_t context = way.context_tokens / kContextStep * kContextStep;
  for (; context >= kContextMin; context -= kContextStep) {
    way.context_tokens = context;
    if (Fits(question, way)) return way;
  }
  return std::nullopt;
}

std::optional<Way> WithExpertsInRam(const FitQuestion& question, Way way) {
  const auto gains = [](const FitPart& part) { return part.gpu_layers != 0 && part.shape.has_experts(); };
  if (way.cpu_experts || !std::ranges::any_of(question.parts, gains)) return std::nullopt;
  way.cpu_experts = true;
  return way;
}

size_t FileOf(const FitQuestion& question, size_t part) {
  return question.parts[part].same_file.value_or(part);
}

// As many layers as fit, of the file whose part takes most of the devices.
std::optional<Way> WithFewerLayers(const FitQuestion& question, Way way) {
  size_t largest = 0;
  uint64_t most = 0;
  for (size_t i = 0; i < question.parts.size(); ++i) {
    const uint64_t bytes = NeedOf(question.parts[i], way.layers[i], way).device;
    if (bytes > most) {
      most = bytes;
      largest = FileOf(question, i);
    }
  }
  if (most == 0) return std::nullopt;
  int layers = way.layers[largest];
  if (layers == kAllLayers) layers = static_cast<int>(question.parts[largest].shape.layers.size()) + 1;
  while (layers > 0) {
    --layers;
    for (size_t i = 0; i < question.parts.size(); ++i) {
      if (FileOf(question, i) == largest) way.layers[i] = layers;
    }
    if (Fits(question, way)) return way;
  }
  return std::nullopt;
}

std::optional<Way> WithoutDevices(const FitQuestion& question, Way way) {
  if (NeedOf(question, way).device == 0) return std::nullopt;
  std::ranges::fill(way.layers, 0);
  return way;
}

// ---- Words.

std::string FlagsOf(const FitQuestion& question, const Way& way) {
  std::vector<std::string> flags;
  if (way.context_tokens != question.context_tokens) {
    flags.push_back(fmt::format("--context {}", way.context_tokens));
  }
  if (way.cache != question.cache) flags.emplace_back("--cache-type q8_0");
  if (way.cpu_experts != question.cpu_experts) flags.emplace_back("--cpu-moe");
  for (size_t i = 0; i < question.parts.size(); ++i) {
    const FitPart& part = question.parts[i];
    if (way.layers[i] == part.gpu_layers) continue;
    std::string flag = fmt::format("--{} {}", part.layers_flag, way.layers[i]);
    if (std::ranges::find(flags, flag) == flags.end()) flags.push_back(std::move(flag));
  }
  return fmt::format("{}", fmt::join(flags, " "));
}

// The ways that fit, those that change least first.
std::vector<std::string> WaysThatFit(const FitQuestion& question, const Way& now) {
  std::vector<std::string> found;
  const auto offer = [&](const std::optional<Way>& way) {
    if (!way || found.size() == kWaysMax || !Fits(question, *way)) return false;
    found.push_back(FlagsOf(question, *way));
    return true;
  };
  const auto shorter = [&](const std::optional<Way>& way) {
    return way ? WithShorterContext(question, *way) : std::nullopt;
  };
  const auto smaller = WithSmallerCache(question, now);
  const auto experts = WithExpertsInRam(question, now);
  const bool small_fits = offer(smaller);
  offer(WithShorterContext(question, now));
  if (!small_fits) offer(shorter(smaller));
  offer(experts);
  offer(WithFewerLayers(question, now));
  if (!found.empty()) return found;
  // Several together.
  for (const auto& base : {experts, WithoutDevices(question, now)}) {
    if (!base) continue;
    if (offer(base)) continue;
    const auto both = WithSmallerCache(question, *base);
    if (!offer(both) && !offer(shorter(base))) offer(shorter(both));
  }
  return found;
}

std::string Sizes(const FitQuestion& question, const Way& now) {
  const bool devices = NeedOf(question, now).device > 0;
  std::vector<std::string> parts;
  for (size_t i = 0; i < question.parts.size(); ++i) {
    const Need one = NeedOf(question.parts[i], now.layers[i], now);
    std::string text = fmt::format("{} {}", question.parts[i].name, FormatBytes(one.ram + one.device));
    if (one.device > 0) text += fmt::format(" ({} of it on the device)", FormatBytes(one.device));
    parts.push_back(std::move(text));
  }
  const Need sum = NeedOf(question, now);
  std::string totals;
  if (question.devices_share_ram) {
    totals = fmt::format("{} in all of {} of RAM, which the device shares", FormatBytes(sum.ram + sum.device),
                         FormatBytes(question.ram_bytes));
  } else {
    totals = fmt::format("{} of {} of RAM", FormatBytes(sum.ram), FormatBytes(question.ram_bytes));
    if (devices) {
      totals += fmt::format(", {} of {} on the device", FormatBytes(sum.device),
                            FormatBytes(question.device_bytes));
    }
  }
  return fmt::format("{}; {}", fmt::join(parts, "; "), totals);
}

}  // namespace

Status CheckOneSampleFits(const FitQuestion& question) {
  Way now{.cache = question.cache,
          .context_tokens = question.context_tokens,
          .cpu_experts = question.cpu_experts,
          .layers = {}};
  for (const FitPart& part : question.parts) now.layers.push_back(part.gpu_layers);
  if (Fits(question, now)) return {};
  const std::vector<std::string> ways = WaysThatFit(question, now);
  const std::string advice =
      ways.empty() ? "no shorter context or other place makes it fit: raise --memory, or take smaller models"
                   : fmt::format("it would fit with {}; or raise --memory", fmt::join(ways, ", or with "));
  return Fail(ErrorCode::kResourceLimit,
              fmt::format("does not fit in memory: not even one sample fits at context {}: {}; {}",
                          question.context_tokens, Sizes(question, now), advice));
}

}  // namespace tessy
