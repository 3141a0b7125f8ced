// Preloaded into the program, it stands for a file system without locks: NFS without its lock daemon
// (ENOLCK), Lustre mounted without flock (ENOSYS, by NOLOCK=ENOSYS).
#include <dlfcn.h>
#include <sys/types.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kGetLock = 5;  // F_GETLK to F_SETLKW on Linux
constexpr int kSetLockWait = 7;
constexpr int kOfdGetLock = 36;  // F_OFD_GETLK to F_OFD_SETLKW
constexpr int kOfdSetLockWait = 38;

int Refuse() {
  const char* why = std::getenv("NOLOCK");
  errno = why != nullptr && std::strcmp(why, "ENOSYS") == 0 ? ENOSYS : ENOLCK;
  return -1;
}

int Control(const char* name, int descriptor, int command, void* argument) {
  if (command >= kGetLock && command <= kSetLockWait) return Refuse();
  if (command >= kOfdGetLock && command <= kOfdSetLockWait) return Refuse();
  using Fcntl = int (*)(int, int, ...);
  const auto real = reinterpret_cast<Fcntl>(dlsym(RTLD_NEXT, name));
  return real(descriptor, command, argument);
}

}  // namespace

extern "C" {

int flock(int, int) { return Refuse(); }

int fcntl(int descriptor, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  return Control("fcntl", descriptor, command, argument);
}

int fcntl64(int descriptor, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  return Control("fcntl64", descriptor, command, argument);
}

}  // extern "C"
