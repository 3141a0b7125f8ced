#include "store/open_run_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "store/sqlite/sqlite_run_store.h"

namespace tessy {
namespace {

using Open = Result<std::unique_ptr<RunStore>> (*)(const std::string& place);

// A kind of store. A new one is a line of the table.
struct Kind {
  std::string_view scheme;
  std::string_view form;  // of its addresses, for messages
  Open open;              // gets what follows the scheme's colon
  Open open_to_read;
};

constexpr std::array kKinds{
    Kind{.scheme = "sqlite",
         .form = "sqlite:PATH, or PATH alone",
         .open = &SqliteRunStore::Open,
         .open_to_read = &SqliteRunStore::OpenToRead},
};
constexpr const Kind& kDefault = kKinds[0];

// Empty if the address is a path alone.
std::string_view SchemeOf(std::string_view url) {
  const size_t colon = url.find(':');
  if (colon == std::string_view::npos || colon == 0) return {};
  const std::string_view scheme = url.substr(0, colon);
  const auto may_follow = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '.';
  };
  if (std::isalpha(static_cast<unsigned char>(scheme[0])) == 0 || !std::ranges::all_of(scheme, may_follow))
    return {};
  return scheme;
}

struct Place {
  const Kind* kind;
  std::string rest;
};

Result<Place> PlaceOf(const std::string& url) {
  const std::string_view scheme = SchemeOf(url);
  if (scheme.empty()) return Place{.kind = &kDefault, .rest = url};
  const auto* kind = std::ranges::find(kKinds, scheme, &Kind::scheme);
  if (kind != kKinds.end()) return Place{.kind = kind, .rest = url.substr(scheme.size() + 1)};
  std::string forms;
  for (const Kind& known : kKinds) forms += (forms.empty() ? "" : "; ") + std::string(known.form);
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: no store of a run has this kind of address; there is: {}", scheme, forms));
}

}  // namespace

Result<std::unique_ptr<RunStore>> OpenRunStore(const std::string& url) {
  return PlaceOf(url).and_then([](const Place& place) { return place.kind->open(place.rest); });
}

Result<std::unique_ptr<RunStore>> OpenRunStoreToRead(const std::string& url) {
  return PlaceOf(url).and_then([](const Place& place) { return place.kind->open_to_read(place.rest); });
}

std::string RunStoreIn(const std::string& run_folder) {
  return fmt::format("sqlite:{}/{}", run_folder, kRunStoreFile);
}

}  // namespace tessy
