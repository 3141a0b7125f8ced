#include "judge/sandbox/launcher/system.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <ctime>

namespace tessy::launcher {
namespace {

std::string_view ReadBegin(int file, char* buffer, size_t size) {
  const ssize_t count = file < 0 ? -1 : pread(file, buffer, size, 0);
  return {buffer, count < 0 ? 0 : static_cast<size_t>(count)};
}

uint64_t NumberAt(std::string_view text, uint64_t otherwise) {
  uint64_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  return end.ec == std::errc() ? number : otherwise;
}

}  // namespace

uint64_t Now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

uint64_t ReadNumber(int file, uint64_t otherwise) {
  char buffer[32];
  return NumberAt(ReadBegin(file, buffer, sizeof buffer), otherwise);
}

uint64_t ReadNumberOf(int file, std::string_view key, uint64_t otherwise) {
  char buffer[1024];
  std::string_view text = ReadBegin(file, buffer, sizeof buffer);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      return NumberAt(line.substr(key.size() + 1), otherwise);
    }
    text.remove_prefix(line.size() < text.size() ? line.size() + 1 : text.size());
  }
  return otherwise;
}

bool WriteText(int file, std::string_view text) {
  return file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool WriteNumber(int file, uint64_t number) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number);
  return WriteText(file, {buffer, static_cast<size_t>(end.ptr - buffer)});
}

}  // namespace tessy::launcher
