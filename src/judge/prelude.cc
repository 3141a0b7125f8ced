#include "judge/prelude.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>
#include <vector>

#include "embedded/harness.h"
#include "judge/ascii.h"
#include "judge/python_text.h"

namespace tessy {
namespace {

bool IsWordByte(char c) { return IsLetter(c) || IsDigit(c) || c == '_'; }

struct Modules {
  std::vector<std::string> order;
  std::unordered_map<std::string_view, std::vector<size_t>> by_name;  // indices of `order`
};

const Modules& KnownModules() {
  static const Modules kModules = [] {
    Modules modules;
    for (const std::string_view line : PythonLines(embedded::harness::kPreludeNamesTxt)) {
      const size_t colon = line.find(':');
      if (line.starts_with('#') || colon == std::string_view::npos) continue;
      const size_t index = modules.order.size();
      modules.order.emplace_back(line.substr(0, colon));
      modules.by_name[line.substr(0, colon)].push_back(index);
      for (size_t i = colon + 1; i < line.size();) {
        const size_t end = std::min(line.find(' ', i), line.size());
        if (end > i) modules.by_name[line.substr(i, end - i)].push_back(index);
        i = end + 1;
      }
    }
    return modules;
  }();
  return kModules;
}

std::string WithPrelude(std::string_view script, std::string_view code) {
  return std::string(embedded::harness::kPreludePy) + Replaced(script, "@MODULES@", PreludeModules(code));
}

}  // namespace

std::string PreludeModules(std::string_view code) {
  const Modules& known = KnownModules();
  std::set<size_t> found;
  for (size_t i = 0; i < code.size();) {
    if (!IsWordByte(code[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < code.size() && IsWordByte(code[end])) ++end;
    const auto entry = known.by_name.find(code.substr(i, end - i));
    const bool is_member = i > 0 && code[i - 1] == '.';
    if (entry != known.by_name.end() && !is_member) found.insert(entry->second.begin(), entry->second.end());
    i = end;
  }
  std::string tuple = "(";
  for (const size_t index : found) tuple += fmt::format("'{}', ", known.order[index]);
  return tuple + ")";
}

std::string StdinScript(std::string_view code) { return WithPrelude(embedded::harness::kStdinPy, code); }

std::string FunctionScript(std::string_view code, std::string_view function, double seconds) {
  std::string script = WithPrelude(embedded::harness::kFunctionPy, code);
  script = Replaced(script, "@FUNCTION@",
                    nlohmann::json(function).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
  return Replaced(script, "@SECONDS@", fmt::format("{}", seconds));
}

}  // namespace tessy
