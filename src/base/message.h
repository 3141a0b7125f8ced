#pragma once

#include <string>

namespace tessy {

// One turn of a conversation as the data has it, without the markup of any chat template.
struct Message {
  std::string role;  // "system", "user", "assistant", or another role that the template knows
  std::string content;

  bool operator==(const Message&) const = default;
};

}  // namespace tessy
