#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace tessy {

// A command of this program, run as a process of its own.
struct Stage {
  std::string name;                    // of its log and of the note that it is done
  std::vector<std::string> arguments;  // after "tessy"
};

// Runs stages in a folder that remembers what is done: DIR/done/NAME holds the command line of a finished
// stage, DIR/logs/NAME.log what it said. One thread; one object a folder.
class Stages {
 public:
  // `jobs`: processes at a time. kConflict: another process has the folder.
  static Result<Stages> Open(const std::string& folder, int jobs);
  Stages(Stages&&) noexcept;
  ~Stages();

  // Runs those that are not done, `jobs` at a time, each in the order given. kConflict: one was done with
  // other arguments; kCancelled: SIGINT or SIGTERM came; kBackend: one failed, with its last words. Those
  // that run are waited for in any case. `title` is for the line on standard error.
  Status Run(const std::string& title, const std::vector<Stage>& stages);
  double seconds() const;  // since Open

 private:
  Stages() = default;
  bool Done(const Stage& stage) const;

  std::string folder_;
  std::string program_;
  int jobs_ = 1;
  int lock_ = -1;
  double opened_ = 0.0;
  size_t finished_ = 0;
};

}  // namespace tessy
