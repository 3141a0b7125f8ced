#include "synthesis/task.h"

#include "embedded/prompts.h"
#include "synthesis/method_run.h"

namespace tessy {

std::string_view BuiltInJudgePrompt() { return embedded::prompts::kJudgePromptTxt; }
std::string_view BuiltInReferencePrompt() { return embedded::prompts::kReferencePromptTxt; }

boost::asio::awaitable<SampleOutcome> RunTask(Cast& cast, const TaskSettings& settings,
                                              const SampleTask& task, RunCounters& counters,
                                              const std::atomic<bool>& stop, RunStore* store) {
  MethodRun run(cast, settings, task, counters, stop, store);
  co_return co_await settings.sample.method.steps(run);
}

}  // namespace tessy
