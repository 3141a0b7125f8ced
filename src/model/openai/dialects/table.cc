// The table of dialects: a new one is a file in this folder and a row here.
#include <algorithm>

#include "model/openai/dialect.h"

namespace tessy {

extern const ServerDialect kLlamaServer;
extern const ServerDialect kSglang;
extern const ServerDialect kVllm;

namespace {

constexpr const ServerDialect* kTable[] = {
    &kLlamaServer, &kSglang,
    &kVllm,  // last, since it recognises any server that lists its models
};

}  // namespace

std::span<const ServerDialect* const> ServerDialects() { return kTable; }

const ServerDialect* FindDialect(std::string_view name) {
  const auto* found =
      std::ranges::find_if(kTable, [&](const ServerDialect* dialect) { return dialect->name == name; });
  return found == std::end(kTable) ? nullptr : *found;
}

std::vector<std::string> DialectNames() {
  std::vector<std::string> names;
  for (const ServerDialect* dialect : kTable) names.emplace_back(dialect->name);
  return names;
}

}  // namespace tessy
