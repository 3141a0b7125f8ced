#include "judge/code_extraction.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "judge/ascii.h"
#include "judge/python_text.h"

namespace tessy {
namespace {

constexpr std::string_view kFence = "```";
constexpr std::string_view kInclude = "#include";

std::vector<std::string_view> LinesWithFence(std::string_view text) {
  std::vector<std::string_view> lines;
  for (const std::string_view line : PythonLines(text)) {
    if (line.find(kFence) != std::string_view::npos) lines.push_back(line);
  }
  return lines;
}

// What stands between the two lines of the text, without the line breaks beside them.
std::string Between(std::string_view text, std::string_view first, std::string_view second) {
  const auto begin = static_cast<size_t>(first.data() + first.size() - text.data()) + 1;
  const auto end = static_cast<size_t>(second.data() - text.data());
  return begin < end ? std::string(text.substr(begin, end - begin - 1)) : std::string();
}

// The content of each block that "```cpp" opens at the begin of a line and "\n```" closes.
std::vector<std::string_view> CppBlocks(std::string_view text) {
  constexpr std::string_view kOpen = "```cpp";
  constexpr std::string_view kClose = "\n```";
  std::vector<std::string_view> blocks;
  for (size_t at = 0; (at = text.find(kOpen, at)) != std::string_view::npos;) {
    const bool begins_line = at == 0 || text[at - 1] == '\n';
    // The blanks after the tag end with the last line break among them.
    size_t body = at + kOpen.size();
    std::optional<size_t> begin;
    for (; body < text.size() && (IsSpace(text[body]) || text[body] == '\v' || text[body] == '\f'); ++body) {
      if (text[body] == '\n') begin = body + 1;
    }
    at += kOpen.size();
    if (!begins_line || !begin) continue;
    const size_t end = text.find(kClose, *begin);
    if (end == std::string_view::npos) break;
    blocks.push_back(text.substr(*begin, end - *begin));
    at = end + kClose.size();
  }
  return blocks;
}

// Where each "int main (" begins and ends.
struct Place {
  size_t begin;
  size_t end;
};

std::vector<Place> Mains(std::string_view text) {
  std::vector<Place> mains;
  constexpr std::string_view kMain = "main";
  for (size_t at = text.find(kMain); at != std::string_view::npos; at = text.find(kMain, at + 1)) {
    size_t begin = at;
    while (begin > 0 && IsSpace(text[begin - 1])) --begin;
    size_t end = at + kMain.size();
    while (end < text.size() && IsSpace(text[end])) ++end;
    const bool is_main =
        begin < at && text.substr(0, begin).ends_with("int") && end < text.size() && text[end] == '(';
    if (is_main) mains.push_back({begin - 3, end + 1});
  }
  return mains;
}

// Behind the brace that closes the first one; the end of the text if none does.
std::optional<size_t> EndOfBraces(std::string_view text, size_t from) {
  size_t depth = 0;
  const size_t open = text.find('{', from);
  if (open == std::string_view::npos) return std::nullopt;
  for (size_t at = open; at < text.size(); ++at) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}' && --depth == 0) return at + 1;
  }
  return text.size();
}

size_t BeginOfLine(std::string_view text, size_t at) {
  const size_t before = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return before == std::string_view::npos ? 0 : before + 1;
}

bool IncludesSomething(std::string_view line) { return PythonStripped(line).starts_with(kInclude); }

// The begin of the nearest run of #include lines above the place; the begin of its own line if there is none.
size_t BeginWithIncludes(std::string_view text, size_t at) {
  const size_t own = BeginOfLine(text, at);
  std::optional<size_t> found;
  for (size_t line = own;; line = BeginOfLine(text, line - 1)) {
    const bool includes = IncludesSomething(text.substr(line, text.find('\n', line) - line));
    if (includes) found = line;
    if ((!includes && found) || line == 0) return found.value_or(own);
  }
}

std::string CppProgram(std::string_view text) {
  const auto blocks = CppBlocks(text);
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
    if (block->find(kInclude) != std::string_view::npos) return std::string(PythonStripped(*block));
  }
  if (text.find(kInclude) == std::string_view::npos) return {};
  // Each one that is tried costs a walk through the text.
  constexpr size_t kMainsMax = 100;
  auto mains = Mains(text);
  if (mains.size() > kMainsMax) mains.erase(mains.begin(), mains.end() - kMainsMax);
  for (auto main = mains.rbegin(); main != mains.rend(); ++main) {
    const auto end = EndOfBraces(text, main->end);
    if (!end) continue;
    const size_t begin = BeginWithIncludes(text, main->begin);
    const std::string_view program = PythonStripped(text.substr(begin, *end - begin));
    if (program.find(kInclude) != std::string_view::npos) return std::string(program);
  }
  return {};
}

size_t CountOf(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
    ++count;
  return count;
}

std::string OjBenchProgram(std::string_view text, std::string_view opening) {
  if (const size_t at = text.rfind(opening); at != std::string_view::npos)
    text.remove_prefix(at + opening.size());
  std::string program(text.substr(0, text.find("\n```")));
  if (CountOf(program, "def main():") == 1 && CountOf(program, "main()") == 1) program += "\nmain()";
  return program;
}

}  // namespace

std::string CodeIn(std::string_view answer, CodeRule rule) {
  switch (rule) {
    case CodeRule::kCppProgram:
      return CppProgram(answer);
    case CodeRule::kOjBenchCpp:
      return OjBenchProgram(answer, "```cpp\n");
    case CodeRule::kOjBenchPython:
      return OjBenchProgram(answer, "```python\n");
    case CodeRule::kLastFence:
    case CodeRule::kFirstFence:
      break;
  }
  const auto fences = LinesWithFence(answer);
  if (fences.size() < 2) return {};
  const size_t first = rule == CodeRule::kFirstFence ? 0 : fences.size() - 2;
  return Between(answer, fences[first], fences[first + 1]);
}

}  // namespace tessy
