// Addresses of servers.
#include <algorithm>

#include "base/utf8.h"
#include "fuzz/target.h"
#include "model/openai/server_address.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  const bool is_address = IsServerAddress(input);
  const auto address = ServerAddress::Parse(input);
  if (!address)
    return Note(address.error().message.substr(std::min<size_t>(address.error().message.size(), 200)));
  Note("an address");
  Require(is_address, "what can be parsed as an address is one");
  const std::string& base = address->base;
  Require(base.starts_with("http://") || base.starts_with("https://"), "an address begins with a scheme");
  for (const char c : base)
    Require(static_cast<unsigned char>(c) > 0x20 && c != 0x7F, "an address holds no blank and no control");
  Require(base.find_first_of("@?#") == std::string::npos, "an address holds no password and no query");
  const auto again = ServerAddress::Parse(base + "/v1#" + address->model);
  Require(again && again->base == base && again->model == address->model,
          "an address that was written is the same address");
}

const Registration kRegistered({.name = "server_addresses",
                                .grammar = kProse,
                                .seeds = {"HTTP://Host:8000/v1/#Qwen/Qwen3", "[::1]:80/v1", "localhost:8000",
                                          "https://h/a/v1//", "user:pass@h:1", "http://h?key=1", "h:99999#m"},
                                .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
