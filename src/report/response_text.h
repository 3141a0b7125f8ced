#pragma once

#include <string>

#include "dataset/response.h"

namespace tessy {

// One response for a terminal: the question, the thinking with its spans told apart, the answer, and a line
// of figures. With colour by ANSI colours that read on dark and on light; without, by ‹S …› and ‹T …›.
// Nothing from the response reaches the output as a control character.
std::string RenderText(const Response& response, bool colour);

}  // namespace tessy
