// The table of methods: a new one is a file in this folder and a row here.
#include <algorithm>
#include <string>
#include <vector>

#include "synthesis/method.h"

namespace tessy {

namespace methods {
std::span<const Method> WriteOnceMethods();
std::span<const Method> TeacherMixMethods();
std::span<const Method> TeacherScoreMethods();
std::span<const Method> TeacherReferenceMethods();
}  // namespace methods

std::span<const Method> Methods() {
  static const std::vector<Method> all = [] {
    std::vector<Method> table;
    for (const auto rows : {methods::WriteOnceMethods(), methods::TeacherMixMethods(),
                            methods::TeacherScoreMethods(), methods::TeacherReferenceMethods()}) {
      table.insert(table.end(), rows.begin(), rows.end());
    }
    return table;
  }();
  return all;
}

Result<Method> FindMethod(std::string_view name) {
  const std::span<const Method> table = Methods();
  const auto found = std::ranges::find(table, name, &Method::name);
  if (found != table.end()) return *found;
  std::string names;
  for (const Method& method : table) names += (names.empty() ? "" : ", ") + std::string(method.name);
  return Fail(ErrorCode::kInvalidArgument,
              "--method " + std::string(name) + ": no such method; there are " + names);
}

}  // namespace tessy
