#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>
#include <vector>

#include "judge/sandbox/launcher/crowd.h"
#include "judge/sandbox/launcher/groups.h"
#include "judge/sandbox/launcher/program.h"
#include "judge/sandbox/launcher/rules.h"
#include "judge/sandbox/launcher/view.h"
#include "judge/sandbox/protocol.h"

namespace tessy::launcher {

// The strings of a request.
std::vector<const char*> StringsOf(const Request& request);

// The place in which programs run, one after the other. Where there are namespaces the launcher is their
// first process; it leaves nothing of a run behind: processes are killed and waited for, and the temporary
// folder is made anew where it was touched.
class Room {
 public:
  // Enters namespaces as the level demands; returns in their first process, while the calling one waits for
  // it and ends with its status.
  static Outcome EnterNamespaces(Level level, uid_t user);

  Outcome Open(const Request& request, std::string_view filter);
  bool has_proc() const { return level_ == Level::kRules || view_.has_proc(); }

  Outcome Stage(const char* name, int content, bool executable);
  Outcome ClearStage();
  // Runs a program to its end, and answers with `reply`. `standard`: its three streams, closed here once it
  // has them. `collected`: the file that the request asks for, where the program has left it.
  Outcome Run(const Request& request, Descriptor (&standard)[3], Reply& reply, Descriptor& collected);
  // The end of the launcher: control groups and scratch folders go.
  void Close();

 private:
  struct Progress {
    uint64_t began = 0;
    uint64_t own_cpu = 0;  // of the launcher's children before
    uint64_t memory_seen = 0;
    uint64_t cpu_seen = 0;
  };
  const char* work() const { return level_ == Level::kRules ? work_.data() : kWorkFolder; }
  const char* temporary() const { return level_ == Level::kRules ? temporary_.data() : kTemporaryFolder; }
  Outcome OpenScratch(const char* scratch, std::vector<const char*> shown);
  ProgramPlan PlanOf(const Request& request, char* const* arguments, const Descriptor (&standard)[3]) const;
  Cut Await(const Request& request, pid_t program, Progress& progress) const;
  Cut Look(const Request& request, Progress& progress) const;
  Outcome Start(const ProgramPlan& plan, pid_t& program) const;
  uint64_t CpuSince(const Progress& progress) const;
  Outcome Finish(const Request& request, const Progress& progress, Reply& reply);

  Level level_ = Level::kGroups;
  uid_t user_ = 0;
  Descriptor rank_;  // the launcher's own among those that the kernel ends where memory is short
  uint64_t own_rank_ = 0;
  uint64_t temporary_max_ = 0;
  uint32_t entries_max_ = 0;
  std::vector<char> filter_;
  std::vector<char> work_;
  std::vector<char> temporary_;
  std::vector<char> scratch_;
  Groups groups_;
  View view_;
  Rules rules_;
  std::optional<Crowd> crowd_;
};

}  // namespace tessy::launcher
