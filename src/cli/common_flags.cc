#include "cli/common_flags.h"

#include "cli/validators.h"

namespace tessy {

void AddMessageFlags(CLI::App& command, std::string& progress, std::string& log_level) {
  command.add_option("--progress", progress, "auto, none, plain or bar")
      ->check(CLI::IsMember({"auto", "none", "plain", "bar"}))
      ->capture_default_str()
      ->group("Messages");
  command.add_option("--log-level", log_level, "debug, info, warning, error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str()
      ->group("Messages");
}

void AddSamplingFlags(CLI::App& command, Sampling& sampling) {
  command.add_option("--temperature", sampling.temperature, "0: always the most probable token")
      ->check(Number(0.0, 100.0))
      ->capture_default_str()
      ->group("Sampling");
  command.add_option("--top-p", sampling.top_p, "1: off")
      ->check(Number(0.0001, 1.0))
      ->capture_default_str()
      ->group("Sampling");
  command.add_option("--top-k", sampling.top_k, "0: off")
      ->check(CLI::Range(0, 100000000))
      ->capture_default_str()
      ->group("Sampling");
}

void AddMachineFlags(CLI::App& command, int& threads, int& gpu_layers, double& memory_gib) {
  command
      .add_option("--threads", threads,
                  "threads of each engine (default: 1 for small models, half the cores for others)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N")
      ->group("Engine");
  command.add_option("--gpu-layers", gpu_layers, "layers on an accelerator, -1: all")
      ->check(CLI::Range(-1, 100000))
      ->group("Engine");
  command.add_option("--memory", memory_gib, "budget for weights and caches (default: 3/4 of what is free)")
      ->check(Number(0.0, 1e9))
      ->type_name("GIB")
      ->group("Engine");
}

}  // namespace tessy
