#include "fuzz/target.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <unordered_set>
#include <utility>

namespace tessy::fuzz {
namespace {

std::vector<Target>& Registered() {
  static std::vector<Target> targets;
  return targets;
}

bool news = false;

std::string WithoutParticulars(std::string_view outcome) {
  std::string kept;
  bool quoted = false;
  for (const char c : outcome.substr(0, 100)) {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c < '0' || c > '9')) kept += c;
  }
  return kept;
}

}  // namespace

// Targets come in the order in which CMakeLists.txt names them.
Registration::Registration(Target target) { Registered().push_back(std::move(target)); }

const std::vector<Target>& Targets() { return Registered(); }

const Target* FindTarget(std::string_view name) {
  const auto found = std::ranges::find(Targets(), name, &Target::name);
  return found == Targets().end() ? nullptr : &*found;
}

void Require(bool holds, std::string_view property) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: this does not hold: %.*s\n", static_cast<int>(property.size()),
               property.data());
  std::abort();
}

void Note(std::string_view outcome) {
  static std::unordered_set<size_t> known;
  news = known.insert(std::hash<std::string>()(WithoutParticulars(outcome))).second || news;
}

bool TakeNews() { return std::exchange(news, false); }

MemoryFile::MemoryFile(std::string_view content) : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
  size_t written = 0;
  while (descriptor_ >= 0 && written < content.size()) {
    const ssize_t n = ::write(descriptor_, content.data() + written, content.size() - written);
    if (n <= 0) break;
    written += static_cast<size_t>(n);
  }
  if (descriptor_ < 0 || written < content.size()) {
    std::perror("fuzz: a file in memory");
    std::exit(2);
  }
  path_ = "/proc/self/fd/" + std::to_string(descriptor_);
}

MemoryFile::~MemoryFile() { ::close(descriptor_); }

std::pair<std::string_view, std::string_view> InTwo(std::string_view input) {
  const size_t at = input.find('\x1E');
  if (at == std::string_view::npos) return {input, {}};
  return {input.substr(0, at), input.substr(at + 1)};
}

}  // namespace tessy::fuzz
