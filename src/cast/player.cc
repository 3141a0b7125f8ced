#include "cast/player.h"

#include <fmt/format.h>

#include "cooperation/loop.h"

namespace tessy {

Status CheckPromptFits(Role role, size_t prompt_tokens, size_t context_tokens) {
  if (prompt_tokens + 1 < context_tokens) return {};
  return Fail(ErrorCode::kResourceLimit,
              fmt::format("{}: {} tokens for the {}, whose context holds {}",
                          Name(FailureReason::kPromptTooLong), prompt_tokens, Name(role), context_tokens));
}

}  // namespace tessy
