#pragma once

#include <cstddef>
#include <cstdint>

namespace tessy {

// The amounts that one rendering of a chat template may still spend. The engine has no limits, and templates
// come with models that strangers publish.
struct TemplateBudget {
  uint64_t steps = 0;  // evaluations; a list that is evaluated takes one for each element too
  uint64_t bytes = 0;  // of all texts that evaluations give
  size_t levels = 0;   // of evaluations inside one another

  // That of the rendering that this thread is at; null outside of one.
  static TemplateBudget*& Current() {
    thread_local TemplateBudget* current = nullptr;
    return current;
  }
};

}  // namespace tessy
