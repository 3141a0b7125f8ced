#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "job/settings.h"

namespace tessy {

// Reads a TOML run file into the settings: every key is the key of a setting ("top-p", or "top_p"). Settings
// for which `is_given` says true keep their value. Errors name file, line and key.
Status ApplyRunFile(std::span<const Setting> settings, const std::string& path,
                    const std::function<bool(std::string_view key)>& is_given = {});

}  // namespace tessy
