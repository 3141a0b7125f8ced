#include "judge/sandbox/own_user.h"

#include <unistd.h>

#include <bitset>
#include <fstream>
#include <mutex>
#include <string>

namespace tessy {
namespace {

constexpr uint32_t kFirst = 1'500'000'000;
constexpr uint32_t kProcesses = 2'000'000;
constexpr uint32_t kSlots = 256;

std::mutex mutex;
std::bitset<kSlots> taken;

uint32_t NumberOf(int slot) {
  return kFirst + static_cast<uint32_t>(getpid()) % kProcesses * kSlots + static_cast<uint32_t>(slot);
}

bool Covers(const char* map, uint32_t number) {
  std::ifstream file(map);
  uint64_t inside = 0;
  uint64_t outside = 0;
  uint64_t count = 0;
  while (file >> inside >> outside >> count) {
    if (number >= inside && number - inside < count) return true;
  }
  return false;
}

bool MayChangeTo(uint32_t number) {
  if (geteuid() != 0) return false;
  std::string groups;
  std::ifstream("/proc/self/setgroups") >> groups;
  return groups != "deny" && Covers("/proc/self/uid_map", number) && Covers("/proc/self/gid_map", number);
}

}  // namespace

Result<OwnUser> OwnUser::Take() {
  if (!MayChangeTo(NumberOf(0)) || !MayChangeTo(NumberOf(kSlots - 1))) return OwnUser();
  const std::lock_guard lock(mutex);
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    if (taken[slot]) continue;
    taken.set(slot);
    OwnUser user;
    user.slot_ = static_cast<int>(slot);
    return user;
  }
  return Fail(ErrorCode::kResourceLimit, "sandbox: 256 boxes are open");
}

OwnUser::~OwnUser() {
  if (slot_ < 0) return;
  const std::lock_guard lock(mutex);
  taken.reset(static_cast<size_t>(slot_));
}

uint32_t OwnUser::number() const { return slot_ < 0 ? 0 : NumberOf(slot_); }

}  // namespace tessy
