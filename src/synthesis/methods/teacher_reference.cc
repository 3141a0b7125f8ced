// teacher-reference: the teacher answers, and the student writes with that answer before it.
#include <utility>

#include "synthesis/method_run.h"
#include "synthesis/prompt.h"

namespace tessy::methods {
namespace {

boost::asio::awaitable<SampleOutcome> WriteWithReference(MethodRun& run) {
  SampleOutcome reference = co_await run.Write(run.Solo(Role::kTeacher), run.task());
  if (!reference.done) co_return reference;
  std::vector<Message> messages = run.task().question->messages;
  messages.back().content = FillIn(run.settings().reference_prompt,
                                   {{"{question}", messages.back().content}, {"{answer}", reference.answer}});
  SampleOutcome outcome = co_await run.UntilRight(run.Solo(Role::kStudent), run.Asking(std::move(messages)));
  MethodRun::Inherit(outcome, reference);
  co_return outcome;
}

constexpr Method kMethod{.name = "teacher-reference",
                         .thinker = Role::kStudent,
                         .answerer = Role::kStudent,
                         .needs_both = true,
                         .steps = &WriteWithReference};

}  // namespace

std::span<const Method> TeacherReferenceMethods() { return {&kMethod, 1}; }

}  // namespace tessy::methods
