#pragma once

#include <cstdint>
#include <utility>

#include "base/error.h"

namespace tessy {

// The user number that programs of one box run under: as root one that no account has, and no other box on
// this machine while this process lives; given back with the object. Thread-safe.
class OwnUser {
 public:
  // kResourceLimit: this process has given away all its numbers (256).
  static Result<OwnUser> Take();
  OwnUser() = default;
  ~OwnUser();
  OwnUser(OwnUser&& other) noexcept { *this = std::move(other); }
  OwnUser& operator=(OwnUser&& other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }

  // 0: programs keep this process's own number, since it is not root, or is so in a user namespace alone that
  // has no such number or may not leave groups (/proc/self/uid_map, gid_map, setgroups).
  uint32_t number() const;

 private:
  int slot_ = -1;
};

}  // namespace tessy
