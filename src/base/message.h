#pragma once

#include <string>

namespace tessy {

// One turn of a conversation, as the dataset has it: no markup of any chat template in it.
struct Message {
  std::string role;  // "system", "user", "assistant", or what else the template knows
  std::string content;

  bool operator==(const Message&) const = default;
};

}  // namespace tessy
