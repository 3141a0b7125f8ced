#include "fuzz/finding.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <vector>

// Of a sanitizer's runtime, where there is one.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace tessy::fuzz {
namespace {

#ifdef TESSY_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

constexpr rlim_t kStackBytes = rlim_t{8} << 20;

// Handlers may only read what is there already.
struct State {
  std::string target;
  std::string file;
  uint64_t seed = 0;
  const char* input = nullptr;  // null between runs
  size_t bytes = 0;
  volatile uint64_t run = 0;
  uint64_t seen_run = 0;  // by the last tick
  int ticks = 0;          // in that run
};
State state;

void Say(std::string_view text) {
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

void Say(uint64_t number) {
  std::array<char, 20> digits;
  size_t at = digits.size();
  do {
    digits[--at] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  Say({digits.data() + at, digits.size() - at});
}

void Keep() {
  const int file = ::open(state.file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  for (size_t at = 0; file >= 0 && at < state.bytes;) {
    const ssize_t n = ::write(file, state.input + at, state.bytes - at);
    if (n <= 0) break;
    at += static_cast<size_t>(n);
  }
}

void Tell(std::string_view what) {
  if (state.input == nullptr) return;
  Keep();
  Say("fuzz: ");
  Say(state.target);
  Say(": ");
  Say(what);
  Say(" in run ");
  Say(state.run);
  Say(" of seed ");
  Say(state.seed);
  Say("; the input is ");
  Say(state.file);
  Say("\n");
  state.input = nullptr;
}

void OnFault(int signal) {
  Tell(signal == SIGABRT  ? "an abort"
       : signal == SIGFPE ? "an arithmetic fault"
                          : "a fault of memory or an overflow of the stack");
  ::_exit(1);
}

void OnDeath() { Tell("a sanitizer's report"); }

void OnTick(int /*signal*/) {
  state.ticks = state.seen_run == state.run ? state.ticks + 1 : 0;
  state.seen_run = state.run;
  if (state.input == nullptr || state.ticks < Watch::kSecondsMax) return;
  Tell("more than 10 s");
  ::_exit(1);
}

void Handle(int signal, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(signal, &action, nullptr);
}

// Handlers need a stack of their own, because the other one may be used up.
void UseOtherStack() {
  static std::vector<char> memory(size_t{1} << 16);
  stack_t stack{};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  sigaltstack(&stack, nullptr);
}

void Limit(decltype(RLIMIT_AS) resource, rlim_t most) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = std::min(most, limit.rlim_max);
  setrlimit(resource, &limit);
}

void SetTimer(time_t seconds) {
  itimerval timer{};
  timer.it_interval.tv_sec = seconds;
  timer.it_value.tv_sec = seconds;
  setitimer(ITIMER_PROF, &timer, nullptr);
}

}  // namespace

Watch::Watch(std::string_view target, uint64_t seed, std::string_view file) {
  state.target = target;
  state.file = file;
  state.seed = seed;
  Limit(RLIMIT_STACK, kStackBytes);
  Handle(SIGABRT, OnFault, 0);
  Handle(SIGPROF, OnTick, SA_RESTART);
  if (kSanitized && __sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(OnDeath);
  } else {
    Limit(RLIMIT_AS, kBytesMax);
    UseOtherStack();
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) Handle(signal, OnFault, SA_ONSTACK);
  }
  SetTimer(1);
}

Watch::~Watch() { SetTimer(0); }

void Watch::Begin(std::string_view input, uint64_t run) {
  state.run = run;
  state.bytes = input.size();
  state.input = input.data();
}

void Watch::Rest() { state.input = nullptr; }

}  // namespace tessy::fuzz
