#pragma once

#include <cstddef>
#include <cstdint>

// The words between a Box (in the program) and its launcher, the small program that sets up the sandbox and
// starts what runs in it. Messages go over one socket of kind SOCK_SEQPACKET: a Request with descriptors, and
// one Reply to each, in order. kKill gets no reply of its own: it makes that of the run under way come.
namespace tessy::launcher {

// Where a box has what was staged and what its programs write; at kRules these are below the scratch folder.
inline constexpr const char* kWorkFolder = "/box";
inline constexpr const char* kTemporaryFolder = "/tmp";
inline constexpr int kControl = 3;  // the launcher's end of the socket
inline constexpr size_t kTextMax = 32 * 1024;
inline constexpr int kDescriptorsMax = 3;

// Levels of isolation, by what the machine grants. kGroups: namespaces and control groups. kNamespaces:
// namespaces alone. kRules: neither; Landlock, and as root a user number of its own.
enum class Level : uint32_t { kGroups, kNamespaces, kRules };

enum class Order : uint32_t {
  kOpen = 1,   // once, first. Text: the scratch folder (kRules), then the control groups' folders by
               // memory, pids, cpu (each empty: none), then paths to show read-only. Descriptor: the filter
  kStage = 2,  // puts a file into the work folder. Text: its name. Descriptor: its content
  kClear = 3,  // empties the work folder
  kRun = 4,    // Text: `collects` the name of a file in the temporary folder, then the arguments.
               // Descriptors: standard input, output, error
  kKill = 5,   // ends the run under way
};

struct Request {
  Order order = Order::kOpen;
  Level level = Level::kGroups;  // kOpen
  uint32_t user = 0;             // kOpen, as root: the number that programs run under
  uint32_t processes_max = 0;    // kRun: threads count, too
  uint64_t cpu_max = 0;          // kRun: nanoseconds of all processes together
  uint64_t wall_max = 0;         // kRun: nanoseconds
  uint64_t memory_max = 0;       // kRun: bytes of all processes together
  uint64_t stack_max = 0;        // kRun: bytes
  uint64_t temporary_max = 0;    // kOpen: bytes in the temporary folder
  uint32_t entries_max = 0;      // kOpen: files and folders in it
  uint32_t executable = 0;       // kStage
  uint32_t collects = 0;         // kRun: the text begins with the name of a file to hand out
  uint32_t text_size = 0;
  char text[kTextMax] = {};  // strings, each with its zero
};

// Why the launcher ended a run; 0: it did not.
enum class Cut : uint32_t { kNone = 0, kCpu = 1, kWall = 2, kMemory = 3, kFiles = 4, kAsked = 5 };

struct Reply {
  int32_t failure = 0;         // errno; 0: done
  char step[64] = {};          // what failed
  int32_t status = 0;          // kRun: as waitpid gives it
  Cut cut = Cut::kNone;        // kRun
  uint32_t out_of_memory = 0;  // kRun: times that the kernel ended a process for memory
  uint64_t cpu = 0;            // kRun: nanoseconds of all processes together
  uint64_t wall = 0;           // kRun: nanoseconds
  uint64_t memory_peak = 0;    // kRun: bytes
  uint32_t has_proc = 0;       // kOpen: /proc is there
};

}  // namespace tessy::launcher
