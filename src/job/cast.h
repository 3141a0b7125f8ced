#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "cast/model_cast.h"
#include "cooperation/session.h"
#include "job/common_settings.h"

namespace tessy {

// How jobs reach the models that they are given.

struct ServedBy {
  std::string flag;                // "teacher": what was typed before the addresses, for messages
  std::vector<std::string> specs;  // the addresses
  ServerOptions servers;
  std::string vocabulary = {};                 // see ServerModelOptions
  const char* key_variable = "TESSY_API_KEY";  // of the environment; that one also where this is not set
  bool streams = true;
};

// The options with which a served model is reached. Family, template and sampling are those that `local` has
// for the role. Keys come from the environment alone, so that no process list and no settings file shows
// them; blanks around a key are taken off, and one that cannot stand in a header is kInvalidArgument.
Result<ServerModelOptions> ServerOptionsOf(const ServedBy& served, Role role, const CastOptions& local);
// How a predictor that is served is reached.
Result<PoolingModelOptions> PoolingOptionsOf(const ServedBy& served);

}  // namespace tessy
