#include "job/common_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <iterator>
#include <string_view>
#include <utility>

#include "model/family.h"
#include "model/llama/accelerators.h"
#include "model/openai/dialect.h"

namespace tessy {
namespace {

Choices DialectChoices() {
  Choices choices = DialectNames();
  choices.insert(choices.begin(), "auto");
  return choices;
}

constexpr std::string_view kAll = "all";
constexpr std::string_view kAllAsNumber = "-1";  // as llama.cpp has it
constexpr int kLayersMax = 100000;

std::string CheckLayers(const std::string& text) {
  int layers = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, layers);
  const bool number = error == std::errc() && stop == end && layers >= 0 && layers <= kLayersMax;
  if (number || text == kAll || text == kAllAsNumber) return "";
  return fmt::format("{} is neither \"all\" nor a whole number from 0 to {}", text, kLayersMax);
}

}  // namespace

Settings ServerSettings(ServerOptions& o) {
  const std::string group = "Servers";
  Settings settings{
      {.key = "dialect",
       .value = &o.dialect,
       .help = "of the servers; auto: each is asked",
       .group = group,
       .range = DialectChoices()},
      {.key = "ca-file",
       .value = &o.ca_file,
       .help = "certificates to trust for https (default: CURL_CA_BUNDLE, SSL_CERT_FILE or the system's)",
       .group = group,
       .type_name = "FILE"},
      {.key = "requests-per-server",
       .value = &o.requests_max,
       .help = "requests to a server at a time, for each model; a server that refuses gets fewer",
       .group = group,
       .range = WholeRange{1, 1000000}},
      {.key = "server-retries",
       .value = &o.retries,
       .help = "of a request that broke off, with growing pauses",
       .group = group,
       .range = WholeRange{0, 1000}}};
  const auto seconds = [&](const char* key, double& value, const char* help) {
    settings.push_back({.key = key,
                        .value = &value,
                        .help = help,
                        .group = group,
                        .range = RealRange{0.001, 1e7},
                        .type_name = "SECONDS"});
  };
  seconds("connect-timeout", o.connect_timeout, "for a connection");
  seconds("first-token-timeout", o.first_token_timeout, "a request may wait for its turn");
  seconds("token-timeout", o.token_timeout, "between tokens, once they come; for a predictor's answer");
  seconds("retry-pause", o.retry_pause, "before a request's first retry, doubled for each");
  seconds("patience", o.patience, "without any server that answers, before the run stops (to be resumed)");
  return settings;
}

Settings MachineSettings(MachineOptions& o) {
  const std::string group = "Engine";
  return {{.key = "threads",
           .value = &o.threads,
           .help = "threads of each engine (default: 1 for small models, half the cores for others)",
           .group = group,
           .range = WholeRange{1, 1024},
           .type_name = "N",
           .shows_default = false},
          GpuLayersSetting("gpu-layers", o.gpu_layers,
                           "layers of each model on graphics cards, counted from the output, or all "
                           "(default: all where this program finds a card, else 0; with --exact 0)"),
          {.key = "cpu-moe",
           .value = &o.cpu_experts,
           .help = "the experts' matrices of a mixture stay in RAM, whatever the layers",
           .group = group},
          {.key = "memory",
           .value = &o.memory_gib,
           .help = "budget for weights and caches (default: 3/4 of what is free)",
           .group = group,
           .range = RealRange{0.0, 1e9},
           .type_name = "GIB",
           .shows_default = false}};
}

Setting GpuLayersSetting(const char* key, std::string& value, const char* help) {
  return {.key = key,
          .value = &value,
          .help = help,
          .group = "Engine",
          .range = &CheckLayers,
          .type_name = "LAYERS",
          .shows_default = false};
}

std::optional<int> GpuLayersOf(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text == kAll || text == kAllAsNumber ? kAllLayers : std::stoi(text);
}

Setting CacheTypeSetting(EnginesOptions& o, Recorded recorded) {
  recorded.applies = recorded.applies && o.cache_type != "f16";
  recorded.unset = "f16";
  return {.key = "cache-type",
          .value = &o.cache_type,
          .help = "of the attention caches; q8_0 takes 17/32 of f16's memory (with --exact: f32)",
          .group = "Engine",
          .range = Choices{"f16", "q8_0"},
          .recorded = std::move(recorded)};
}

Settings EngineSettings(EnginesOptions& o, const EngineHelp& help, uint64_t concurrency_max,
                        const Recorded& recorded) {
  const std::string group = "Engine";
  Settings settings{
      {.key = "exact", .value = &o.exact, .help = help.exact, .group = group, .recorded = recorded},
      {.key = "concurrency",
       .value = &o.concurrency,
       .help = help.concurrency,
       .group = group,
       .range = WholeRange{1, concurrency_max},
       .type_name = "N",
       .shows_default = false}};
  Append(settings, MachineSettings(o.machine));
  settings.push_back(CacheTypeSetting(o, recorded));
  settings.push_back({.key = "context",
                      .value = &o.context,
                      .help = help.context,
                      .group = group,
                      .range = WholeRange{16, kTokensMax},
                      .type_name = "N",
                      .shows_default = false,
                      .recorded = recorded});
  return settings;
}

Settings MessageSettings(MessageOptions& o) {
  const std::string group = "Messages";
  return {{.key = "progress",
           .value = &o.progress,
           .help = "auto, none, plain or bar",
           .group = group,
           .range = Choices{"auto", "none", "plain", "bar"}},
          {.key = "log-level",
           .value = &o.log_level,
           .help = "debug, info, warning, error",
           .group = group,
           .range = Choices{"debug", "info", "warning", "error"}}};
}

Settings SamplingSettings(Sampling& sampling) {
  const std::string group = "Sampling";
  const Recorded value{.as = Fingerprint::kValue};
  return {{.key = "temperature",
           .value = &sampling.temperature,
           .help = "0: always the most probable token",
           .group = group,
           .range = RealRange{0.0, 100.0},
           .recorded = value},
          {.key = "top-p",
           .value = &sampling.top_p,
           .help = "1: off",
           .group = group,
           .range = RealRange{0.0001, 1.0},
           .recorded = value},
          {.key = "top-k",
           .value = &sampling.top_k,
           .help = "0: off",
           .group = group,
           .range = WholeRange{0, 100000000},
           .recorded = value}};
}

std::string FamilyHelp() {
  return fmt::format("{} or a .toml (default: by template)", fmt::join(BuiltInFamilies(), ", "));
}

void Append(Settings& settings, Settings more) {
  settings.insert(settings.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace tessy
