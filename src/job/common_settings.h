#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "job/settings.h"
#include "model/sampling.h"

namespace tessy {

// The most that a budget of tokens may be.
inline constexpr uint64_t kTokensMax = 100000000;

// Settings that jobs share, each with one key, range and help.

// The options of servers besides their addresses. Times in seconds.
struct ServerOptions {
  std::string dialect = "auto";
  std::string ca_file;
  int requests_max = 4096;
  int retries = 6;
  double connect_timeout = 10, first_token_timeout = 600, token_timeout = 60;
  double patience = 600;
  double retry_pause = 0.25;
};

// How engines in process use the machine. 0: the default that the help names.
struct MachineOptions {
  int threads = 0;
  std::string gpu_layers;
  bool cpu_experts = false;
  double memory_gib = 0.0;
};

// How models in process are run.
struct EnginesOptions {
  bool exact = false;  // arithmetic that does not depend on the batch
  std::string cache_type = "f16";
  int concurrency = 0;  // samples or windows at a time; 0: the default that the help names
  MachineOptions machine;
  uint64_t context = 0;  // tokens of one; 0: the default that the help names
};

// The messages that are shown while the program runs.
struct MessageOptions {
  std::string progress = "auto";
  std::string log_level = "warning";
};

Settings ServerSettings(ServerOptions& options);
Settings MachineSettings(MachineOptions& options);
// The layers of a model that accelerators keep, a number or "all"; `key` is the flag. Binds nothing.
Setting GpuLayersSetting(const char* key, std::string& value, const char* help);
// As the setting's text says it. Nothing for an empty one.
std::optional<int> GpuLayersOf(const std::string& text);
// The type of caches. It binds a run as `recorded` says, where it is not the default, which runs of older
// programs have.
Setting CacheTypeSetting(EnginesOptions& options, Recorded recorded);
// How the help of one job explains the settings of its engines.
struct EngineHelp {
  const char* exact;
  const char* concurrency;
  const char* context;
};
// exact, concurrency (at most `concurrency_max`), those of the machine, cache-type, and context. `recorded`
// holds for exact, cache-type and context.
Settings EngineSettings(EnginesOptions& options, const EngineHelp& help, uint64_t concurrency_max,
                        const Recorded& recorded);
Settings MessageSettings(MessageOptions& options);
// temperature, top-p and top-k.
Settings SamplingSettings(Sampling& sampling);

// The help for a family's setting, which names the built-in ones.
std::string FamilyHelp();

void Append(Settings& settings, Settings more);

}  // namespace tessy
