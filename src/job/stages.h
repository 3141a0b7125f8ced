#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace tessy {

// A command of this program, run as a process of its own.
struct Stage {
  std::string name;                    // of its log and of the note that it is done
  std::vector<std::string> arguments;  // after "tessy"
  // A file or folder that the command refuses to find. One that was killed when its work was done, before
  // that was noted, has left it; it is renamed (SetAside) before the stage starts. Empty: none.
  std::string set_aside = {};
};

// Some of a list of stages are not done and are about to run.
struct StagesBegun {
  std::string title;
  size_t commands = 0;
  double seconds = 0.0;  // since Stages::Open
};

// Runs stages in a folder that remembers what is done: DIR/done/NAME holds the command line of a finished
// stage, DIR/logs/NAME.log what it printed. Not thread-safe. A process has one such object at a time, which
// takes SIGINT and SIGTERM while it lives. Needs Linux 5.3 (pidfd_open).
class Stages {
 public:
  struct Options {
    std::string folder;
    int jobs = 1;  // processes at a time
    std::function<void(const StagesBegun&)> begun = {};
    std::string program = {};  // empty: this one
  };

  // Locks the folder, and makes it where it is missing. kConflict: another process has it.
  static Result<Stages> Open(Options options);
  Stages(Stages&&) noexcept;
  ~Stages();

  // Starts those that are not done in the order given, `jobs` at a time, and returns when none runs any more.
  // kConflict: one was done with other arguments. kCancelled: SIGINT or SIGTERM came; each one that comes
  // is passed on to those that run. kBackend: one failed; the message has its last line. kIo: what stands in
  // the way of one cannot be renamed.
  Status Run(const std::string& title, const std::vector<Stage>& stages);

 private:
  class Processes;
  class SignalWatch;

  explicit Stages(Options options);
  std::string NoteOf(const Stage& stage) const { return options_.folder + "/done/" + stage.name; }
  std::string LogOf(const Stage& stage) const { return options_.folder + "/logs/" + stage.name + ".log"; }
  Result<std::vector<const Stage*>> Undone(const std::vector<Stage>& stages) const;
  Status Conclude(const Stage& stage, int wait_status) const;

  Options options_;
  std::unique_ptr<SignalWatch> watch_;
  int lock_ = -1;
  double opened_ = 0.0;
};

}  // namespace tessy
