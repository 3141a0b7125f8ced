#pragma once

#include <string>

#include "base/error.h"
#include "job/settings.h"
#include "job/synth_options.h"
#include "synthesis/method.h"

namespace tessy {

// The table of SynthOptions.
Settings SynthSettings(SynthOptions& options);

// The record of these settings in a run (RunConfiguration). Reads the files that are recorded by their
// content.
Result<std::string> RecordOf(const SynthOptions& options, const Method& method);

// A record that an earlier version made, as this one would have made it; see AsRecordedNow. `now`: RecordOf.
std::string AsRecordedNow(const SynthOptions& options, const std::string& recorded, const std::string& now);

}  // namespace tessy
