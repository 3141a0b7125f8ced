#pragma once

#include <string_view>

namespace tessy {

// The choice that official graders of GPQA read in the text after the thinking, as it stands there; '\0' if
// they read none. They differ from ours (ChoiceIn) on purpose: a report counts where. Pure, in time
// proportional to the text.

// simple-evals (ee3b031): the first "answer" (in any case) that is followed by ":", perhaps a dollar sign,
// and a letter A to D, with spaces and tabs before and after the colon. The comparison that follows there
// takes capitals only, in OpenCompass, too.
char SimpleEvalsChoice(std::string_view text);

// OpenCompass (a5acc4b): the same with any whitespace, and without the dollar sign.
char OpenCompassChoice(std::string_view text);

}  // namespace tessy
