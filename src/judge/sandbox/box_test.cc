// A box does what it promises to programs, and to those who start them, at every level that can be tried
// here.
#include "judge/sandbox/box.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

namespace tessy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;

class BoxTest : public testing::TestWithParam<SandboxLevel> {
 protected:
  void SetUp() override {
    auto box = Box::Open({.level = GetParam()});
    if (!box && GetParam() == SandboxLevel::kA && geteuid() != 0) {
      // A user has control groups only where some have been given to him.
      EXPECT_THAT(box.error().message, HasSubstr("level A: "));
      box = Box::Open({.level = SandboxLevel::kB});
    }
    ASSERT_TRUE(box) << box.error().message;
    box_.emplace(std::move(*box));
  }
  static BoxLimits Limits() {
    return {.cpu = seconds(2), .wall = seconds(4), .memory = 256 << 20, .output = 1 << 20, .processes = 32};
  }
  BoxEnd Run(std::vector<std::string> arguments, std::string_view input = "", BoxLimits limits = Limits()) {
    auto end = box_->Run({.arguments = std::move(arguments), .input = input, .limits = limits});
    EXPECT_TRUE(end) << end.error().message;
    return end.value_or(BoxEnd{.exit_status = -1});
  }
  BoxEnd Python(const std::string& code, std::string_view input = "", BoxLimits limits = Limits()) {
    return Run({"/usr/bin/python3", "-c", code}, input, limits);
  }
  BoxEnd Shell(const std::string& code, std::string_view input = "") {
    return Run({"/bin/sh", "-c", code}, input);
  }
  // Stages what the compiler makes of it in the box, as small as it can be.
  void Compile(const std::string& code) {
    ASSERT_TRUE(box_->Stage("main.cc", code));
    BoxLimits limits = Limits();
    limits.cpu = seconds(20);
    limits.wall = seconds(60);
    const std::string source = box_->work_folder() + "/main.cc";
    const auto made = box_->Run({.arguments = {"/usr/bin/g++", "-static", "-s", source, "-o", "program"},
                                 .limits = limits,
                                 .collects = "program"});
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->exit_status, 0) << made->error;
    ASSERT_TRUE(made->collected);
    ASSERT_TRUE(box_->Stage("program", *made->collected, true));
  }

  std::optional<Box> box_;
};

// All levels, or none where the machine grants not one (a container without Landlock, say).
std::vector<SandboxLevel> Levels() {
  const auto box = Box::Open();
  if (box || box.error().code != ErrorCode::kUnavailable) {
    return {SandboxLevel::kA, SandboxLevel::kB, SandboxLevel::kC};
  }
  std::cout << "no box is tried: " << box.error().message << "\n";
  return {};
}

INSTANTIATE_TEST_SUITE_P(Levels, BoxTest, testing::ValuesIn(Levels()),
                         [](const auto& level) { return std::string(NameOf(level.param)); });

TEST_P(BoxTest, AProgramReadsAndWrites) {
  const BoxEnd end = Run({"/bin/cat"}, "two\nlines\n");
  EXPECT_EQ(end.output, "two\nlines\n");
  EXPECT_EQ(end.exit_status, 0);
  EXPECT_EQ(end.signal, 0);
  EXPECT_EQ(end.cut, BoxCut::kNone);
  EXPECT_GT(end.cpu.count(), 0);
  EXPECT_LT(end.cpu, milliseconds(500));
  EXPECT_GT(end.memory_peak, 0U);
}

TEST_P(BoxTest, StatusSignalAndErrorsArrive) {
  EXPECT_EQ(Shell("exit 3").exit_status, 3);
  EXPECT_EQ(Shell("kill -ABRT $$").signal, SIGABRT);
  EXPECT_EQ(Shell("echo oops >&2").error, "oops\n");
}

// Before anything hostile is tried in this place: its limit on processes holds.
TEST_P(BoxTest, ProcessesAreLimited) {
  const BoxEnd end = Python(R"(
import os, time
n = 0
try:
    for i in range(100):
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        n += 1
except OSError: pass
print(n))");
  ASSERT_EQ(end.exit_status, 0) << end.error;
  const int started = std::stoi(end.output);
  EXPECT_GT(started, 8);
  EXPECT_LE(started, 32);
}

TEST_P(BoxTest, NothingIsLeftOfARun) {
  const BoxEnd first = Shell("echo x > left; mkdir -p a/b; chmod 0 a; sleep 100 & echo $!");
  EXPECT_EQ(first.exit_status, 0) << first.error;
  EXPECT_LT(first.wall, seconds(2));
  EXPECT_EQ(Shell("ls -A").output, "");
}

