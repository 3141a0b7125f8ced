#include "cooperation/closing.h"

namespace tessy {

std::optional<size_t> FindMarker(std::string_view text, size_t from, std::span<const std::string> markers) {
  std::optional<size_t> first;
  for (const std::string& marker : markers) {
    if (marker.empty()) continue;
    const size_t begin = from < marker.size() ? 0 : from - marker.size() + 1;
    const size_t found = text.find(marker, begin);
    if (found != std::string_view::npos && (!first || found < *first)) first = found;
  }
  return first;
}

std::optional<size_t> FindMarkerOfText(std::string_view text, size_t from,
                                       std::span<const std::string> markers) {
  for (const std::string_view marker : markers) {
    const size_t first = marker.find_first_not_of('\n');
    if (first == 0 || first == std::string_view::npos) continue;
    const std::string_view line = marker.substr(first);
    if (line.size() > from && text.starts_with(line)) return 0;
  }
  return FindMarker(text, from, markers);
}

}  // namespace tessy
