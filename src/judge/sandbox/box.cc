#include "judge/sandbox/box.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/descriptor.h"
#include "judge/sandbox/control_groups.h"
#include "judge/sandbox/launcher_process.h"
#include "judge/sandbox/own_user.h"
#include "judge/sandbox/syscall_filter.h"

namespace tessy {
namespace {

using launcher::Order;
using launcher::Reply;
using launcher::Request;
using std::chrono::milliseconds;

constexpr milliseconds kAnswerMax{60'000};  // to all but a run
constexpr int kPipeSize = 1 << 20;          // smaller ones slow a program down on a busy machine
constexpr size_t kReadAtOnce = 1 << 16;
constexpr SandboxLevel kLevels[] = {SandboxLevel::kA, SandboxLevel::kB, SandboxLevel::kC};

launcher::Level LauncherLevel(SandboxLevel level) {
  switch (level) {
    case SandboxLevel::kA:
      return launcher::Level::kGroups;
    case SandboxLevel::kB:
      return launcher::Level::kNamespaces;
    case SandboxLevel::kC:
      break;
  }
  return launcher::Level::kRules;
}

// A file without a name that holds `text`, never changes again, and is opened for reading alone.
Result<Descriptor> SealedFile(std::string_view text) {
  const Descriptor made(memfd_create("text", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!made.valid()) return FailSystem("make a file in memory");
  if (!WriteAll(made.get(), text)) return FailSystem("write a file in memory");
  if (fcntl(made.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return FailSystem("seal a file in memory");
  }
  Descriptor file(open(fmt::format("/proc/self/fd/{}", made.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return FailSystem("open a file in memory");
  return file;
}

Result<std::string> ReadAll(const Descriptor& file) {
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return FailSystem("look at what the program left");
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t count = pread(file.get(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return FailSystem("read what the program left");
    at += static_cast<size_t>(count);
  }
  return bytes;
}

// One of the two streams that a program writes.
struct Stream {
  Descriptor reading;
  Descriptor writing;
  std::string kept;
  uint64_t kept_max = 0;
  uint64_t total = 0;

  Status Open(uint64_t keep) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return FailSystem("make a pipe");
    reading = Descriptor(ends[0]);
    writing = Descriptor(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[1], F_SETPIPE_SZ, kPipeSize);
    kept_max = keep;
    return {};
  }
  // Reads what is there; false once the stream has ended.
  bool Read(char* buffer) {
    while (true) {
      const ssize_t count = read(reading.get(), buffer, kReadAtOnce);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno == EAGAIN;
      if (count == 0) return false;
      total += static_cast<uint64_t>(count);
      const uint64_t room = kept_max - std::min<uint64_t>(kept_max, kept.size());
      kept.append(buffer, std::min<uint64_t>(room, static_cast<uint64_t>(count)));
      if (static_cast<size_t>(count) < kReadAtOnce) return true;
    }
  }
};

BoxCut CutOf(launcher::Cut cut) {
  switch (cut) {
    case launcher::Cut::kNone:
      return BoxCut::kNone;
    case launcher::Cut::kCpu:
      return BoxCut::kCpu;
    case launcher::Cut::kWall:
      return BoxCut::kWall;
    case launcher::Cut::kMemory:
      return BoxCut::kMemory;
    case launcher::Cut::kFiles:
      return BoxCut::kFiles;
    case launcher::Cut::kAsked:
      return BoxCut::kInterrupted;
  }
  return BoxCut::kNone;
}

Status StatusOf(const Reply& reply) {
  if (reply.failure == 0) return {};
  return Fail(ErrorCode::kBackend, fmt::format("sandbox: cannot {}: {}", std::string_view(reply.step),
                                               std::strerror(reply.failure)));
}

// A folder for level C, which has no file system of its own.
Result<std::string> MakeScratch() {
  const char* const base = std::getenv("TMPDIR");
  std::string path = fmt::format("{}/tessy-box-XXXXXX", base == nullptr || *base != '/' ? "/tmp" : base);
  if (mkdtemp(path.data()) == nullptr) return FailSystem("make a scratch folder");
  // Programs run as another user.
  if (geteuid() == 0) chmod(path.c_str(), 0711);
  return path;
}

}  // namespace

std::string_view NameOf(SandboxLevel level) {
  constexpr std::string_view kNames[] = {"A", "B", "C"};
  return kNames[static_cast<size_t>(level)];
}

std::optional<SandboxLevel> SandboxLevelOf(std::string_view name) {
  for (const SandboxLevel level : kLevels) {
    if (NameOf(level) == name) return level;
  }
  return std::nullopt;
}

class Box::Impl {
 public:
  Status Open(const BoxOptions& options, SandboxLevel level);
  Status Stage(const std::string& name, std::string_view content, bool executable);
  Status ClearStage() { return Ask({.order = Order::kClear}, {}, {}); }
  Result<BoxEnd> Run(const BoxCommand& command);
  void Interrupt() {
    interrupted_ = true;
    const uint64_t one = 1;
    TESSY_CHECK(write(wake_.get(), &one, sizeof one) == sizeof one);
  }

  SandboxLevel level = SandboxLevel::kA;
  bool has_proc = false;
  std::string work_folder = launcher::kWorkFolder;
  std::string temporary_folder = launcher::kTemporaryFolder;

 private:
  Status TryOut();
  Status Ask(Request request, std::span<const std::string> strings, std::span<const int> descriptors,
             Reply* reply = nullptr);
  Status Start(const BoxCommand& command, const Descriptor& input, Stream& output, Stream& error);
  // Reads both streams until the launcher has answered; the cut that this side asked for.
  BoxCut Pump(const BoxCommand& command, Stream& output, Stream& error);
  static void Drain(Stream& stream, uint64_t enough, char* buffer);

  // In this order: the launcher leaves its groups before they are removed, and its user number is free after
  // it.
  OwnUser user_;
  ControlGroups groups_;
  LauncherProcess launcher_;
  Descriptor wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::atomic<bool> interrupted_ = false;
  std::vector<char> buffer_ = std::vector<char>(kReadAtOnce);
};

Status Box::Impl::Open(const BoxOptions& options, SandboxLevel wanted) {
  static std::atomic<int> count = 0;
  level = wanted;
  auto filter = SyscallFilter(wanted == SandboxLevel::kC);
  if (!filter) return tl::unexpected(filter.error());
  const auto filter_file = SealedFile(*filter);
  if (!filter_file) return tl::unexpected(filter_file.error());
  if (wanted == SandboxLevel::kA) {
    auto groups = ControlGroups::Make(fmt::format("tessy-{}-{}", getpid(), count++));
    if (!groups) return tl::unexpected(groups.error());
    groups_ = std::move(*groups);
  }
  auto started = LauncherProcess::Start();
  if (!started) return tl::unexpected(started.error());
  launcher_ = std::move(*started);
  std::vector<std::string> strings{"", groups_.memory(), groups_.pids(), groups_.cpu()};
  if (wanted == SandboxLevel::kC) {
    auto scratch = MakeScratch();
    if (!scratch) return tl::unexpected(scratch.error());
    work_folder = *scratch + launcher::kWorkFolder;
    temporary_folder = *scratch + launcher::kTemporaryFolder;
    strings[0] = std::move(*scratch);
  }
  strings.insert(strings.end(), options.shown.begin(), options.shown.end());
  Request request{.order = Order::kOpen, .level = LauncherLevel(wanted)};
  auto user = OwnUser::Take();
  if (!user) return tl::unexpected(user.error());
  user_ = std::move(*user);
  request.user = user_.number();
  request.temporary_max = options.temporary_max;
  request.entries_max = options.entries_max;
  const int descriptors[] = {filter_file->get()};
  Reply reply;
  if (Status opened = Ask(request, strings, descriptors, &reply); !opened) return opened;
  has_proc = reply.has_proc != 0;
  return TryOut();
}

// A machine may grant all that a box is made of, and yet let no program start in it.
Status Box::Impl::TryOut() {
  const auto end = Run({.arguments = {"/usr/bin/true"}});
  if (!end) return tl::unexpected(end.error());
  if (end->exit_status == 0 && end->signal == 0 && end->cut == BoxCut::kNone) return {};
  return Fail(ErrorCode::kBackend, fmt::format("sandbox: /usr/bin/true ends with status {}, signal {}: {}",
                                               end->exit_status, end->signal, end->error));
}

Status Box::Impl::Ask(Request request, std::span<const std::string> strings, std::span<const int> descriptors,
                      Reply* reply) {
  if (Status sent = launcher_.Send(request, strings, descriptors); !sent) return sent;
  const auto answer = launcher_.Receive(kAnswerMax);
  if (!answer) return tl::unexpected(answer.error());
  if (reply != nullptr) *reply = *answer;
  return StatusOf(*answer);
}

Status Box::Impl::Stage(const std::string& name, std::string_view content, bool executable) {
  if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..") {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("sandbox: \"{}\" is no file name", name));
  }
  const auto file = SealedFile(content);
  if (!file) return tl::unexpected(file.error());
  const int descriptors[] = {file->get()};
  const std::string strings[] = {name};
  return Ask({.order = Order::kStage, .executable = executable ? 1U : 0U}, strings, descriptors);
}

Status Box::Impl::Start(const BoxCommand& command, const Descriptor& input, Stream& output, Stream& error) {
  const BoxLimits& limits = command.limits;
  Request request{.order = Order::kRun,
                  .processes_max = limits.processes,
                  .cpu_max = static_cast<uint64_t>(limits.cpu.count()),
                  .wall_max = static_cast<uint64_t>(limits.wall.count()),
                  .memory_max = limits.memory,
                  .stack_max = limits.stack,
                  .collects = command.collects.empty() ? 0U : 1U};
  std::vector<std::string> strings;
  if (!command.collects.empty()) strings.push_back(command.collects);
  strings.insert(strings.end(), command.arguments.begin(), command.arguments.end());
  const int descriptors[] = {command.input_stream >= 0 ? command.input_stream : input.get(),
                             command.output_stream >= 0 ? command.output_stream : output.writing.get(),
                             error.writing.get()};
  Status sent = launcher_.Send(request, strings, descriptors);
  output.writing.Close();
  error.writing.Close();
  return sent;
}

// What is left in a stream once all who could write have gone.
void Box::Impl::Drain(Stream& stream, uint64_t enough, char* buffer) {
  while (stream.total <= enough) {
    const uint64_t before = stream.total;
    if (!stream.Read(buffer) || stream.total == before) return;
  }
}

BoxCut Box::Impl::Pump(const BoxCommand& command, Stream& output, Stream& error) {
  const BoxLimits& limits = command.limits;
  BoxCut cut = BoxCut::kNone;
  bool output_open = true;
  bool error_open = true;
  const auto kill = [&](BoxCut reason) {
    if (cut == BoxCut::kNone) (void)launcher_.Kill();
    cut = cut == BoxCut::kNone ? reason : cut;
  };
  const bool is_impatient = command.quiet_max.count() > 0;
  auto heard = std::chrono::steady_clock::now();
  while (true) {
    pollfd polled[] = {{launcher_.socket(), POLLIN, 0},
                       {output_open ? output.reading.get() : -1, POLLIN, 0},
                       {error_open ? error.reading.get() : -1, POLLIN, 0},
                       {cut == BoxCut::kNone ? wake_.get() : -1, POLLIN, 0}};
    auto wait = std::chrono::ceil<milliseconds>(limits.wall) + kAnswerMax;
    if (is_impatient && cut == BoxCut::kNone) wait = std::chrono::ceil<milliseconds>(command.quiet_max);
    const int ready = poll(polled, std::size(polled), static_cast<int>(wait.count()));
    if (ready < 0 && errno == EINTR) continue;
    const uint64_t before = output.total;
    if (output_open && polled[1].revents != 0) output_open = output.Read(buffer_.data());
    if (error_open && polled[2].revents != 0) error_open = error.Read(buffer_.data());
    if (output.total > limits.output || error.total > limits.output) kill(BoxCut::kOutput);
    if (interrupted_) kill(BoxCut::kInterrupted);
    const auto now = std::chrono::steady_clock::now();
    if (output.total != before) heard = now;
    if (is_impatient && cut == BoxCut::kNone && polled[0].revents == 0 && now - heard >= command.quiet_max) {
      kill(BoxCut::kWall);
      continue;
    }
    if (polled[0].revents != 0 || (ready == 0 && (cut != BoxCut::kNone || !is_impatient))) break;
  }
  Drain(output, limits.output, buffer_.data());
  Drain(error, kErrorKept, buffer_.data());
  if (cut == BoxCut::kNone && (output.total > limits.output || error.total > limits.output))
    cut = BoxCut::kOutput;
  return cut;
}

Result<BoxEnd> Box::Impl::Run(const BoxCommand& command) {
  TESSY_CHECK(!command.arguments.empty());
  Stream output;
  Stream error;
  Descriptor input;
  if (command.input_stream < 0) {
    auto file = SealedFile(command.input);
    if (!file) return tl::unexpected(file.error());
    input = std::move(*file);
  }
  if (Status opened = output.Open(command.limits.output); !opened) return tl::unexpected(opened.error());
  if (Status opened = error.Open(kErrorKept); !opened) return tl::unexpected(opened.error());
  const uint64_t kills = groups_.OutOfMemoryKills();
  if (Status started = Start(command, input, output, error); !started) return tl::unexpected(started.error());
  const BoxCut cut = Pump(command, output, error);
  if (interrupted_.exchange(false)) {
    uint64_t calls = 0;
    (void)!read(wake_.get(), &calls, sizeof calls);
  }
  Descriptor collected;
  const auto reply = launcher_.Receive(kAnswerMax, &collected);
  if (!reply) {
    // The kernel may have ended the launcher for the program's memory; then all that it ran has gone with it.
    if (groups_.OutOfMemoryKills() == kills) return tl::unexpected(reply.error());
    return BoxEnd{.signal = SIGKILL, .out_of_memory = true};
  }
  if (Status done = StatusOf(*reply); !done) return tl::unexpected(done.error());
  BoxEnd end;
  if (WIFSIGNALED(reply->status)) end.signal = WTERMSIG(reply->status);
  if (WIFEXITED(reply->status)) end.exit_status = WEXITSTATUS(reply->status);
  end.cut = cut != BoxCut::kNone ? cut : CutOf(reply->cut);
  end.out_of_memory = reply->out_of_memory != 0;
  end.cpu = std::chrono::nanoseconds(reply->cpu);
  end.wall = std::chrono::nanoseconds(reply->wall);
  end.memory_peak = reply->memory_peak;
  end.output = std::move(output.kept);
  end.error = std::move(error.kept);
  if (collected.valid()) {
    auto bytes = ReadAll(collected);
    if (!bytes) return tl::unexpected(bytes.error());
    end.collected = std::move(*bytes);
  }
  return end;
}

Result<Box> Box::Open(const BoxOptions& options) {
  std::string reasons;
  for (const SandboxLevel level : kLevels) {
    if (options.level && *options.level != level) continue;
    auto impl = std::make_unique<Impl>();
    const Status opened = impl->Open(options, level);
    if (opened) return Box(std::move(impl));
    reasons +=
        fmt::format("{}level {}: {}", reasons.empty() ? "" : "; ", NameOf(level), opened.error().message);
  }
  return Fail(ErrorCode::kUnavailable, fmt::format("this machine grants no sandbox: {}", reasons));
}

Box::Box(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Box::~Box() = default;
Box::Box(Box&&) noexcept = default;
Box& Box::operator=(Box&&) noexcept = default;

SandboxLevel Box::level() const { return impl_->level; }
bool Box::has_proc() const { return impl_->has_proc; }
const std::string& Box::work_folder() const { return impl_->work_folder; }
const std::string& Box::temporary_folder() const { return impl_->temporary_folder; }
Status Box::Stage(const std::string& name, std::string_view content, bool executable) {
  return impl_->Stage(name, content, executable);
}
Status Box::ClearStage() { return impl_->ClearStage(); }
Result<BoxEnd> Box::Run(const BoxCommand& command) { return impl_->Run(command); }
void Box::Interrupt() { impl_->Interrupt(); }

}  // namespace tessy