TEST_P(BoxTest, TimeIsLimited) {
  BoxLimits limits = Limits();
  limits.cpu = milliseconds(300);
  limits.wall = seconds(60);  // a busy machine gives little
  const BoxEnd busy = Python("while True: pass", "", limits);
  EXPECT_EQ(busy.cut, BoxCut::kCpu);
  EXPECT_LT(busy.cpu, milliseconds(600));
  limits.wall = milliseconds(500);
  const BoxEnd idle = Run({"/bin/sleep", "100"}, "", limits);
  EXPECT_EQ(idle.cut, BoxCut::kWall);
  EXPECT_LT(idle.wall, milliseconds(900));
  EXPECT_LT(idle.cpu, milliseconds(100));
}

TEST_P(BoxTest, CpuOfChildrenCounts) {
  BoxLimits limits = Limits();
  limits.cpu = milliseconds(500);
  limits.wall = seconds(60);
  const char* const two =
      "import os\nfor i in range(2):\n  if os.fork() == 0:\n    while True: pass\nos.wait()";
  EXPECT_EQ(Python(two, "", limits).cut, BoxCut::kCpu);
}

TEST_P(BoxTest, MemoryIsLimited) {
  const BoxEnd end = Python("import time\nz = b'x' * (600 << 20)\ntime.sleep(0.2)\nprint(len(z))");
  EXPECT_TRUE(end.out_of_memory || end.cut == BoxCut::kMemory || end.exit_status != 0);
  EXPECT_EQ(end.output, "");
  if (box_->level() == SandboxLevel::kA) {
    EXPECT_TRUE(end.out_of_memory);
  }
  // And the next one is well.
  EXPECT_EQ(Python("print(len(b'x' * (100 << 20)))").output, "104857600\n");
}

TEST_P(BoxTest, OutputIsLimited) {
  const BoxEnd end = Python("while True: print('x' * 1000)");
  EXPECT_EQ(end.cut, BoxCut::kOutput);
  EXPECT_LE(end.output.size(), 1U << 20);
  const BoxEnd errors = Python("import sys\nwhile True: sys.stderr.write('x' * 1000)");
  EXPECT_EQ(errors.cut, BoxCut::kOutput);
  EXPECT_EQ(errors.error.size(), kErrorKept);
}

TEST_P(BoxTest, WhatIsStagedIsThereAndReadOnly) {
  ASSERT_TRUE(box_->Stage("main.py", "print(6 * 7)"));
  const std::string path = box_->work_folder() + "/main.py";
  EXPECT_EQ(Run({"/usr/bin/python3", path}).output, "42\n");
  EXPECT_NE(Shell("echo x > " + path).exit_status, 0);
  EXPECT_NE(Shell("echo x > " + box_->work_folder() + "/other").exit_status, 0);
  EXPECT_NE(Shell("rm " + path).exit_status, 0);
  ASSERT_TRUE(box_->Stage("main.py", "print(7)"));
  EXPECT_EQ(Run({"/usr/bin/python3", path}).output, "7\n");
  ASSERT_TRUE(box_->ClearStage());
  EXPECT_NE(Run({"/usr/bin/python3", path}).exit_status, 0);
  EXPECT_FALSE(box_->Stage("../x", ""));
}

TEST_P(BoxTest, AFileIsHandedOut) {
  const auto end = box_->Run({.arguments = {"/bin/sh", "-c", "echo made > result"}, .collects = "result"});
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->collected, "made\n");
  const auto link =
      box_->Run({.arguments = {"/bin/sh", "-c", "ln -s /usr/bin/env result"}, .collects = "result"});
  ASSERT_TRUE(link) << link.error().message;
  EXPECT_EQ(link->collected, std::nullopt);
}

// The linker changes the mode of what it made, where it may.
TEST_P(BoxTest, ACompilerLinksAProgram) {
  Compile("int main() { return 7; }");
  EXPECT_EQ(Run({box_->work_folder() + "/program"}).exit_status, 7);
}

TEST_P(BoxTest, TheEnvironmentIsNew) {
  setenv("TESSY_CANARY", "secret", 1);
  EXPECT_EQ(Run({"/usr/bin/env"}).output, "PATH=/usr/bin:/bin\nHOME=" + box_->temporary_folder() +
                                              "\nLANG=C.UTF-8\nTMPDIR=" + box_->temporary_folder() + "\n");
}

