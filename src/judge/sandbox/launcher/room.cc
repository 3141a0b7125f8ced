#include "judge/sandbox/launcher/room.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "judge/sandbox/launcher/folder.h"

namespace tessy::launcher {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kWatchEvery = 50'000'000;  // nanoseconds
constexpr uint64_t kWatchLeast = 5'000'000;
constexpr uint64_t kAddressSlack = 256ULL << 20;  // code, stacks and what interpreters reserve

uint64_t Nanoseconds(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * kSecond + static_cast<uint64_t>(time.tv_usec) * 1000;
}

// Of all children that were waited for.
rusage ChildrenUsage() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return usage;
}

uint64_t CpuOf(const rusage& usage) { return Nanoseconds(usage.ru_utime) + Nanoseconds(usage.ru_stime); }

Outcome MapUser(const char* file, uid_t number) {
  char line[64];
  std::snprintf(line, sizeof line, "%u %u 1\n", number, number);
  const Descriptor map(open(file, O_WRONLY | O_CLOEXEC));
  return WriteText(map.get(), line) ? Outcome{} : Failed("map a user");
}

Outcome EnterUserNamespace() {
  const uid_t user = getuid();
  const gid_t group = getgid();
  if (unshare(CLONE_NEWUSER) != 0) return Failed("make a user namespace");
  WriteText(Descriptor(open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC)).get(), "deny");
  if (const Outcome mapped = MapUser("/proc/self/uid_map", user); !mapped.ok()) return mapped;
  return MapUser("/proc/self/gid_map", group);
}

// Threads and processes of this user, which a limit on processes counts.
uint64_t TasksOfUser() {
  uint64_t count = 0;
  DIR* const processes = opendir("/proc");
  if (processes == nullptr) return 0;
  while (const dirent* entry = readdir(processes)) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    char path[300];
    std::snprintf(path, sizeof path, "/proc/%.255s/task", entry->d_name);
    struct stat status {};
    if (stat(path, &status) == 0 && status.st_uid == getuid()) count += status.st_nlink - 2;
  }
  closedir(processes);
  return count;
}

std::vector<char> Joined(const char* folder, const char* name) {
  std::vector<char> path(folder, folder + std::strlen(folder));
  path.insert(path.end(), name, name + std::strlen(name) + 1);
  return path;
}

Outcome CopyFile(int from, int to) {
  struct stat status {};
  if (fstat(from, &status) != 0) return Failed("look at a file to stage");
  off_t at = 0;
  while (at < status.st_size) {
    const ssize_t sent = sendfile(to, from, &at, static_cast<size_t>(status.st_size - at));
    if (sent <= 0) return Failed("copy a file to stage");
  }
  return {};
}

// A file that the program has left; nothing else, wherever its name leads.
Descriptor OpenLeft(const char* folder, const char* name) {
  const Descriptor opened(open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC));
  Descriptor file(openat(opened.get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file.valid() || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return file;
}

}  // namespace

std::vector<const char*> StringsOf(const Request& request) {
  std::vector<const char*> strings;
  size_t begin = 0;
  for (size_t i = 0; i < request.text_size && i < kTextMax; ++i) {
    if (request.text[i] != '\0') continue;
    strings.push_back(request.text + begin);
    begin = i + 1;
  }
  return strings;
}

Outcome Room::EnterNamespaces(Level level, uid_t user) {
  if (level == Level::kRules) {
    return prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 ? Outcome{} : Failed("receive orphans");
  }
  if (user == 0) {
    if (const Outcome entered = EnterUserNamespace(); !entered.ok()) return entered;
  }
  if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0) {
    return Failed("make namespaces");
  }
  const pid_t first = fork();
  if (first < 0) return Failed("fork");
  if (first == 0) {
    if (getpid() != 1) return {EPROTO, "be the first process of a namespace"};
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 ? Outcome{} : Failed("follow the parent");
  }
  close(kControl);
  int status = 0;
  while (waitpid(first, &status, 0) < 0 && errno == EINTR) continue;
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

Outcome Room::Open(const Request& request, std::string_view filter) {
  level_ = request.level;
  user_ = request.user;
  temporary_max_ = request.temporary_max;
  entries_max_ = request.entries_max;
  filter_.assign(filter.begin(), filter.end());
  // Before the machine's /proc goes, and ours is closed to ourselves.
  rank_ = Descriptor(open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC));
  own_rank_ = ReadNumber(rank_.get(), 0);
  prctl(PR_SET_DUMPABLE, 0);
  const std::vector<const char*> strings = StringsOf(request);
  if (strings.size() < 4) return {EPROTO, "read the request"};
  if (const Outcome joined = groups_.Join(strings[1], strings[2], strings[3]); !joined.ok()) return joined;
  std::vector<const char*> shown(strings.begin() + 4, strings.end());
  if (level_ == Level::kRules) {
    crowd_.emplace(user_ != 0 ? Crowd::Bound::kUser : Crowd::Bound::kTree, user_);
    return OpenScratch(strings[0], std::move(shown));
  }
  crowd_.emplace(Crowd::Bound::kNamespace, user_);
  if (const Outcome built = view_.Build(shown, temporary_max_, entries_max_); !built.ok()) return built;
  if (level_ == Level::kNamespaces && !view_.has_proc()) {
    return {EOPNOTSUPP, "mount /proc, by which memory is watched"};
  }
  return {};
}

