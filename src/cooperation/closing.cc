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

}  // namespace tessy
