#include "synthesis/annotate.h"

#include <fmt/format.h>

#include <deque>
#include <memory>
#include <unordered_map>

#include "base/utf8.h"
#include "dataset/style_spans.h"
#include "embedded/annotate.h"
#include "synthesis/prompt.h"

namespace tessy {
namespace {

// Of a wrong answer that is shown again: enough to see what is wrong.
constexpr size_t kShownMax = 2000;

class Interview {
 public:
  Interview(std::span<const WindowQuestion> windows, std::string_view prompt,
            const AnnotateCallbacks& callbacks)
      : windows_(windows), callbacks_(callbacks) {
    for (size_t i = 0; i < windows.size(); ++i) {
      places_.emplace(windows[i].id, i);
      tasks_.push_back(
          TaskOf(windows[i].id, kFirst,
                 {{.role = "user", .content = FillIn(prompt, {{"{window}", windows[i].text}})}}));
    }
  }

  const std::deque<SampleTask>& tasks() const { return tasks_; }

  Status Finished(const SampleTask& task, const SampleOutcome& outcome) {
    const size_t window = places_.at(task.question->id);
    std::vector<std::string>& reasons = reasons_[window];
    if (!outcome.done) {
      reasons.push_back("no_answer: " + (outcome.failures.empty() ? "unknown" : outcome.failures.back()));
      return callbacks_.rejected(window, reasons, outcome.failed_text);
    }
    const auto spans = LocateStyle(windows_[window].text, outcome.answer);
    if (spans) return callbacks_.accepted(window, *spans);
    reasons.push_back(spans.error().message);
    if (task.sample != kFirst) return callbacks_.rejected(window, reasons, outcome.answer);
    AskAgain(task, outcome.answer, spans.error().message);
    return {};
  }

 private:
  enum Asked : uint32_t { kFirst, kAgain };

  static SampleTask TaskOf(const std::string& id, uint32_t asked, std::vector<Message> messages) {
    Question question;
    question.id = id;
    question.messages = std::move(messages);
    return {.question = std::make_shared<const Question>(std::move(question)), .sample = asked};
  }

  void AskAgain(const SampleTask& task, std::string_view answer, const std::string& reason) {
    std::vector<Message> messages = task.question->messages;
    messages.push_back({.role = "assistant", .content = Sanitize(answer.substr(0, kShownMax))});
    messages.push_back(
        {.role = "user",
         .content =
             fmt::format("That cannot be used: {}. Answer again: only the JSON array of pieces that stand in "
                         "the excerpt, letter for letter and in order.",
                         reason)});
    tasks_.push_back(TaskOf(task.question->id, kAgain, std::move(messages)));
  }

  std::span<const WindowQuestion> windows_;
  const AnnotateCallbacks& callbacks_;
  std::unordered_map<std::string, size_t> places_;
  std::unordered_map<size_t, std::vector<std::string>> reasons_;
  std::deque<SampleTask> tasks_;
};

}  // namespace

std::string_view BuiltInAnnotatePrompt() { return embedded::annotate::kAnnotatePromptTxt; }

RunResult AnnotateWindows(boost::asio::io_context& io, Cast& cast, const SampleSettings& settings,
                          std::span<const WindowQuestion> windows, std::string_view prompt,
                          const RunOptions& options, const AnnotateCallbacks& callbacks) {
  Interview interview(windows, prompt, callbacks);
  const RunCallbacks run{.finished = [&interview](const SampleTask& task, const SampleOutcome& outcome,
                                                  uint64_t) { return interview.Finished(task, outcome); },
                         .progress = callbacks.progress};
  return RunAll(io, cast, {.sample = settings}, interview.tasks(), options, run);
}

}  // namespace tessy
