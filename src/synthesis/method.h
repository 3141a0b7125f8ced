#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "cooperation/trace.h"

namespace tessy {

// Who writes what (method, section 10). The methods that are only that.
struct Method {
  std::string_view name;
  std::optional<Role> thinker;  // none: both think, by Algorithm 1
  Role answerer = Role::kStudent;

  bool cooperative() const { return !thinker.has_value(); }
  bool Uses(Role role) const { return cooperative() || thinker == role || answerer == role; }
};

inline constexpr std::array<Method, 5> kMethods{{
    {"tessy", std::nullopt, Role::kStudent},
    {"student-only", Role::kStudent, Role::kStudent},
    {"teacher-only", Role::kTeacher, Role::kTeacher},
    {"teacher-think", Role::kTeacher, Role::kStudent},
    {"teacher-answer", Role::kStudent, Role::kTeacher},
}};

// The method of this name; the error lists the names.
Result<Method> FindMethod(std::string_view name);

}  // namespace tessy
