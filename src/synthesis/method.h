#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "cooperation/trace.h"

namespace tessy {

// The steps that a response takes besides one role that thinks and one that answers.
enum class Plan : uint8_t {
  kOnce,       // no other steps
  kAlternate,  // teacher and student take turns, response by response
  kBestOf,     // the teacher scores the student's candidates
  kReference   // the student writes with the teacher's answer before it
};

// The roles that write the parts of a response (method, section 10).
struct Method {
  std::string_view name;
  std::optional<Role> thinker;  // none: both think, by Algorithm 1
  Role answerer = Role::kStudent;
  Plan plan = Plan::kOnce;

  bool cooperative() const { return !thinker.has_value(); }
  bool Uses(Role role) const {
    return plan != Plan::kOnce || cooperative() || thinker == role || answerer == role;
  }
};

inline constexpr std::array<Method, 8> kMethods{{
    {"tessy", std::nullopt, Role::kStudent},
    {"student-only", Role::kStudent, Role::kStudent},
    {"teacher-only", Role::kTeacher, Role::kTeacher},
    {"teacher-think", Role::kTeacher, Role::kStudent},
    {"teacher-answer", Role::kStudent, Role::kTeacher},
    {"teacher-mix", Role::kTeacher, Role::kTeacher, Plan::kAlternate},
    {"teacher-score", Role::kStudent, Role::kStudent, Plan::kBestOf},
    {"teacher-reference", Role::kStudent, Role::kStudent, Plan::kReference},
}};

// The method of this name; the error lists the names.
Result<Method> FindMethod(std::string_view name);

}  // namespace tessy
