#pragma once

#include "job/job_events.h"
#include "synthesis/mixed_cast.h"

namespace tessy {

// Tells what engines and servers did during a run: requests and bytes of servers as notices, tokens and
// batches of engines for those who look closely.
void ReportEngines(const MixedCast& cast, const JobEvents& events);

}  // namespace tessy
