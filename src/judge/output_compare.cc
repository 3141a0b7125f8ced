#include "judge/output_compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/shorten.h"
#include "base/visible.h"
#include "judge/python_number.h"
#include "judge/python_text.h"

namespace tessy {
namespace {

// The text from shortly before the byte where the two differ.
std::string Shown(std::string_view text, size_t difference = 0) {
  constexpr size_t kBefore = 20;
  size_t begin = difference > 2 * kBefore ? std::min(difference - kBefore, text.size()) : 0;
  while (begin > 0 && begin < text.size() && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80)
    --begin;
  return std::string(begin > 0 ? "\"…" : "\"") + VisibleLine(Shortened(text.substr(begin), 60)) + "\"";
}

std::string ShownBoth(std::string_view output, std::string_view expected) {
  size_t same = 0;
  while (same < std::min(output.size(), expected.size()) && output[same] == expected[same]) ++same;
  return Shown(output, same) + " for " + Shown(expected, same);
}

OutputVerdict Wrong(std::string reason) { return {.right = false, .reason = std::move(reason)}; }
OutputVerdict Right() { return {.right = true}; }

OutputVerdict Differs(size_t line, std::string_view output, std::string_view expected) {
  return Wrong(fmt::format("line {}: {}", line + 1, ShownBoth(output, expected)));
}

std::optional<std::vector<PythonDecimal>> Decimals(std::string_view line) {
  std::vector<PythonDecimal> numbers;
  for (const std::string_view word : PythonWords(line)) {
    auto number = ReadPythonDecimal(word);
    if (!number) return std::nullopt;
    numbers.push_back(*std::move(number));
  }
  return numbers;
}

bool SameLine(std::string_view output, std::string_view expected) {
  if (output == expected) return true;
  const auto wanted = Decimals(expected);
  if (!wanted) return false;
  const auto got = Decimals(output);
  return got && *got == *wanted;
}

OutputVerdict CompareLines(std::string_view output, std::string_view expected) {
  const auto got = PythonLines(PythonStripped(output));
  const auto wanted = PythonLines(PythonStripped(expected));
  if (got.size() != wanted.size()) {
    return Wrong(fmt::format("{} lines for {}", got.size(), wanted.size()));
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    const std::string_view a = PythonStripped(got[i]);
    const std::string_view b = PythonStripped(wanted[i]);
    if (!SameLine(a, b)) return Differs(i, a, b);
  }
  return Right();
}

bool EndsLine(char c) { return c == '\n' || c == '\r'; }
bool IsCBlank(char c) { return EndsLine(c) || c == ' ' || c == '\t' || c == '\v' || c == '\f'; }

// Reads words, and whether a line ended before the word.
class WordReader {
 public:
  explicit WordReader(std::string_view text) : rest_(text) {}

  // False at the end of the text.
  bool Next() {
    line_ended_ = false;
    while (!rest_.empty() && IsCBlank(rest_[0])) {
      line_ended_ = line_ended_ || EndsLine(rest_[0]);
      rest_.remove_prefix(1);
    }
    size_t length = 0;
    while (length < rest_.size() && !IsCBlank(rest_[length])) ++length;
    word_ = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return length > 0;
  }
  std::string_view Word() const { return word_; }
  bool LineEnded() const { return line_ended_; }

 private:
  std::string_view rest_;
  std::string_view word_;
  bool line_ended_ = false;
};

OutputVerdict CompareWords(std::string_view output, std::string_view expected) {
  WordReader got(output);
  WordReader wanted(expected);
  for (size_t index = 0;; ++index) {
    const bool more = got.Next();
    if (more != wanted.Next()) {
      return Wrong(more ? fmt::format("word {}: {} after the end", index + 1, Shown(got.Word()))
                        : fmt::format("ends before word {}, {}", index + 1, Shown(wanted.Word())));
    }
    if (!more) return Right();
    if (index > 0 && got.LineEnded() != wanted.LineEnded()) {
      return Wrong(fmt::format("word {}: a line ends before it in one text only", index + 1));
    }
    if (got.Word() != wanted.Word()) {
      return Wrong(fmt::format("word {}: {}", index + 1, ShownBoth(got.Word(), wanted.Word())));
    }
  }
}

std::vector<std::string_view> LinesWithText(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of("\r\n"), text.size());
    if (end > 0) lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<std::string_view> WordsOf(std::string_view line) {
  std::vector<std::string_view> words;
  for (WordReader reader(line); reader.Next();) words.push_back(reader.Word());
  return words;
}

bool SameNumberOrWord(std::string_view output, std::string_view expected, double tolerance) {
  const auto wanted = ReadPythonFloat(expected);
  if (!wanted) return output == expected;
  const auto got = ReadPythonFloat(output);
  if (!got || !std::isfinite(*got) || !std::isfinite(*wanted)) return false;
  const double difference = std::abs(*got - *wanted);
  return difference <= tolerance || difference <= tolerance * std::abs(*wanted);
}

OutputVerdict CompareFloats(std::string_view output, std::string_view expected, double tolerance) {
  const auto got = LinesWithText(output);
  const auto wanted = LinesWithText(expected);
  if (got.size() != wanted.size()) {
    return Wrong(fmt::format("{} lines for {}", got.size(), wanted.size()));
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto a = WordsOf(got[i]);
    const auto b = WordsOf(wanted[i]);
    if (a.size() != b.size()) {
      return Wrong(fmt::format("line {}: {} words for {}", i + 1, a.size(), b.size()));
    }
    for (size_t j = 0; j < b.size(); ++j) {
      if (!SameNumberOrWord(a[j], b[j], tolerance)) return Differs(i, a[j], b[j]);
    }
  }
  return Right();
}

}  // namespace

OutputVerdict CompareOutput(std::string_view output, std::string_view expected, OutputRule rule,
                            double tolerance) {
  switch (rule) {
    case OutputRule::kWords:
      return CompareWords(output, expected);
    case OutputRule::kFloats:
      return CompareFloats(output, expected, tolerance);
    case OutputRule::kLines:
      break;
  }
  return CompareLines(output, expected);
}

}  // namespace tessy
