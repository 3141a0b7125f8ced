#pragma once

#include <cstddef>
#include <cstdint>

namespace tessy {

// The amounts that one rendering of a chat template may still spend. The engine has no limits, and templates
// come with models that strangers publish. An operation that may make far more than it is given (replace,
// indent, join, split, tojson, the text of a list, a text several times) is refused before it begins where
// what it would make exceeds the budget; a list that holds itself is refused as soon as it does.
struct TemplateBudget {
  uint64_t steps = 0;  // evaluations; a list that is evaluated takes one for each element too
  uint64_t bytes = 0;  // of all texts that evaluations give, and of the records of their parts
  size_t levels = 0;   // of evaluations inside one another

  // That of the rendering that this thread is at; null outside of one.
  static TemplateBudget*& Current() {
    thread_local TemplateBudget* current = nullptr;
    return current;
  }
};

}  // namespace tessy
