#pragma once

#include <cstdint>

namespace tessy::launcher {

// Whether a temporary folder is as a new one: empty, and open to all.
bool IsUntouched(const char* folder);

// Removes all that is in a folder that hostile programs have filled, and leaves the folder with its mode set
// anew. Follows no link, goes no deeper than two levels (deeper folders are moved up first), and opens what
// was closed to it. To be called once these programs are gone. False: something is left.
bool Empty(int folder);

// The bytes and entries of a folder, down to a depth and a number of entries that a watch can afford.
struct FolderSize {
  uint64_t bytes = 0;
  uint64_t entries = 0;
};
FolderSize SizeOf(int folder, uint64_t entries_max);

}  // namespace tessy::launcher
