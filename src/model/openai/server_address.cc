#include "model/openai/server_address.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/shorten.h"

namespace tessy {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool BeginsWith(std::string_view text, std::string_view small) {
  return text.size() >= small.size() &&
         std::equal(small.begin(), small.end(), text.begin(), [](char a, char b) { return a == Lower(b); });
}

// "http://" or "https://", whatever way it is written; empty if there is none.
std::string_view SchemeOf(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (BeginsWith(text, scheme)) return scheme;
  }
  return {};
}

// "host:8000", and then an end, a path or a name.
bool IsHostAndPort(std::string_view text) {
  const size_t colon = text.starts_with('[') ? text.find("]:") + 1 : text.find(':');
  if (colon == 0 || colon >= text.size()) return false;
  const std::string_view host = text.substr(0, colon);
  const auto is_of_host = [](char c) {
    return IsDigit(c) || (Lower(c) >= 'a' && Lower(c) <= 'z') ||
           std::string_view("-._[]:").find(c) != std::string_view::npos;
  };
  if (!std::ranges::all_of(host, is_of_host)) return false;
  std::string_view rest = text.substr(colon + 1);
  const auto end = std::ranges::find_if_not(rest, IsDigit);
  const auto digits = static_cast<size_t>(end - rest.begin());
  rest.remove_prefix(digits);
  return digits > 0 && digits <= 5 &&
         (rest.empty() || rest.front() == '/' || rest.front() == '#' || rest.front() == '?');
}

// "name:password@host:8000". Taken for a file it would be shown in a message.
bool HasUserInfo(std::string_view text) {
  const size_t at = text.substr(0, text.find('/')).rfind('@');
  return at != std::string_view::npos && IsHostAndPort(text.substr(at + 1));
}

}  // namespace

bool IsServerAddress(std::string_view spec) {
  return spec.find("://") != std::string_view::npos || IsHostAndPort(spec) || HasUserInfo(spec);
}

Result<ServerAddress> ServerAddress::Parse(std::string_view text) {
  const auto bad = [](std::string_view shown, std::string_view reason) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {}; write http://host:port/v1#served-model", Shortened(shown, 200), reason));
  };
  ServerAddress address;
  const size_t hash = text.find('#');
  std::string_view base = text.substr(0, hash);
  if (hash != std::string_view::npos) address.model = text.substr(hash + 1);
  // Neither is to be seen in a log.
  if (base.find('@') != std::string_view::npos) {
    return bad("the address", "holds a password; keys are taken from the environment");
  }
  if (text.find('?') != std::string_view::npos) {
    return bad("the address", "holds a query (?), which is not sent; keys are taken from the environment");
  }
  std::string_view scheme = SchemeOf(base);
  if (!scheme.empty()) {
    base.remove_prefix(scheme.size());
  } else if (IsHostAndPort(base)) {
    scheme = "http://";
  } else {
    return bad(text, "is no http:// or https:// address");
  }
  if (base.empty() || base.front() == '/' || base.front() == ':') return bad(text, "names no host");
  const auto treacherous = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; };
  if (std::ranges::any_of(base, treacherous)) return bad(text, "holds a blank or a control character");
  while (base.ends_with('/')) base.remove_suffix(1);
  if (base.ends_with("/v1")) base.remove_suffix(3);
  address.base = std::string(scheme) + std::string(base);
  const size_t path = std::min(address.base.find('/', scheme.size()), address.base.size());
  std::transform(address.base.begin(), address.base.begin() + static_cast<std::ptrdiff_t>(path),
                 address.base.begin(), Lower);
  return address;
}

}  // namespace tessy
