#include "cli/job_display.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <string>

#include "base/visible.h"
#include "cli/command.h"

namespace tessy {

Result<JobDisplay> JobDisplay::Open(const MessageOptions& messages) {
  SetLogLevel(messages.log_level);
  return FindProgressStyle(messages.progress, isatty(STDERR_FILENO) == 1).map([](ProgressStyle style) {
    return JobDisplay(style);
  });
}

JobEvents JobDisplay::Events() {
  return {.progress = [this](const RunProgress& progress) { progress_.Show(progress); },
          .notice =
              [this](const std::string& line) {
                progress_.Close();
                Say(Visible(line) + "\n");
              },
          .warning = [](const std::string& line) { spdlog::warn("{}", line); },
          .error = [](const std::string& line) { spdlog::error("{}", line); },
          .info = [](const std::string& line) { spdlog::info("{}", line); },
          .debug = [](const std::string& line) { spdlog::debug("{}", line); },
          .finished = {}};
}

}  // namespace tessy
