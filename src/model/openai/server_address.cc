#include "model/openai/server_address.h"

#include <fmt/format.h>

namespace tessy {

bool IsServerAddress(std::string_view spec) {
  return spec.starts_with("http://") || spec.starts_with("https://");
}

Result<ServerAddress> ServerAddress::Parse(std::string_view text) {
  const auto bad = [&](std::string_view reason) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {}; write http://host:port/v1#served-model", text, reason));
  };
  ServerAddress address;
  const size_t hash = text.find('#');
  std::string_view base = text.substr(0, hash);
  if (hash != std::string_view::npos) address.model = text.substr(hash + 1);
  const size_t scheme = base.starts_with("http://") ? 7 : base.starts_with("https://") ? 8 : 0;
  if (scheme == 0) return bad("is no http:// or https:// address");
  if (base.size() == scheme || base[scheme] == '/' || base[scheme] == ':') return bad("names no host");
  if (base.find('@') != std::string_view::npos) {
    text = "the address";  // which is not to be seen in a log
    return bad("holds a password; keys are taken from the environment");
  }
  while (base.ends_with('/')) base.remove_suffix(1);
  if (base.ends_with("/v1")) base.remove_suffix(3);
  address.base = base;
  return address;
}

}  // namespace tessy