TEST_P(BoxTest, TheMachinesFilesAreNotThere) {
  for (const char* path : {"/root", "/home", "/var/lib", "/etc"}) {
    const BoxEnd end = Shell(std::string("cd ") + path +
                             " && ls | grep -v alternatives | grep -v ld.so.cache | grep -v localtime");
    EXPECT_NE(end.exit_status, 0) << path << ": " << end.output;
  }
  for (const char* path : {"/etc/shadow", "/etc/passwd", "/proc/1/mem"}) {
    EXPECT_NE(Run({"/usr/bin/head", "-c", "1", path}).exit_status, 0) << path;
  }
}

TEST_P(BoxTest, TheUsersFilesKeepTheirModeOwnerAndTimes) {
  char path[] = "/tmp/tessy-victim-XXXXXX";
  const int victim = mkstemp(path);
  ASSERT_GE(victim, 0);
  if (geteuid() == 0) {  // as if the program ran under the user's number, as it does without root
    const auto user = static_cast<uid_t>(std::stoul(Run({"/usr/bin/id", "-u"}).output));
    ASSERT_EQ(fchown(victim, user, user), 0);
  }
  struct stat before {};
  ASSERT_EQ(fstat(victim, &before), 0);
  const BoxEnd end = Python("p = '" + std::string(path) + R"('
import os
for act in (lambda: os.chmod(p, 0o777), lambda: os.chown(p, os.getuid(), os.getgid()),
            lambda: os.utime(p, (1, 1)), lambda: os.setxattr(p, b'user.x', b'y')):
    try:
        act()
        print('done')
    except OSError: pass
)");
  struct stat after {};
  EXPECT_EQ(fstat(victim, &after), 0);
  close(victim);
  unlink(path);
  EXPECT_EQ(end.output, "") << end.error;
  EXPECT_EQ(end.exit_status, 0) << end.error;
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
  EXPECT_EQ(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
}

TEST_P(BoxTest, NoDatagramReachesTheMachine) {
  const std::string name = "tessy-datagrams-" + std::to_string(getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, name.size());  // of no folder: any program may send to it
  const int listening = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(listening, reinterpret_cast<const sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())),
            0);
  char path[] = "/tmp/tessy-listener-XXXXXX";
  ASSERT_NE(mkdtemp(path), nullptr);
  ASSERT_EQ(chmod(path, 0777), 0);
  sockaddr_un by_path{};
  by_path.sun_family = AF_UNIX;
  const std::string file = std::string(path) + "/socket";
  file.copy(by_path.sun_path, file.size());
  const int in_folder = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(in_folder, reinterpret_cast<const sockaddr*>(&by_path), sizeof by_path), 0);
  ASSERT_EQ(chmod(file.c_str(), 0777), 0);
  const BoxEnd end = Python("names = ('\\0" + name + "', '" + file + R"(')
import socket
for name in names:
    try: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', name)
    except OSError: pass
a, b = socket.socketpair()
a.send(b'8')
print(b.recv(1).decode()))");
  char byte = 0;
  EXPECT_LT(recv(listening, &byte, 1, 0), 0);
  EXPECT_LT(recv(in_folder, &byte, 1, 0), 0);
  EXPECT_EQ(end.output, "8\n") << end.error;
  close(listening);
  close(in_folder);
  unlink(file.c_str());
  rmdir(path);
}

TEST_P(BoxTest, OfProcOnlyItsOwnProcesses) {
  if (!box_->has_proc() || box_->level() == SandboxLevel::kC) return;  // there it opens nothing of /proc
  EXPECT_THAT(Shell("ls -d /proc/[0-9]*").output,
              testing::MatchesRegex("/proc/1\n/proc/[0-9]+\n(/proc/[0-9]+\n)?"));
  EXPECT_NE(Shell("cat /proc/1/environ").exit_status, 0);
}

TEST_P(BoxTest, ALargeInputThatNobodyReadsDoesNotBlock) {
  const std::string input(64 << 20, 'x');
  EXPECT_EQ(Run({"/bin/echo", "8"}, input).output, "8\n");
}

TEST_P(BoxTest, AnInterruptEndsARun) {
  std::thread other([&] {
    std::this_thread::sleep_for(milliseconds(200));
    box_->Interrupt();
  });
  const BoxEnd end = Run({"/bin/sleep", "100"});
  other.join();
  EXPECT_EQ(end.cut, BoxCut::kInterrupted);
  EXPECT_LT(end.wall, seconds(2));
  EXPECT_EQ(Run({"/bin/echo", "8"}).output, "8\n");
}

