// The sandbox's launcher: takes requests from the socket that is its descriptor 3, and ends when that closes
// (judge/sandbox/protocol.h). Small and static, so that each of its forks is cheap; one thread, so that
// each is safe.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "judge/sandbox/launcher/room.h"

namespace tessy::launcher {
namespace {

// Receives a request; false: the socket is closed.
bool Receive(Request& request, Descriptor (&descriptors)[kDescriptorsMax]) {
  iovec data{&request, sizeof request};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kDescriptorsMax)];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t count = -1;
  do {
    count = recvmsg(kControl, &message, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count < static_cast<ssize_t>(sizeof request.order)) return false;
  for (Descriptor& descriptor : descriptors) descriptor.Close();
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t numbers = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < numbers && i < kDescriptorsMax; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + i * sizeof(int), sizeof number);
      descriptors[i] = Descriptor(number);
    }
  }
  return true;
}

bool Send(const Reply& reply, const Descriptor& attached) {
  iovec data{const_cast<Reply*>(&reply), sizeof reply};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (attached.valid()) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    const int number = attached.get();
    std::memcpy(CMSG_DATA(part), &number, sizeof number);
  }
  return sendmsg(kControl, &message, MSG_NOSIGNAL) >= 0;
}

Outcome Open(Room& room, const Request& request, const Descriptor& filter) {
  if (const Outcome entered = Room::EnterNamespaces(request.level, request.user); !entered.ok())
    return entered;
  struct stat status {};
  if (fstat(filter.get(), &status) != 0) return Failed("look at the filter");
  const auto size = static_cast<size_t>(status.st_size);
  void* const bytes = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, filter.get(), 0);
  if (bytes == MAP_FAILED) return Failed("read the filter");
  const Outcome outcome = room.Open(request, {static_cast<const char*>(bytes), size});
  munmap(bytes, size);
  return outcome;
}

Outcome Serve(Room& room, Request& request, Descriptor (&descriptors)[kDescriptorsMax], Reply& reply,
              Descriptor& attached) {
  switch (request.order) {
    case Order::kOpen: {
      const Outcome outcome = Open(room, request, descriptors[0]);
      reply.has_proc = room.has_proc() ? 1 : 0;
      return outcome;
    }
    case Order::kStage: {
      const auto strings = StringsOf(request);
      if (strings.empty()) return {EPROTO, "read the request"};
      return room.Stage(strings.front(), descriptors[0].get(), request.executable != 0);
    }
    case Order::kClear:
      return room.ClearStage();
    case Order::kRun:
      return room.Run(request, descriptors, reply, attached);
    case Order::kKill:
      break;
  }
  return {EPROTO, "read the request"};
}

int Main() {
  static Request request;
  static Room room;
  prctl(PR_SET_NAME, "tessy-launcher");
  close_range(kControl + 1, ~0U, 0);  // of the program's nothing stays open
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, nullptr);
  Descriptor descriptors[kDescriptorsMax];
  while (Receive(request, descriptors)) {
    if (request.order == Order::kKill) continue;  // the run has ended by itself
    Reply reply;
    Descriptor attached;
    const Outcome outcome = Serve(room, request, descriptors, reply, attached);
    reply.failure = outcome.failure;
    std::strncpy(reply.step, outcome.step, sizeof reply.step - 1);
    if (!Send(reply, attached)) break;
  }
  room.Close();
  return 0;
}

}  // namespace
}  // namespace tessy::launcher

int main() { return tessy::launcher::Main(); }
