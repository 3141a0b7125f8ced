#pragma once

#include <functional>
#include <memory>

#include "judge/code_extraction.h"
#include "judge/judge.h"
#include "judge/program_runner.h"

namespace tessy {

// Judges programs on several threads, each with a box of its own. Boxes are opened when they are first
// needed.
//
// All calls, and the callbacks, on the thread that drives the run.
class CodePool {
 public:
  // Brings a callback to the driving thread; callable from any thread until the pool is gone.
  using Post = Judge::Post;
  // The errors of ProgramRunner::Judge.
  using Done = std::function<void(Result<CodeVerdict>)>;

  // `workers`: 0 stands for as many as there are processors; never more than these, since a busy neighbour
  // costs a program its time. `post` must outlive the pool.
  CodePool(RunnerOptions options, int workers, Post post);
  // Ends what runs, and waits for that. Callbacks that have not run never will.
  ~CodePool();
  CodePool(const CodePool&) = delete;
  CodePool& operator=(const CodePool&) = delete;

  // `done` is called once, later, never from within this call.
  void Run(CodeTask task, Done done);
  // Ends all that was asked for before this call with kCancelled.
  void Cancel();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

struct CodeJudgeOptions {
  RunnerOptions runner = {};
  int workers = 0;  // see CodePool
  CodeRule rule = CodeRule::kLastFence;
  Language language = Language::kPython;
  CodeLimits limits = {};
  OutputRule compares = OutputRule::kLines;
};

// Runs the program of an answer on the tests that the question's row brings (CodeTestsOf). An answer without
// a program is wrong.
//
// Errors: kNotFound where the question brings no tests, or a program of the machine is missing; kInvalidData
// where its tests cannot be read; kUnavailable, there is no sandbox; kBackend, the sandbox failed.
class CodeJudge final : public Judge {
 public:
  CodeJudge(CodeJudgeOptions options, Post post);

  void Ask(const Question& question, const JudgedResponse& response, Done done) override;
  void Cancel() override { pool_.Cancel(); }

 private:
  CodeJudgeOptions options_;
  Post post_;
  CodePool pool_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>();  // callbacks run while it is there
};

}  // namespace tessy