TEST_P(BoxTest, AProgramThatIsNotThereIsTheBoxesError) {
  const auto end = box_->Run({.arguments = {"/usr/bin/no-such-program"}});
  ASSERT_FALSE(end);
  EXPECT_THAT(end.error().message, HasSubstr("execute the program: No such file"));
}

// Files in memory belong to no process, so that the kernel may take a small program for smaller than the
// launcher.
TEST_P(BoxTest, TheLauncherOutlivesFilesInMemory) {
  if (box_->level() != SandboxLevel::kA) return;
  Compile(R"(
#include <sys/mman.h>
#include <unistd.h>
static char bytes[1 << 12];
int main() {
  for (;;) {
    const int file = memfd_create("x", 0);
    for (int i = 0; i < 1 << 13; ++i) (void)!write(file, bytes, sizeof bytes);
  }
})");
  const BoxEnd end = Run({box_->work_folder() + "/program"});
  EXPECT_TRUE(end.out_of_memory);
  EXPECT_EQ(Run({"/bin/echo", "8"}).output, "8\n");
}

TEST(Sandbox, NoTwoBoxesShareAUser) {
  if (geteuid() != 0) return;  // programs run under the user's own number
  const auto user_in = [](Result<Box>& box) {
    const auto end = box ? box->Run({.arguments = {"/usr/bin/id", "-u"}}) : tl::unexpected(box.error());
    EXPECT_TRUE(end) << end.error().message;
    return end ? end->output : "";
  };
  auto first = Box::Open({.level = SandboxLevel::kC});
  const std::string user = user_in(first);
  EXPECT_THAT(user, testing::Not(testing::AnyOf("", "0\n")));
  for (int i = 0; i < 70; ++i) {
    auto other = Box::Open({.level = SandboxLevel::kC});
    ASSERT_NE(user_in(other), user) << i;
  }
}

// What InUserNamespace returns where it could not be made: containers forbid it, and ThreadSanitizer's thread
// prevents it.
constexpr int kNoUserNamespace = 98;

// Calls `act` in a process that is root of a new user namespace alone, with mounts of its own; returns what
// it returned.
template <class Act>
int InUserNamespace(bool with_covered_proc, const Act& act) {
  const pid_t child = fork();
  if (child == 0) {
    const std::string map = "0 " + std::to_string(geteuid()) + " 1";
    // A part of /proc is hidden, as containers do it: then the kernel grants no new one.
    if (with_covered_proc &&
        (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
         mount("x", "/proc/sys", "tmpfs", 0, nullptr) != 0)) {
      _exit(kNoUserNamespace);
    }
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(kNoUserNamespace);
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << map;
    std::ofstream("/proc/self/gid_map") << map;
    _exit(act());
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// As in a container without root, where a number that nobody has cannot be taken.
TEST(Sandbox, RootOfAUserNamespaceAloneRunsPrograms) {
  if (geteuid() != 0) return;
  const int status = InUserNamespace(false, [] {
    auto box = Box::Open();
    if (!box) return 1;
    const auto end = box->Run({.arguments = {"/bin/echo", "8"}});
    return end && end->output == "8\n" ? 0 : 2;
  });
  EXPECT_THAT(status, AnyOf(0, kNoUserNamespace));
}

TEST(Sandbox, ALevelThatCannotWatchMemoryIsNotTaken) {
  if (geteuid() != 0) return;
  const int status = InUserNamespace(true, [] {
    const auto box = Box::Open({.level = SandboxLevel::kB});
    if (box) return 1;
    const bool is_it = box.error().message.find("mount /proc, by which") != std::string::npos;
    if (!is_it) std::cerr << box.error().message << "\n";
    return is_it ? 0 : 2;
  });
  EXPECT_THAT(status, AnyOf(0, kNoUserNamespace));
}

TEST(Sandbox, TheBestLevelIsTaken) {
  const auto box = Box::Open();
  ASSERT_TRUE(box) << box.error().message;
  for (const SandboxLevel level : {SandboxLevel::kA, SandboxLevel::kB, SandboxLevel::kC}) {
    if (level == box->level()) break;
    EXPECT_FALSE(Box::Open({.level = level})) << NameOf(level);
  }
  EXPECT_EQ(SandboxLevelOf("B"), SandboxLevel::kB);
  EXPECT_EQ(SandboxLevelOf("D"), std::nullopt);
}

}  // namespace
}  // namespace tessy
