#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tessy {

// How well a sandbox isolates, by what the machine grants:
//   A: namespaces (by root, or user namespaces) and writable control groups: memory and processes of a run
//   are
//      limited as a whole.
//   B: namespaces alone: memory is limited by process, and looked at every 50 ms as a whole.
//   C: neither, as in a container: Landlock, a filter without sockets, and as root a user number that nobody
//      else has. Without root it needs Landlock 6 (Linux 6.12), which bounds signals.
enum class SandboxLevel { kA, kB, kC };
std::string_view NameOf(SandboxLevel level);  // "A"
std::optional<SandboxLevel> SandboxLevelOf(std::string_view name);

struct BoxOptions {
  std::optional<SandboxLevel> level = {};  // none: the best that the machine grants
  std::vector<std::string> shown = {};   // absolute paths that programs may read, besides those of the system
  uint64_t temporary_max = 64ULL << 20;  // bytes in the temporary folder
  uint32_t entries_max = 4096;           // files and folders in it
};

struct BoxLimits {
  std::chrono::nanoseconds cpu{std::chrono::seconds(10)};  // of all processes of a run together
  std::chrono::nanoseconds wall{std::chrono::seconds(32)};
  uint64_t memory = 1ULL << 30;   // bytes, of all processes together (level A)
  uint64_t output = 64ULL << 20;  // bytes of standard output, and of standard error
  uint64_t stack = 64ULL << 20;   // bytes
  uint32_t processes = 64;        // and threads
};

struct BoxCommand {
  std::vector<std::string> arguments;  // the program's absolute path first
  std::string_view input = {};
  BoxLimits limits = {};
  std::string collects = {};  // the name of a file in the temporary folder to hand out; empty: none
  std::chrono::nanoseconds quiet_max{0};  // by the clock, without new output; 0: unlimited. BoxCut::kWall
  // Streams instead of `input` and of what BoxEnd::output would hold; for programs that talk to each other.
  int input_stream = -1;
  int output_stream = -1;
};

// Why a run was cut short.
enum class BoxCut { kNone, kCpu, kWall, kMemory, kFiles, kOutput, kInterrupted };

struct BoxEnd {
  int exit_status = 0;  // where no signal ended it
  int signal = 0;       // 0: it ended by itself
  BoxCut cut = BoxCut::kNone;
  bool out_of_memory = false;       // the kernel ended a process of it for its memory
  std::chrono::nanoseconds cpu{0};  // user and system, of all its processes
  std::chrono::nanoseconds wall{0};
  uint64_t memory_peak = 0;  // bytes
  std::string output = {};
  std::string error = {};                     // the first 64 KiB
  std::optional<std::string> collected = {};  // none: the program has left no such file
};

inline constexpr uint64_t kErrorKept = 64 << 10;

// A place where hostile programs run, one after the other: no network, a read-only view of /usr and of what
// was staged, an empty temporary folder of limited size, a new environment, descriptors 0 to 2, limits on
// time, memory, processes and output, a filter of system calls. After a run none of its processes is alive
// and nothing of its files is left. The box itself is a small process (the launcher) beside this one; it
// ends, with all it runs, when this one does.
//
// Not for two threads at a time, but for Interrupt. Errors say that the box failed, never that the program
// did; after kBackend the box is of no more use.
class Box {
 public:
  // Tries a level out with /usr/bin/true before it takes it.
  // kUnavailable: the machine grants no level, or not the wanted one; the message says why.
  static Result<Box> Open(const BoxOptions& options = {});
  ~Box();
  Box(Box&&) noexcept;
  Box& operator=(Box&&) noexcept;

  SandboxLevel level() const;
  bool has_proc() const;  // programs see /proc of their own processes
  // Folders as programs know them: that of the staged files, and the one to write to, in which they start.
  const std::string& work_folder() const;
  const std::string& temporary_folder() const;

  // Puts a file into the work folder, in place of one of this name.
  Status Stage(const std::string& name, std::string_view content, bool executable = false);
  Status ClearStage();

  // Waits for the program's end. A program whose memory brings the launcher down (level A) has run out of
  // memory; the box is of no more use then, either.
  Result<BoxEnd> Run(const BoxCommand& command);
  // Ends the run under way, or the next one at once (BoxCut::kInterrupted). From any thread.
  void Interrupt();

 private:
  class Impl;
  explicit Box(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
