// The parts that every fuzz target is made of. A target is one file NAME.cc: a function that gives an input
// to a parser, seeds, and the grammar by which mutations know where values begin and end.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tessy::fuzz {

// Brackets that may stand around a value, any number of times.
struct Nest {
  std::string_view open;
  std::string_view close;
};

// The knowledge that mutations have of a language: it need not be complete, and inputs need not follow it.
struct Grammar {
  std::span<const std::string_view> values;  // that may stand where a value stands
  std::span<const Nest> nests;
};

extern const Grammar kBytes;  // nothing is known
extern const Grammar kJson;
extern const Grammar kToml;
extern const Grammar kMath;
extern const Grammar kJinja;
extern const Grammar kProse;  // responses of models

struct Target {
  std::string_view name;
  const Grammar& grammar;
  std::vector<std::string> seeds;
  // Takes any bytes. What it finds wrong, it says by Require.
  void (*run)(std::string_view input);
};

// Adds a target to the list, before main.
class Registration {
 public:
  explicit Registration(Target target);
};

// All targets, in the order in which CMakeLists.txt names them.
const std::vector<Target>& Targets();
const Target* FindTarget(std::string_view name);

// Ends the process with a line, as a crash does, where a property does not hold.
void Require(bool holds, std::string_view property);

// Tells the driver how the parser took the input: an error's message, the kind of a value. Inputs whose
// outcome is new are mutated further. Numbers and what stands in quotes do not make an outcome new.
void Note(std::string_view outcome);
// True if an outcome was new since the last call.
bool TakeNews();

// A file in memory, for parsers that read files. It is gone with the object.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  int descriptor_;
  std::string path_;
};

// The input up to the first byte 0x1E, the record separator, and what stands behind it: for parsers that take
// two texts.
std::pair<std::string_view, std::string_view> InTwo(std::string_view input);

}  // namespace tessy::fuzz
