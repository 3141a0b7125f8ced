#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "job/settings.h"
#include "store/configuration.h"

namespace tessy {

// The recorded form of the settings that bind a run (config.json), one JSON object in one line: `kind` with
// `kind_value`, a JSON text ("\"sft\"", "1"), then one key for each setting. Files are read for their
// fingerprints.
Result<std::string> RecordOf(std::span<const Setting> settings, std::string_view kind,
                             std::string_view kind_value);

// A record that an earlier version of the program made, as this version would have made it, so that the two
// can be compared: a served model loses its server's address; a file that was recorded by its path alone, and
// is the one that is given now, gets its present content; what earlier versions did not record gets its
// present value. `now` is RecordOf the same settings. Text that is no JSON object is returned as it is. Pure.
std::string AsRecordedNow(std::span<const Setting> settings, const std::string& recorded,
                          const std::string& now);

// The meanings of settings that were not given, for those of which the table tells: by its `unset`, else by
// the default in the help, "default (what the models know)". Pure.
UnsetTexts UnsetTextsOf(std::span<const Setting> settings);

// A text among the recorded values; empty if the record is empty, damaged or has no such text. Pure.
std::string RecordedText(const std::string& recorded, std::string_view name);

}  // namespace tessy
