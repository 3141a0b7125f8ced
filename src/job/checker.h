#pragma once

#include <string>

#include "base/error.h"

namespace tessy {

// Asks a command of the user's whether a response is right: /bin/sh -c COMMAND with one line of JSON on
// standard input,
// {"id","question","answer","response","expected"}; exit status 0 says yes, 1 no. Waits for it, at most
// `seconds`. Errors: kInvalidArgument for any other status, kBackend for one that takes too long; it is
// killed.
Result<bool> AskChecker(const std::string& command, const std::string& json_line, int seconds = 60);

}  // namespace tessy
