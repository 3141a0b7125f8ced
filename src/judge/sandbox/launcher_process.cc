#include "judge/sandbox/launcher_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>

#include "embedded/launcher.h"

namespace tessy {

tl::unexpected<Error> FailSystem(const char* what) {
  return Fail(ErrorCode::kBackend, fmt::format("sandbox: cannot {}: {}", what, std::strerror(errno)));
}

namespace {

// The launcher's program as a file without a name, made once.
Result<int> ProgramFile() {
  static const Descriptor file = [] {
    Descriptor made(memfd_create("tessy-launcher", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (made.valid() && !WriteAll(made.get(), embedded::launcher::kTessyLauncher)) return Descriptor();
    // Opened for reading alone: what is open for writing cannot be executed.
    return Descriptor(open(fmt::format("/proc/self/fd/{}", made.get()).c_str(), O_RDONLY | O_CLOEXEC));
  }();
  if (!file.valid()) return FailSystem("write the launcher to memory");
  return file.get();
}

class Spawn {
 public:
  explicit Spawn(int control) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, control, launcher::kControl);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    // A session of its own: Ctrl-C is for the program, which ends the launcher in its own way.
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Spawn() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;

  Result<pid_t> Run(const std::string& path) const {
    char name[] = "tessy-launcher";
    char* const arguments[] = {name, nullptr};
    char* const environment[] = {nullptr};
    pid_t process = -1;
    errno = posix_spawn(&process, path.c_str(), &actions_, &attributes_, arguments, environment);
    if (errno != 0) return FailSystem("start the launcher");
    return process;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

Result<LauncherProcess> LauncherProcess::Start() {
  const auto program = ProgramFile();
  if (!program) return tl::unexpected(program.error());
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return FailSystem("make a socket");
  LauncherProcess started;
  started.socket_ = Descriptor(ends[0]);
  const Descriptor theirs(ends[1]);
  // Above the numbers that are set up in the child, so that none is overwritten before it is used.
  const Descriptor high(fcntl(theirs.get(), F_DUPFD_CLOEXEC, 10));
  const Descriptor program_high(fcntl(*program, F_DUPFD_CLOEXEC, 10));
  if (!high.valid() || !program_high.valid()) return FailSystem("open a descriptor");
  const auto process = Spawn(high.get()).Run(fmt::format("/proc/self/fd/{}", program_high.get()));
  if (!process) return tl::unexpected(process.error());
  started.process_ = *process;
  return started;
}

LauncherProcess::~LauncherProcess() {
  socket_.Close();
  if (process_ < 0) return;
  int status = 0;
  while (waitpid(process_, &status, 0) < 0 && errno == EINTR) continue;
}

LauncherProcess& LauncherProcess::operator=(LauncherProcess&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(process_, other.process_);
  return *this;
}

Status LauncherProcess::Send(launcher::Request& request, std::span<const std::string> strings,
                             std::span<const int> descriptors) {
  size_t size = 0;
  for (const std::string& text : strings) {
    if (size + text.size() + 1 > launcher::kTextMax) {
      return Fail(ErrorCode::kInvalidArgument, "sandbox: the arguments are longer than 32 KiB");
    }
    std::memcpy(request.text + size, text.c_str(), text.size() + 1);
    size += text.size() + 1;
  }
  request.text_size = static_cast<uint32_t>(size);
  iovec data{&request, offsetof(launcher::Request, text) + size};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * launcher::kDescriptorsMax)] = {};
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
  }
  while (sendmsg(socket_.get(), &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return FailSystem("speak to the launcher");
  }
  return {};
}

Status LauncherProcess::Kill() {
  const launcher::Order order = launcher::Order::kKill;
  while (send(socket_.get(), &order, sizeof order, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return FailSystem("speak to the launcher");
  }
  return {};
}

Result<launcher::Reply> LauncherProcess::Receive(std::chrono::milliseconds wait_max, Descriptor* attached) {
  pollfd polled{socket_.get(), POLLIN, 0};
  int ready = -1;
  do {
    ready = poll(&polled, 1, static_cast<int>(wait_max.count()));
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) {
    kill(process_, SIGKILL);
    return Fail(ErrorCode::kBackend, "sandbox: the launcher does not answer");
  }
  launcher::Reply reply;
  iovec data{&reply, sizeof reply};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t count = -1;
  do {
    count = recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  const cmsghdr* const part = count > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (part != nullptr && part->cmsg_type == SCM_RIGHTS) {
    int number = -1;
    std::memcpy(&number, CMSG_DATA(part), sizeof number);
    Descriptor received(number);
    if (attached != nullptr) *attached = std::move(received);
  }
  if (count != sizeof reply) return Fail(ErrorCode::kBackend, "sandbox: the launcher has gone");
  return reply;
}

}  // namespace tessy
