#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "judge/judge.h"
#include "synthesis/places.h"
#include "synthesis/sample.h"

namespace tessy {

enum class ScoreBy : uint8_t {
  kLikelihood,  // the teacher's mean log-likelihood of a token of the candidate
  kJudge,       // the last number in the teacher's answer to the judging prompt
};

// The options of methods that need more than one response (method, section 10), and whether wrong responses
// are dropped.
struct TaskSettings {
  SampleSettings sample;
  uint32_t candidates = 1;  // of teacher-score, and the responses that `judge` may refuse at most
  ScoreBy score_by = ScoreBy::kLikelihood;
  std::string judge_prompt = {};      // with {question} and {response}
  std::string reference_prompt = {};  // of teacher-reference: with {question} and {answer}
  // Decides which candidates are dropped; null: none are. It must outlive the run.
  Judge* judge = nullptr;
  // Limits how many texts are written at the same time; null: any number. It must outlive the run.
  Places* places = nullptr;
  // Called when a response starts to wait for its judgement; it has given its place back. May be empty.
  std::function<void()> judging = {};
  // Told of a response that could not be judged, and why; the response counts as wrong. May be empty.
  std::function<void(const SampleTask&, const Error&)> unjudged = {};
};

std::string_view BuiltInJudgePrompt();
std::string_view BuiltInReferencePrompt();

// Writes one response, by the steps of `settings.sample.method`. A task that is stopped while a response is
// under judgement ends with `cancelled`; a run that goes on has it judged again. The rest is as in RunSample.
boost::asio::awaitable<SampleOutcome> RunTask(Cast& cast, const TaskSettings& settings,
                                              const SampleTask& task, RunCounters& counters,
                                              const std::atomic<bool>& stop, RunStore* store = nullptr);

}  // namespace tessy
