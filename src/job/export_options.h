#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "dataset/formats/format.h"
#include "job/settings.h"

namespace tessy {

// The options of an export; `ExportSettings` explains each of them. 0 or empty is the default that the help
// names.
struct ExportOptions {
  std::vector<std::string> responses;
  std::string format;
  std::string out;
  std::string template_of;
  std::string family;
  std::string template_date;
  std::string checkpoint;
  bool skip_bad_lines = false;

  std::string train_on = "all";
  double style_weight = 1.0;
  std::string system;
  std::vector<std::string> mix;

  uint64_t tokens_max = 40960;
  uint64_t tokens_min = 0;
  std::string keep = "all";
  std::string questions;
  std::vector<std::string> methods;
  std::vector<std::string> closed_by;
  uint64_t per_question = 0;
};

// The table of ExportOptions.
Settings ExportSettings(ExportOptions& options);

// Errors name the flag: something is missing, or the format cannot say what is asked of it.
Status CheckOptions(const ExportOptions& options);

// Options that CheckOptions has passed.
const ExportFormat& FormatOf(const ExportOptions& options);
LossWeights WeightsOf(const ExportOptions& options);
// How the trainer treats the rows.
const Handling& HandlingOf(const ExportOptions& options);

}  // namespace tessy
