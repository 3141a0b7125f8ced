#include "judge/sandbox/syscall_filter.h"

#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "base/descriptor.h"

extern "C" {
#include <sys/mman.h>
}

namespace tessy {
namespace {

// By name, since not every architecture and every version of the library knows each.
constexpr const char* kRefused[] = {
    // Namespaces, mounts, roots.
    "unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount",
    "fspick", "move_mount", "open_tree", "mount_setattr", "swapon", "swapoff", "quotactl", "quotactl_fd",
    // Other processes.
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "pidfd_getfd",
    "kcmp", "move_pages", "migrate_pages", "sched_setattr", "ioprio_set",
    // Wide or young interfaces of the kernel.
    "io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "perf_event_open", "userfaultfd",
    "fanotify_init", "fanotify_mark", "lookup_dcookie", "name_to_handle_at", "open_by_handle_at", "add_key",
    "request_key", "keyctl", "modify_ldt", "vm86", "vm86old", "memfd_secret", "mbind", "set_mempolicy",
    "set_mempolicy_home_node", "nfsservctl", "uselib", "_sysctl", "sysfs", "ustat",
    // The machine.
    "reboot", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
    "create_module", "acct", "syslog", "sethostname", "setdomainname", "iopl", "ioperm", "vhangup",
    "clock_settime", "clock_settime64", "clock_adjtime", "clock_adjtime64", "settimeofday", "stime",
    "adjtimex",
    // What would outlive the processes of a run.
    "shmget", "shmat", "shmctl", "semget", "semctl", "semop", "semtimedop", "msgget", "msgctl", "msgsnd",
    "msgrcv", "mq_open", "mq_unlink", "mq_notify", "mq_getsetattr"};

// What changes files by their names though Landlock forbids to write them: it does not know these calls.
constexpr const char* kRefusedWithoutView[] = {
    "chmod",      "fchmod",      "fchmodat",     "fchmodat2",    "chown",         "lchown",
    "fchown",     "fchownat",    "chown32",      "lchown32",     "fchown32",      "utime",
    "utimes",     "futimesat",   "utimensat",    "setxattr",     "lsetxattr",     "fsetxattr",
    "setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat", "file_setattr"};

constexpr uint64_t kNamespaceFlags[] = {CLONE_NEWNS,  CLONE_NEWUTS, CLONE_NEWIPC,    CLONE_NEWUSER,
                                        CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP, CLONE_NEWTIME};

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release) {}

  void Refuse(const char* name, std::initializer_list<scmp_arg_cmp> when = {}, int error = EPERM) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || failure_ != 0) return;
    const int failure = seccomp_rule_add_array(context_.get(), SCMP_ACT_ERRNO(static_cast<uint16_t>(error)),
                                               number, static_cast<unsigned>(when.size()), when.begin());
    // A number that only other architectures have.
    if (failure != -EDOM) failure_ = failure;
  }
  // Where bit by bit of an argument any is set.
  template <class Flags>
  void RefuseFlags(const char* name, unsigned argument, const Flags& flags) {
    for (const uint64_t flag : flags) {
      Refuse(name, {scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, flag, flag}});
    }
  }
  Result<std::string> Export() {
    if (!context_) return Fail(ErrorCode::kResourceLimit, "libseccomp made no filter");
    if (failure_ == 0) {
      failure_ = seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    }
    if (failure_ == 0) failure_ = seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    const Descriptor file(memfd_create("filter", MFD_CLOEXEC));
    if (failure_ == 0) failure_ = seccomp_export_bpf(context_.get(), file.get());
    if (failure_ != 0) {
      return Fail(ErrorCode::kBackend, std::string("libseccomp: ") + std::strerror(-failure_));
    }
    std::string bytes(static_cast<size_t>(lseek(file.get(), 0, SEEK_END)), '\0');
    TESSY_CHECK(pread(file.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    return bytes;
  }

 private:
  std::unique_ptr<void, decltype(&seccomp_release)> context_;
  int failure_ = 0;
};

// Calls that name a process: 0 is the caller itself.
void RefuseOthersLimits(Filter& filter) {
  for (const char* name : {"prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam"}) {
    filter.Refuse(name, {scmp_arg_cmp{0, SCMP_CMP_NE, 0, 0}});
  }
  filter.Refuse("setpriority", {scmp_arg_cmp{0, SCMP_CMP_NE, PRIO_PROCESS, 0}});
  filter.Refuse("setpriority", {scmp_arg_cmp{1, SCMP_CMP_NE, 0, 0}});
}

}  // namespace

Result<std::string> SyscallFilter(bool without_sockets) {
  Filter filter;
  for (const char* name : kRefused) filter.Refuse(name);
  filter.Refuse("clone3", {}, ENOSYS);
  filter.RefuseFlags("clone", 0, kNamespaceFlags);
  RefuseOthersLimits(filter);
  // Text put into the input of a terminal.
  filter.Refuse("ioctl", {scmp_arg_cmp{1, SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCSTI}});
  filter.Refuse("ioctl", {scmp_arg_cmp{1, SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCLINUX}});
  if (without_sockets) {
    filter.Refuse("socket");
    for (const char* name : kRefusedWithoutView) filter.Refuse(name);
    // A pair of datagram sockets may still be sent from to any socket that has a name.
    constexpr uint64_t kTypes = 0xf;
    filter.Refuse("socketpair", {scmp_arg_cmp{1, SCMP_CMP_MASKED_EQ, kTypes, SOCK_DGRAM}});
  } else {
    filter.Refuse("socket", {scmp_arg_cmp{0, SCMP_CMP_EQ, AF_VSOCK, 0}});
  }
  return filter.Export();
}

}  // namespace tessy
