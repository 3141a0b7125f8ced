#include "judge/sandbox/launcher/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "judge/sandbox/launcher/system.h"

namespace tessy::launcher {
namespace {

constexpr int kDepthMax = 16;
constexpr int kPassesMax = 200'000;

// Calls `visit(name)` for each entry until it says false.
template <class Visit>
void ForEach(int folder, Visit visit) {
  const int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const entries = copy < 0 ? nullptr : fdopendir(copy);
  if (entries == nullptr) {
    if (copy >= 0) close(copy);
    return;
  }
  while (const dirent* entry = readdir(entries)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (!visit(entry->d_name)) break;
  }
  closedir(entries);
}

// Removes a folder's entries that are no folders; moves up the folders in it. `number` names them anew.
bool Flatten(int top, const char* name, uint64_t& number) {
  fchmodat(top, name, 0700, 0);  // it is a folder, and nobody is left who could swap it
  const Descriptor folder(openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.valid()) return false;
  ForEach(folder.get(), [&](const char* entry) {
    if (unlinkat(folder.get(), entry, 0) == 0) return true;
    char fresh[40];
    std::snprintf(fresh, sizeof fresh, ".up-%llu", static_cast<unsigned long long>(number++));
    fchmodat(folder.get(), entry, 0700, 0);  // a folder that may not be written cannot be moved
    return renameat(folder.get(), entry, top, fresh) == 0;
  });
  return unlinkat(top, name, AT_REMOVEDIR) == 0;
}

}  // namespace

bool IsUntouched(const char* folder) {
  struct stat status {};
  if (lstat(folder, &status) != 0 || (status.st_mode & 07777) != 01777) return false;
  const Descriptor opened(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.valid()) return false;
  bool is_empty = true;
  ForEach(opened.get(), [&](const char*) { return is_empty = false; });
  return is_empty;
}

bool Empty(int folder) {
  uint64_t number = Now();  // a name that no program could foresee
  // A pass over an entry removes it, or moves its folders up and then removes it.
  for (int pass = 0; pass < kPassesMax; ++pass) {
    char name[256] = {};
    bool failed = false;
    ForEach(folder, [&](const char* entry) {
      struct stat status {};
      if (fstatat(folder, entry, &status, AT_SYMLINK_NOFOLLOW) != 0) return true;
      if (!S_ISDIR(status.st_mode)) {
        failed = unlinkat(folder, entry, 0) != 0;
        return !failed;
      }
      std::snprintf(name, sizeof name, "%s", entry);
      return false;
    });
    if (failed) return false;
    if (name[0] == '\0') return true;
    if (!Flatten(folder, name, number)) return false;
  }
  return false;
}

FolderSize SizeOf(int folder, uint64_t entries_max) {
  FolderSize size;
  Descriptor open_folders[kDepthMax];
  int depth = 0;
  // Depth first without recursion: the folders of one path at a time, the rest is counted as entries.
  open_folders[0] = Descriptor(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  while (depth < kDepthMax && open_folders[depth].valid() && size.entries < entries_max) {
    char next[256] = {};
    ForEach(open_folders[depth].get(), [&](const char* entry) {
      struct stat status {};
      ++size.entries;
      if (fstatat(open_folders[depth].get(), entry, &status, AT_SYMLINK_NOFOLLOW) != 0) return true;
      if (S_ISDIR(status.st_mode)) std::snprintf(next, sizeof next, "%s", entry);
      size.bytes += static_cast<uint64_t>(status.st_blocks) * 512;
      return size.entries < entries_max;
    });
    if (next[0] == '\0' || ++depth == kDepthMax) break;
    open_folders[depth] = Descriptor(
        openat(open_folders[depth - 1].get(), next, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  return size;
}

}  // namespace tessy::launcher
