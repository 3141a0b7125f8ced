#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "cast/model_cast.h"
#include "job/asked_model.h"
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
  AskedModel teacher;                 // without a model nobody is asked
  std::string retry_failed;           // "all", or how the reasons begin
  bool accept_config_change = false;  // decisions stay that the teacher made with other settings
};

// The table of SelectOptions.
Settings SelectSettings(SelectOptions& options);
// The part of it that binds the teacher's decisions.
Settings TeacherSettings(SelectOptions& options);

// Checks of the options that look at no file; errors name the flag.
Status CheckOptions(const SelectOptions& options);
// The cast that has the teacher.
Result<CastOptions> CastOptionsOf(const SelectOptions& options);

// Threads that compare questions; 0: as many as there are processors.
inline int ThreadsOf(const SelectOptions& options) { return options.teacher.engine.machine.threads; }

}  // namespace tessy
