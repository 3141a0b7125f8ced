#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace tessy {

// The path of a file or folder that is shipped with the program, for instance "lab/models". It is looked for
// in `share/tessy` beside the program's `bin` folder (an installed tessy), then in the folders above the
// program (a build inside its source tree). kNotFound names the places that were tried.
Result<std::string> ShippedFile(std::string_view relative);

}  // namespace tessy
