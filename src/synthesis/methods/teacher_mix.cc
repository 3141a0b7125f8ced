// teacher-mix: teacher and student take turns, response by response.

#include "synthesis/method_run.h"

namespace tessy::methods {
namespace {

boost::asio::awaitable<SampleOutcome> TakeTurns(MethodRun& run) {
  const Role role = run.task().number % 2 == 0 ? Role::kTeacher : Role::kStudent;
  return run.UntilRight(run.Solo(role), run.task());
}

constexpr Method kMethod{.name = "teacher-mix",
                         .thinker = Role::kTeacher,
                         .answerer = Role::kTeacher,
                         .needs_both = true,
                         .steps = &TakeTurns};

}  // namespace

std::span<const Method> TeacherMixMethods() { return {&kMethod, 1}; }

}  // namespace tessy::methods
