#pragma once

#include <string>

#include "base/error.h"

namespace tessy {

// Writes a key and a certificate that it signs itself, for 127.0.0.1 and localhost, as PEM files; valid for a
// day.
Status WriteSelfSigned(const std::string& certificate_file, const std::string& key_file);

}  // namespace tessy
