#pragma once

#include <sys/types.h>

#include <cstdint>

#include "judge/sandbox/launcher/system.h"

namespace tessy::launcher {

// All processes that the launcher has started and that these have started.
class Crowd {
 public:
  enum class Bound {
    kNamespace,  // the launcher is the first process of a namespace of its own
    kUser,       // they run under a user number that nobody else has
    kTree,       // they descend from the launcher, to which orphans come
  };
  // `user` for kUser.
  Crowd(Bound bound, uid_t user) : bound_(bound), user_(user) {}

  // Kills them and waits until none is left. False: some could not be ended.
  bool End();

  // Bytes in memory and nanoseconds of CPU of those that are alive. Needs /proc.
  struct Sums {
    uint64_t memory = 0;
    uint64_t cpu = 0;
  };
  Sums Measure() const;
  // Bytes in memory, with what several share counted once. Takes the kernel longer.
  uint64_t ProportionalMemory() const;

 private:
  template <class Visit>
  void ForEach(const Visit& visit) const;
  void KillAll() const;

  Bound bound_;
  uid_t user_;
};

}  // namespace tessy::launcher
