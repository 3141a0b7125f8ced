#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "job/settings.h"

namespace tessy {

// The options of a selection; `SelectSettings` explains each of them.
struct SelectOptions {
  std::vector<std::string> sources;
  std::string out;
  bool fresh = false;
  bool skip_bad_lines = false;
  uint64_t dry_run = 0;
  std::string column;
  std::vector<std::string> lookup;
  double similarity = 0.8;
  std::vector<std::string> evaluations;
  uint64_t distinct = 0;
  uint64_t rows = 0;
  uint64_t seed = 0;
  int threads = 0;
};

// The table of SelectOptions.
Settings SelectSettings(SelectOptions& options);

}  // namespace tessy
