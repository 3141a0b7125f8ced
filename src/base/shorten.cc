#include "base/shorten.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/numbers.h"
#include "base/utf8.h"

namespace tessy {
namespace {

constexpr size_t kLineBegin = 2000;
constexpr size_t kLineEnd = 800;

bool ContinuesCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::string_view FirstBytes(std::string_view text, size_t bytes_max) {
  const std::string_view begin = text.substr(0, bytes_max);
  return begin.size() == text.size() ? begin : begin.substr(0, begin.size() - IncompleteTail(begin));
}

}  // namespace

std::string Shortened(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  return std::string(FirstBytes(text, bytes_max)) + "…";
}

std::string ListShortened(std::span<const std::string> names, size_t most) {
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), most); ++i) {
    list += (i == 0 ? "" : ", ") + Shortened(names[i]);
  }
  if (names.size() > most) list += fmt::format(", and {} more", WithThousands(names.size() - most));
  return list;
}

std::string LineShortened(std::string_view line) {
  if (line.size() <= kLineBegin + kLineEnd + 100) return std::string(line);
  const std::string_view begin = FirstBytes(line, kLineBegin);
  std::string_view end = line.substr(line.size() - kLineEnd);
  for (int i = 0; i < 3 && ContinuesCharacter(end.front()); ++i) end.remove_prefix(1);
  return fmt::format("{} … ({} bytes are left out) … {}", begin,
                     WithThousands(line.size() - begin.size() - end.size()), end);
}

}  // namespace tessy
