#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/message.h"
#include "synthesis/method.h"
#include "synthesis/sample.h"
#include "synthesis/task.h"

namespace tessy {

// One task under way: what the steps of a method are made of. It outlives the coroutines that it returns. The
// referenced objects must outlive it; all of it runs on the thread that drives the run.
class MethodRun {
 public:
  MethodRun(Cast& cast, const TaskSettings& settings, const SampleTask& task, RunCounters& counters,
            const std::atomic<bool>& stop, RunStore* store)
      : cast_(cast), settings_(settings), task_(task), counters_(counters), stop_(stop), store_(store) {}

  const Method& method() const { return settings_.sample.method; }
  const TaskSettings& settings() const { return settings_; }
  const SampleTask& task() const { return task_; }

  // The method with one role that thinks and answers.
  Method Solo(Role role) const;
  // The task with other messages in place of the question's.
  SampleTask Asking(std::vector<Message> messages) const;
  // Writes one text; `who` says who thinks and who answers. `task.candidate` tells its random numbers and its
  // place in the store from those of other texts.
  boost::asio::awaitable<SampleOutcome> Write(Method who, SampleTask task);
  // The mean log-likelihood that the teacher gives a token of the response.
  boost::asio::awaitable<Result<double>> LikelihoodOf(const SampleOutcome& outcome);
  // Whether the judge finds the response right; true without a judge. Sets `cancelled`, and takes `done`
  // back, where the run is stopped before anything is known.
  boost::asio::awaitable<bool> IsRight(SampleOutcome& outcome);
  // Writes until the judge says that the response is right, at most `settings().candidates` times.
  boost::asio::awaitable<SampleOutcome> UntilRight(Method who, SampleTask task);

  // The text of a response that is done and is then not kept, for `failed_text`.
  std::string TextOf(const SampleOutcome& outcome) const;
  // Counts what a text has cost that is not kept with the one that is.
  static void Inherit(SampleOutcome& kept, const SampleOutcome& lost);

 private:
  boost::asio::awaitable<std::optional<Places::Held>> TakePlace();

  Cast& cast_;
  const TaskSettings& settings_;
  const SampleTask& task_;
  RunCounters& counters_;
  const std::atomic<bool>& stop_;
  RunStore* store_;
};

// Why a sample failed that no candidate was right for.
inline constexpr const char* kNoRightAnswer = "no_right_answer";

}  // namespace tessy
