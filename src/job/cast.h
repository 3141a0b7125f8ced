#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "cast/driving_thread.h"
#include "cast/model_cast.h"
#include "cooperation/session.h"
#include "job/common_settings.h"
#include "job/job_events.h"

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

// The options with which a served model is reached. Family, template, thinking and sampling are those that
// `local` has for the role. Keys come from the environment alone, so that no process list and no settings
// file shows them; blanks around a key are taken off, and one that cannot stand in a header is
// kInvalidArgument.
Result<ServerModelOptions> ServerOptionsOf(const ServedBy& served, Role role, const CastOptions& local);
// How a predictor that is served is reached.
Result<PoolingModelOptions> PoolingOptionsOf(const ServedBy& served);

// Puts what people tell of engines in process into the options of a cast. Errors name the flag.
Status UseEngine(const EnginesOptions& engine, CastOptions& cast);

// ModelCast::Load with threads that the machine has. Tells `events` of threads that were cut.
Result<std::unique_ptr<ModelCast>> LoadCast(CastOptions options, const DrivingThread& thread,
                                            const JobEvents& events);

// Tells what memory the models in this process take, once nothing else stands in the way of the work.
void TellPlan(const ModelCast& cast, const JobEvents& events);

}  // namespace tessy
