#include "job/cast.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/blanks.h"
#include "base/machine.h"
#include "base/readable_file.h"

namespace tessy {
namespace {

// A key as it goes into a header: what was copied with it, blanks and the end of its line, is taken off.
Result<std::string> KeyIn(const char* variable) {
  for (const char* name : {variable, "TESSY_API_KEY"}) {
    const char* value = std::getenv(name);
    const std::string_view key = WithoutBlanksAround(value == nullptr ? "" : value);
    if (key.empty()) continue;
    if (std::ranges::any_of(key, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; })) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: the key has a line break or another control character in it", name));
    }
    return std::string(key);
  }
  return std::string();
}

int64_t Milliseconds(double seconds) { return std::llround(seconds * 1000.0); }

int WholeSeconds(double seconds) { return std::max(1, static_cast<int>(std::ceil(seconds))); }

Result<std::vector<ServerAddress>> AddressesOf(const ServedBy& served) {
  std::vector<ServerAddress> addresses;
  for (const std::string& spec : served.specs) {
    auto address = ServerAddress::Parse(spec);
    if (!address) {
      return Fail(address.error().code, fmt::format("--{} {}", served.flag, address.error().message));
    }
    addresses.push_back(std::move(*address));
  }
  return addresses;
}

// What models and predictors behind servers have in common.
template <class Options>
Result<Options> ReachedAs(const ServedBy& served) {
  auto addresses = AddressesOf(served);
  if (!addresses) return tl::unexpected(addresses.error());
  auto key = KeyIn(served.key_variable);
  if (!key) return tl::unexpected(key.error());
  const ServerOptions& told = served.servers;
  if (auto status = CheckReadable(told.ca_file); !status) {
    return Fail(status.error().code, fmt::format("--ca-file {}", status.error().message));
  }
  Options options;
  options.addresses = std::move(*addresses);
  options.vocabulary = served.vocabulary;
  options.http = {.bearer_token = std::move(*key), .ca_file = told.ca_file};
  options.retries_max = static_cast<uint32_t>(told.retries);
  options.connect_seconds = WholeSeconds(told.connect_timeout);
  options.retry_pause_ms = Milliseconds(told.retry_pause);
  options.check_pause_ms = std::max<int64_t>(1, options.retry_pause_ms);
  options.patience_ms = Milliseconds(told.patience);
  return options;
}

}  // namespace

Result<ServerModelOptions> ServerOptionsOf(const ServedBy& served, Role role, const CastOptions& local) {
  auto server = ReachedAs<ServerModelOptions>(served);
  if (!server) return server;
  const ServerOptions& told = served.servers;
  server->dialect = told.dialect;
  server->family = local.families[Index(role)];
  server->template_options = local.template_options[Index(role)];
  server->thinks = local.thinks;
  server->sampling = local.sampling;
  server->streams = served.streams;
  server->requests_max = told.requests_max;
  server->first_token_ms = Milliseconds(told.first_token_timeout);
  server->token_ms = Milliseconds(told.token_timeout);
  return server;
}

Result<PoolingModelOptions> PoolingOptionsOf(const ServedBy& served) {
  auto predictor = ReachedAs<PoolingModelOptions>(served);
  if (predictor) predictor->answer_ms = Milliseconds(served.servers.token_timeout);
  return predictor;
}

Status UseEngine(const EnginesOptions& engine, CastOptions& cast) {
  cast.concurrency = engine.concurrency;
  cast.context_tokens = engine.context;
  cast.memory_bytes =
      static_cast<uint64_t>(engine.machine.memory_gib * static_cast<double>(uint64_t{1} << 30));
  cast.threads = engine.machine.threads;
  for (const Role role : kRoles) {
    const LayersAsked asked{.layers = GpuLayersOf(engine.machine.gpu_layers)};
    cast.layers[Index(role)] = asked;
    cast.boundary_layers[Index(role)] = asked;
  }
  cast.cpu_experts = engine.machine.cpu_experts;
  cast.cache_type = engine.cache_type == "q8_0" ? CacheType::kQ8_0 : CacheType::kF16;
  cast.exact = engine.exact;
  if (!engine.exact || cast.cache_type == CacheType::kF16) return {};
  return Fail(
      ErrorCode::kInvalidArgument,
      "--cache-type q8_0: needs flash attention, which --exact does without; leave one of the two out");
}

Result<std::unique_ptr<ModelCast>> LoadCast(CastOptions options, const DrivingThread& thread,
                                            const JobEvents& events) {
  std::string cut;
  options.threads = ThreadsWithin(options.threads, cut);
  if (!cut.empty()) Tell(events.warning, cut);
  return ModelCast::Load(options, thread);
}

void TellPlan(const ModelCast& cast, const JobEvents& events) {
  if (!cast.plan().lines.empty()) Tell(events.notice, fmt::format("memory: {}", cast.plan().Describe()));
}

}  // namespace tessy
