#pragma once

#include <chrono>
#include <string>

#include "base/child_pool.h"
#include "judge/judge.h"

namespace tessy {

struct CommandJudgeOptions {
  std::string command;   // a line for /bin/sh
  int commands_max = 0;  // that run at a time; 0: as many as the machine has cores, but at least 16
  std::chrono::seconds wall_max{60};
  std::string name = "checker";  // of the setting that names the command, for messages
};

// Asks a command of the user's: /bin/sh -c COMMAND with one line of JSON on its standard input,
//   {"id","question","answer","response","expected"}
// the question's last message, the final answer, thinking and answer together, and the question's "answer"
// field (empty without one). It does not get the variables TESSY_…API_KEY. Exit status 0 says that the
// response is right, 1 that it is wrong. What the command prints to standard output is dropped.
//
// Errors: kInvalidArgument for any other status or a signal; kBackend where the command takes longer than
// `wall_max`, for which it is killed with all that it started in its process group; kIo where it cannot be
// started.
class CommandJudge final : public Judge {
 public:
  CommandJudge(CommandJudgeOptions options, Post post);

  void Ask(const Question& question, const JudgedResponse& response, Done done) override;
  void Cancel() override { pool_.Cancel(); }

 private:
  Result<bool> ResultOf(const Result<ChildEnd>& end) const;

  CommandJudgeOptions options_;
  ChildPool pool_;
};

}  // namespace tessy
