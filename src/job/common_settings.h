#pragma once

#include <string>

#include "job/settings.h"
#include "model/sampling.h"

namespace tessy {

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
  int gpu_layers = 0;
  double memory_gib = 0.0;
};

// The messages that are shown while the program runs.
struct MessageOptions {
  std::string progress = "auto";
  std::string log_level = "warning";
};

Settings ServerSettings(ServerOptions& options);
Settings MachineSettings(MachineOptions& options);
Settings MessageSettings(MessageOptions& options);
// temperature, top-p and top-k.
Settings SamplingSettings(Sampling& sampling);

// The help for a family's setting, which names the built-in ones.
std::string FamilyHelp();

// The threads of MachineOptions or of a training: no more than there are processors for this process, because
// more make every batch many times slower. `cut` says so in one line where it takes some away, else it is
// empty.
int ThreadsWithin(int asked, std::string& cut);

void Append(Settings& settings, Settings more);

}  // namespace tessy
