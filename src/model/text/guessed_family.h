#pragma once

#include <optional>
#include <string>

#include "model/family.h"

namespace tessy {

// A family that nobody named: DetectFamily took it by the model's template, or for want of a better one.
struct GuessedFamily {
  std::string model;          // its file or its server's address, for the message
  std::string chat_template;  // the model's own; empty: it brings none
  const Family& family;
  bool has_close_token = false;  // the vocabulary has one of the family's close tokens
  bool thinks = true;            // false: the model is asked for answers alone
};

// The line that tells a user of a family taken for want of a better one, and of those that may be better;
// nothing where there is no doubt. The families are only named, since both kinds of model are found by what
// they lack, which proves nothing. Pure.
std::optional<std::string> DoubtOf(const GuessedFamily& guessed);

// Warns of such a doubt, once for each model of this process: a model may play two roles. Any thread.
void WarnOfGuess(const GuessedFamily& guessed);

}  // namespace tessy