Outcome Room::OpenScratch(const char* scratch, std::vector<const char*> shown) {
  scratch_ = Joined(scratch, "");
  work_ = Joined(scratch, kWorkFolder);
  temporary_ = Joined(scratch, kTemporaryFolder);
  if (mkdir(work(), 0755) != 0 || mkdir(temporary(), 0700) != 0) return Failed("make scratch folders");
  if (user_ != 0 && chown(temporary(), user_, user_) != 0) return Failed("give away a scratch folder");
  if (const Outcome made = rules_.Make(work(), temporary(), shown); !made.ok()) return made;
  if (user_ == 0 && !rules_.bounds_signals()) return {EOPNOTSUPP, "bound signals (Landlock 6, Linux 6.12)"};
  return {};
}

Outcome Room::Stage(const char* name, int content, bool executable) {
  if (level_ != Level::kRules) {
    if (const Outcome opened = view_.OpenWork(); !opened.ok()) return opened;
  }
  Outcome outcome;
  {
    const Descriptor folder(open(work(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    unlinkat(folder.get(), name, 0);
    const Descriptor file(
        openat(folder.get(), name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
    outcome = file.valid() ? CopyFile(content, file.get()) : Failed("make a staged file");
    if (outcome.ok() && fchmod(file.get(), executable ? 0555 : 0444) != 0) outcome = Failed("stage a file");
  }
  if (level_ == Level::kRules) return outcome;
  const Outcome closed = view_.CloseWork();
  return outcome.ok() ? closed : outcome;
}

Outcome Room::ClearStage() {
  if (level_ != Level::kRules) {
    if (const Outcome opened = view_.OpenWork(); !opened.ok()) return opened;
  }
  bool is_empty = false;
  {
    const Descriptor folder(open(work(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    is_empty = folder.valid() && Empty(folder.get());
  }
  if (!is_empty) return {EBUSY, "empty the work folder"};
  return level_ == Level::kRules ? Outcome{} : view_.CloseWork();
}

ProgramPlan Room::PlanOf(const Request& request, char* const* arguments,
                         const Descriptor (&standard)[3]) const {
  ProgramPlan plan;
  plan.arguments = arguments;
  for (int i = 0; i < 3; ++i) plan.standard[i] = standard[i].get();
  plan.folder = temporary();
  plan.cpu_seconds_max = request.cpu_max / kSecond + 2;
  plan.stack_max = request.stack_max;
  plan.file_max = temporary_max_;
  plan.user = user_;
  plan.filter = {filter_.data(), filter_.size()};
  if (!groups_.joined()) {
    plan.address_space_max = request.memory_max + kAddressSlack;
    plan.processes_max = request.processes_max;
    if (user_ == 0 && level_ == Level::kRules) plan.processes_max += TasksOfUser();
  }
  if (level_ == Level::kRules) {
    plan.rules = &rules_;
    plan.dies_with_parent = true;
  }
  return plan;
}

uint64_t Room::CpuSince(const Progress& progress) const {
  return groups_.Cpu(CpuOf(ChildrenUsage()) - progress.own_cpu);
}

// A look at what runs; the cut that it calls for.
Cut Room::Look(const Request& request, Progress& progress) const {
  if (Now() - progress.began >= request.wall_max) return Cut::kWall;
  uint64_t cpu = 0;
  if (groups_.joined()) {
    cpu = groups_.Cpu(0);
  } else if (has_proc()) {
    Crowd::Sums sums = crowd_->Measure();
    if (sums.memory > request.memory_max) sums.memory = crowd_->ProportionalMemory();
    progress.memory_seen = std::max(progress.memory_seen, sums.memory);
    cpu = sums.cpu + CpuSince(progress);
    if (sums.memory > request.memory_max) return Cut::kMemory;
  }
  progress.cpu_seen = std::max(progress.cpu_seen, cpu);
  if (cpu > request.cpu_max) return Cut::kCpu;
  if (level_ == Level::kRules) {
    const Descriptor folder(open(temporary(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const FolderSize size = SizeOf(folder.get(), entries_max_ + 1);
    if (size.bytes > temporary_max_ || size.entries > entries_max_) return Cut::kFiles;
  }
  return Cut::kNone;
}

Cut Room::Await(const Request& request, pid_t program, Progress& progress) const {
  const Descriptor handle(static_cast<int>(syscall(SYS_pidfd_open, program, 0)));
  static const auto kCores = static_cast<uint64_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  while (true) {
    // With groups nothing needs to be seen before the CPU time could be used up, by all cores together.
    const uint64_t gone = Now() - progress.began;
    const uint64_t wall_left = request.wall_max > gone ? request.wall_max - gone : 0;
    const uint64_t cpu_left = request.cpu_max > progress.cpu_seen ? request.cpu_max - progress.cpu_seen : 0;
    const uint64_t soon =
        groups_.joined() ? std::max(kWatchLeast, cpu_left / kCores + 1'000'000) : kWatchEvery;
    const uint64_t wait = std::min(wall_left, soon);
    const timespec timeout{static_cast<time_t>(wait / kSecond), static_cast<long>(wait % kSecond)};
    pollfd polled[2] = {{kControl, POLLIN, 0}, {handle.get(), POLLIN, 0}};
    const int ready = ppoll(polled, 2, &timeout, nullptr);
    if (polled[1].revents != 0) return Cut::kNone;
    if (ready > 0 && polled[0].revents != 0) {
      Order order{};
      const ssize_t count = recv(kControl, &order, sizeof order, 0);
      if (count <= 0 || order == Order::kKill) return Cut::kAsked;
      continue;
    }
    if (const Cut cut = Look(request, progress); cut != Cut::kNone) return cut;
  }
}

// Where memory is short, what runs in here goes first, and the launcher stays to tell of it: a program
// inherits what the launcher has for that moment.
Outcome Room::Start(const ProgramPlan& plan, pid_t& program) const {
  WriteText(rank_.get(), "1000");
  const Outcome started = StartProgram(plan, program);
  WriteNumber(rank_.get(), own_rank_);
  return started;
}

Outcome Room::Run(const Request& request, Descriptor (&standard)[3], Reply& reply, Descriptor& collected) {
  const std::vector<const char*> strings = StringsOf(request);
  const size_t first = request.collects != 0 ? 1 : 0;
  if (strings.size() <= first) return {EPROTO, "read the request"};
  std::vector<char*> arguments;
  for (size_t i = first; i < strings.size(); ++i) arguments.push_back(const_cast<char*>(strings[i]));
  arguments.push_back(nullptr);
  if (const Outcome begun = groups_.Begin(request.memory_max, request.processes_max); !begun.ok())
    return begun;
  Progress progress;
  progress.own_cpu = CpuOf(ChildrenUsage());
  pid_t program = -1;
  const ProgramPlan plan = PlanOf(request, arguments.data(), standard);
  progress.began = Now();
  if (const Outcome started = Start(plan, program); !started.ok()) return started;
  for (Descriptor& stream : standard) stream.Close();  // so that its end is the end of the stream
  reply.cut = Await(request, program, progress);
  if (reply.cut != Cut::kNone) kill(program, SIGKILL);
  rusage usage{};
  while (wait4(program, &reply.status, __WALL, &usage) < 0 && errno == EINTR) continue;
  progress.memory_seen = std::max(progress.memory_seen, static_cast<uint64_t>(usage.ru_maxrss) * 1024);
  reply.wall = Now() - progress.began;
  if (!crowd_->End()) return {EBUSY, "end the program's processes"};
  if (request.collects != 0) collected = OpenLeft(temporary(), strings[0]);
  return Finish(request, progress, reply);
}

Outcome Room::Finish(const Request& request, const Progress& progress, Reply& reply) {
  reply.cpu = CpuSince(progress);
  if (groups_.joined()) {
    reply.memory_peak = groups_.Peak();
    reply.out_of_memory = groups_.Kills();
  } else {
    reply.memory_peak = progress.memory_seen;
    if (reply.memory_peak > request.memory_max && reply.cut == Cut::kNone) reply.cut = Cut::kMemory;
  }
  if (level_ != Level::kRules) return view_.RenewTemporary();
  const Descriptor folder(open(temporary(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder.valid() && Empty(folder.get())) return {};
  chmod(temporary(), 0700);
  const Descriptor again(open(temporary(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  return again.valid() && Empty(again.get()) ? Outcome{} : Outcome{EBUSY, "empty the temporary folder"};
}

void Room::Close() {
  if (crowd_) crowd_->End();
  groups_.Leave();
  if (level_ != Level::kRules || scratch_.empty()) return;
  for (const char* path : {work(), temporary()}) {
    chmod(path, 0700);
    const Descriptor folder(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (folder.valid()) Empty(folder.get());
    rmdir(path);
  }
  rmdir(scratch_.data());
}

}  // namespace tessy::launcher
