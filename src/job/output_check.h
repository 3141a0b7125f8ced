#pragma once

#include <optional>
#include <span>

#include "base/error.h"
#include "job/settings.h"
#include "store/output_guard.h"

namespace tessy {

// CheckOutputs of what a job writes (--out, its folder, what lies beside it for a moment, and --verdicts)
// against all that its settings name: files, folders, phrases, every part of a split model; and against one
// more input. A result must not lie in a folder of tables that is read, nor match a pattern, either.
Status CheckOutputs(std::span<const Setting> settings, const std::optional<NamedPath>& more = std::nullopt);

}  // namespace tessy
