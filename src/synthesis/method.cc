#include "synthesis/method.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace tessy {

Result<Method> FindMethod(std::string_view name) {
  const auto it =
      std::find_if(kMethods.begin(), kMethods.end(), [&](const Method& m) { return m.name == name; });
  if (it != kMethods.end()) return *it;
  std::string names;
  for (const Method& method : kMethods) names += fmt::format("{}{}", names.empty() ? "" : ", ", method.name);
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("--method {}: no such method; there are {}", name, names));
}

}  // namespace tessy
