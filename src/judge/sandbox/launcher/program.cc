#include "judge/sandbox/launcher/program.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstdio>

namespace tessy::launcher {
namespace {

// Soft and hard, and never above what we were given.
bool Limit(int resource, uint64_t soft, uint64_t hard) {
  rlimit given{};
  if (getrlimit(static_cast<__rlimit_resource>(resource), &given) != 0) return false;
  const rlim_t hard_now = std::min<rlim_t>(hard, given.rlim_max);
  const rlimit wanted{std::min<rlim_t>(soft, hard_now), hard_now};
  return setrlimit(static_cast<__rlimit_resource>(resource), &wanted) == 0;
}

const char* SetLimits(const ProgramPlan& plan) {
  // The launcher ends what takes too long; this is for the case that it does not come to it.
  if (!Limit(RLIMIT_CPU, plan.cpu_seconds_max, plan.cpu_seconds_max + 1)) return "limit the CPU time";
  if (!Limit(RLIMIT_CORE, 0, 0)) return "limit core files";
  if (!Limit(RLIMIT_FSIZE, plan.file_max, plan.file_max)) return "limit the size of files";
  if (!Limit(RLIMIT_STACK, plan.stack_max, plan.stack_max)) return "limit the stack";
  if (!Limit(RLIMIT_NOFILE, 256, 256)) return "limit open files";
  if (!Limit(RLIMIT_MEMLOCK, 64 << 10, 64 << 10)) return "limit locked memory";
  if (!Limit(RLIMIT_MSGQUEUE, 0, 0)) return "limit message queues";
  if (plan.address_space_max != 0 && !Limit(RLIMIT_AS, plan.address_space_max, plan.address_space_max)) {
    return "limit the address space";
  }
  if (plan.processes_max != 0 && !Limit(RLIMIT_NPROC, plan.processes_max, plan.processes_max)) {
    return "limit processes";
  }
  return nullptr;
}

const char* DropRights(const ProgramPlan& plan) {
  if (plan.user != 0) {
    if (setgroups(0, nullptr) != 0) return "leave groups";
    if (setresgid(plan.user, plan.user, plan.user) != 0) return "change the group";
    if (setresuid(plan.user, plan.user, plan.user) != 0) return "change the user";
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2] = {};
  if (syscall(SYS_capset, &header, none) != 0) return "drop capabilities";
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "refuse new privileges";
  if (plan.dies_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return "follow the launcher";
  if (plan.rules != nullptr && !plan.rules->Enter()) return "enter Landlock's rules";
  const size_t count = plan.filter.size() / sizeof(sock_filter);
  const sock_fprog filter{static_cast<unsigned short>(count),
                          const_cast<sock_filter*>(reinterpret_cast<const sock_filter*>(plan.filter.data()))};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) return "filter system calls";
  return nullptr;
}

const char* Prepare(const ProgramPlan& plan) {
  setsid();
  struct sigaction fresh {};
  fresh.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &fresh, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int i = 0; i < 3; ++i) {
    // They came above 2, so that none overwrites another.
    if (dup2(plan.standard[i], i) < 0) return "set up a standard stream";
  }
  if (close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC) != 0) return "close descriptors";
  umask(022);
  if (chdir(plan.folder) != 0) return "enter the temporary folder";
  if (const char* const failed = SetLimits(plan)) return failed;
  return DropRights(plan);
}

[[noreturn]] void Become(const ProgramPlan& plan, int status_pipe) {
  char home[PATH_MAX];
  char temporary[PATH_MAX];
  std::snprintf(home, sizeof home, "HOME=%s", plan.folder);
  std::snprintf(temporary, sizeof temporary, "TMPDIR=%s", plan.folder);
  char path[] = "PATH=/usr/bin:/bin";
  char language[] = "LANG=C.UTF-8";
  char* const environment[] = {path, home, language, temporary, nullptr};
  Outcome outcome;
  if (const char* const step = Prepare(plan)) {
    outcome = Failed(step);
  } else {
    execve(plan.arguments[0], plan.arguments, environment);
    outcome = Failed("execute the program");
  }
  // The step is a text of this program: its address means the same to the parent.
  (void)!write(status_pipe, &outcome, sizeof outcome);
  _exit(127);
}

}  // namespace

Outcome StartProgram(const ProgramPlan& plan, pid_t& process) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Failed("make a pipe");
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  process = fork();
  if (process < 0) return Failed("fork");
  if (process == 0) Become(plan, writing.get());
  writing.Close();
  Outcome outcome;
  ssize_t count = -1;
  do {
    count = read(reading.get(), &outcome, sizeof outcome);
  } while (count < 0 && errno == EINTR);
  if (count == 0) return {};
  waitpid(process, nullptr, 0);
  process = -1;
  if (count != sizeof outcome) return {EIO, "hear of the program's start"};
  return outcome;
}

}  // namespace tessy::launcher
