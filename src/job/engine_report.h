#pragma once

#include "cast/model_cast.h"
#include "job/job_events.h"

namespace tessy {

// Tells what engines and servers did during a run: requests and bytes of servers as notices, tokens and
// batches of engines for those who look closely.
void ReportEngines(const ModelCast& cast, const JobEvents& events);

}  // namespace tessy
