#include "report/failure_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "base/utf8.h"
#include "base/visible.h"

namespace tessy {
namespace {

// Select Graphic Rendition of ECMA-48.
constexpr std::string_view kBold = "1";
constexpr std::string_view kDim = "2";

std::string Painted(std::string_view line, std::string_view sgr, bool colour) {
  return colour && !line.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", sgr, line) : std::string(line);
}

// "thinking_not_closed, 5 times; repetition", in the order in which they came first.
std::string Reasons(const Failure& failure) {
  std::vector<std::pair<std::string_view, uint64_t>> counts;
  for (const std::string& reason : failure.reasons) {
    const auto known = std::ranges::find(counts, reason, [](const auto& count) { return count.first; });
    if (known == counts.end()) {
      counts.emplace_back(reason, 1);
    } else {
      ++known->second;
    }
  }
  const std::string_view last = failure.reason.empty() ? "no reason given" : std::string_view(failure.reason);
  if (counts.empty()) counts.emplace_back(last, 1);
  std::string out;
  for (const auto& [reason, count] : counts) {
    out += fmt::format("{}{}{}", out.empty() ? "" : "; ", VisibleLine(reason),
                       count > 1 ? fmt::format(", {} times", count) : "");
  }
  return out;
}

}  // namespace

std::string RenderFailure(const Failure& failure, bool colour) {
  const std::string id = VisibleLine(NameOf(failure));
  const std::string cost = failure.failed_attempts_tokens == 0
                               ? ""
                               : fmt::format(" ({})", Counted(failure.failed_attempts_tokens, "token"));
  std::string out = fmt::format("{}  {}{}\n", Painted(id, kBold, colour), Reasons(failure), cost);
  std::string text = Visible(failure.text_end.value_or(""));
  text.erase(text.find_last_not_of(" \n") + 1);
  if (text.empty()) {
    const bool known = failure.text_end && failure.failed_attempts_tokens == 0;
    return out + Painted(known ? "    it wrote nothing" : "    its text is not on record", kDim, colour) +
           "\n\n";
  }
  const bool cut = CountCodePoints(*failure.text_end) >= kFailedTextCharacters;
  std::string_view rest = text;
  for (bool first = true; !rest.empty(); first = false) {
    const size_t newline = std::min(rest.find('\n'), rest.size());
    const std::string line = (first && cut ? "…" : "") + std::string(rest.substr(0, newline));
    out += line.empty() ? "\n" : fmt::format("    {}\n", Painted(line, kDim, colour));
    rest.remove_prefix(std::min(rest.size(), newline + 1));
  }
  return out + "\n";
}

}  // namespace tessy
