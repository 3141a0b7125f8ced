// Methods that write one text: they differ in who thinks and who answers.
#include <array>

#include "synthesis/method_run.h"

namespace tessy::methods {
namespace {

boost::asio::awaitable<SampleOutcome> WriteOnce(MethodRun& run) {
  return run.UntilRight(run.method(), run.task());
}

constexpr std::array<Method, 5> kTable{{
    {.name = "tessy", .thinker = std::nullopt, .answerer = Role::kStudent, .steps = &WriteOnce},
    {.name = "student-only", .thinker = Role::kStudent, .answerer = Role::kStudent, .steps = &WriteOnce},
    {.name = "teacher-only", .thinker = Role::kTeacher, .answerer = Role::kTeacher, .steps = &WriteOnce},
    {.name = "teacher-think", .thinker = Role::kTeacher, .answerer = Role::kStudent, .steps = &WriteOnce},
    {.name = "teacher-answer", .thinker = Role::kStudent, .answerer = Role::kTeacher, .steps = &WriteOnce},
}};

}  // namespace

std::span<const Method> WriteOnceMethods() { return kTable; }

}  // namespace tessy::methods
