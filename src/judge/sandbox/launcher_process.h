#pragma once

#include <sys/types.h>

#include <chrono>
#include <span>
#include <string>
#include <utility>

#include "base/descriptor.h"
#include "base/error.h"
#include "judge/sandbox/protocol.h"

namespace tessy {

// kBackend: "sandbox: cannot …", with the reason that errno has.
tl::unexpected<Error> FailSystem(const char* what);

// The launcher as a process beside this one, and the talk with it. Its program is part of this one, and is
// started from memory.
class LauncherProcess {
 public:
  static Result<LauncherProcess> Start();
  LauncherProcess() = default;
  ~LauncherProcess();  // ends it, with all that it runs, and waits for that
  LauncherProcess(LauncherProcess&& other) noexcept { *this = std::move(other); }
  LauncherProcess& operator=(LauncherProcess&& other) noexcept;

  // Readable when a reply has come, or the launcher has gone.
  int socket() const { return socket_.get(); }

  // `strings` become the request's text. kBackend: the launcher is gone.
  Status Send(launcher::Request& request, std::span<const std::string> strings,
              std::span<const int> descriptors);
  Status Kill();
  // Waits for a reply; `attached` receives its descriptor, if it has one.
  Result<launcher::Reply> Receive(std::chrono::milliseconds wait_max, Descriptor* attached = nullptr);

 private:
  Descriptor socket_;
  pid_t process_ = -1;
};

}  // namespace tessy
