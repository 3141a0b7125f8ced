#include "synthesis/interview.h"

#include <fmt/format.h>

#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/utf8.h"

namespace tessy {
namespace {

// Of a wrong answer that is shown again: enough to see what is wrong.
constexpr size_t kShownMax = 2000;

class Interviewer final : public TaskSource {
 public:
  Interviewer(std::string_view again, const InterviewCallbacks& callbacks)
      : again_(again), callbacks_(callbacks) {}

  Result<std::optional<SampleTask>> Next() override {
    if (!second_.empty()) {
      SampleTask task = std::move(second_.front());
      second_.pop_front();
      return task;
    }
    auto item = callbacks_.next();
    if (!item) return tl::unexpected(item.error());
    if (!*item) return std::nullopt;
    return TaskOf((*item)->id, kFirst, {{.role = "user", .content = std::move((*item)->prompt)}});
  }
  size_t size() const override { return callbacks_.size(); }

  Status Finished(const SampleTask& task, const SampleOutcome& outcome) {
    const std::string& id = task.question->id;
    std::string flaw = outcome.done ? callbacks_.flaw(id, outcome.answer)
                                    : "no_answer: " + (outcome.failures.empty() ? std::string("unknown")
                                                                                : outcome.failures.back());
    if (flaw.empty()) {
      first_flaws_.erase(id);
      ++accepted_;
      return callbacks_.accepted(id, outcome.answer);
    }
    if (outcome.done && task.sample == kFirst) {
      AskAgain(task, outcome.answer, flaw);
      first_flaws_.emplace(id, std::move(flaw));
      return {};
    }
    std::vector<std::string> reasons{std::move(flaw)};
    if (const auto first = first_flaws_.extract(id)) reasons.insert(reasons.begin(), first.mapped());
    ++rejected_;
    return callbacks_.rejected(id, reasons, outcome.done ? outcome.answer : outcome.failed_text);
  }

  // What the run counts are answers; people want to know about items.
  void Report(RunProgress progress, const RunOptions& options) const {
    progress.samples = callbacks_.size() + options.resumed_done + options.resumed_failed;
    progress.done = options.resumed_done + accepted_;
    progress.failed = options.resumed_failed + rejected_;
    callbacks_.progress(progress);
  }

 private:
  enum Asked : uint32_t { kFirst, kAgain };

  static SampleTask TaskOf(const std::string& id, uint32_t asked, std::vector<Message> messages) {
    Question question;
    question.id = id;
    question.messages = std::move(messages);
    return {.question = std::make_shared<const Question>(std::move(question)), .sample = asked};
  }

  void AskAgain(const SampleTask& task, std::string_view answer, const std::string& flaw) {
    std::vector<Message> messages = task.question->messages;
    messages.push_back({.role = "assistant", .content = Sanitize(answer.substr(0, kShownMax))});
    messages.push_back({.role = "user", .content = fmt::format("That cannot be used: {}. {}", flaw, again_)});
    second_.push_back(TaskOf(task.question->id, kAgain, std::move(messages)));
  }

  std::string_view again_;
  const InterviewCallbacks& callbacks_;
  std::unordered_map<std::string, std::string> first_flaws_;  // of those that are asked again, by item
  std::deque<SampleTask> second_;                             // to be asked again
  size_t accepted_ = 0;
  size_t rejected_ = 0;
};

}  // namespace

RunResult Interview(boost::asio::io_context& io, Cast& cast, const SampleSettings& settings,
                    std::string_view again, const RunOptions& options, const InterviewCallbacks& callbacks) {
  Interviewer interviewer(again, callbacks);
  RunCallbacks run{.finished = [&](const SampleTask& task, const SampleOutcome& outcome,
                                   uint64_t) { return interviewer.Finished(task, outcome); },
                   .progress = {}};
  if (callbacks.progress) {
    run.progress = [&](const RunProgress& progress) { interviewer.Report(progress, options); };
  }
  return RunAll(io, cast, {.sample = settings}, interviewer, options, run);
}

}  // namespace tessy
