#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.h"
#include "synthesis/run.h"

namespace tessy {

// The result of one sample or one window.
struct JobItem {
  std::string id;           // of the question or of the window
  uint32_t sample = 0;      // of the question
  bool done = false;        // false: it failed for good
  std::string_view line;    // done: the line of the file of results, without its newline
  std::string reason = {};  // not done: why
};

// The notices of a job while it runs, on the thread that runs it. Any of these may be empty. A job writes to
// no standard stream itself. Texts are one line without a newline, and may quote the content of models or
// files.
struct JobEvents {
  std::function<void(const RunProgress&)> progress;  // about twice a second
  std::function<void(const std::string&)> notice;    // what a user of the job wants to know
  std::function<void(const std::string&)> warning;   // what may be wrong
  std::function<void(const std::string&)> error;     // what went wrong and does not stop the job
  std::function<void(const std::string&)> info;
  std::function<void(const std::string&)> debug;
  // An item has come to its end, and is in its file if the job writes one. An error stops the job.
  std::function<Status(const JobItem&)> finished;
};

// The ways to end a job early. The unfinished work is then kept, and the same job goes on with it.
struct JobStop {
  // SIGINT, SIGTERM and SIGHUP (unless it is ignored, as under nohup); the second one ends the process at
  // once.
  bool on_signals = false;
  std::stop_token token = {};  // may be asked to stop from any thread
};

// Tells it if somebody listens.
inline void Tell(const std::function<void(const std::string&)>& event, const std::string& line) {
  if (event) event(line);
}

}  // namespace tessy
