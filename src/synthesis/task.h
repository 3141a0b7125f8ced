#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "synthesis/sample.h"

namespace tessy {

enum class ScoreBy : uint8_t {
  kLikelihood,  // the teacher's mean log-likelihood of a token of the candidate
  kJudge,       // the last number in the teacher's answer to the judging prompt
};

// How the methods that need more than one response come to theirs (method, section 10), and whether wrong
// ones are dropped.
struct TaskSettings {
  SampleSettings sample;
  uint32_t candidates = 1;  // of teacher-score, and what `is_right` may refuse in vain
  ScoreBy score_by = ScoreBy::kLikelihood;
  std::string judge_prompt = {};      // with {question} and {response}
  std::string reference_prompt = {};  // of teacher-reference: with {question} and {answer}
  // Drops candidates; empty: none.
  std::function<bool(const SampleTask&, const SampleOutcome&)> is_right = {};
};

std::string_view BuiltInJudgePrompt();
std::string_view BuiltInReferencePrompt();

// One response by any method. teacher-mix takes turns by the task's number; teacher-score keeps the best of
// the candidates; teacher-reference lets the student write with the teacher's answer before it. Other methods
// write until is_right says yes, at most `candidates` times. As RunSample for the rest.
boost::asio::awaitable<SampleOutcome> RunTask(Cast& cast, const TaskSettings& settings,
                                              const SampleTask& task, RunCounters& counters,
                                              const std::atomic<bool>& stop, RunStore* store = nullptr);

}  // namespace tessy
