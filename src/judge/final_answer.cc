#include "judge/final_answer.h"

#include <algorithm>
#include <cctype>

#include "base/utf8.h"
#include "judge/ascii.h"
#include "judge/math_text.h"

namespace tessy {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

struct Box {
  size_t begin = 0;  // of the command
  size_t end = 0;    // behind the closing brace
  std::string_view content;
};

// The boxes that close, in the order of their begin, without those inside others.
std::vector<Box> OuterBoxes(std::string_view text) {
  struct Open {
    bool box = false;
    size_t command = 0;
    size_t content = 0;
  };
  std::vector<Open> open;
  std::vector<Box> boxes;
  const auto close = [&](size_t command, size_t content, size_t end) {
    while (!boxes.empty() && boxes.back().begin > command) boxes.pop_back();
    boxes.push_back({command, end, text.substr(content, end - content)});
  };
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\') {
      const std::string_view rest = text.substr(at);
      const size_t name = rest.starts_with("\\boxed") ? 6 : rest.starts_with("\\fbox") ? 5 : 0;
      if (name == 0) {
        if (rest.size() > 1 && (rest[1] == '{' || rest[1] == '}')) ++at;
        continue;
      }
      size_t next = at + name;
      while (next < text.size() && IsBlank(text[next])) ++next;
      if (next < text.size() && text[next] == '{') {
        open.push_back({true, at, next + 1});
        at = next;
      } else if (next < text.size() && (IsDigit(text[next]) || (next > at + name && IsLetter(text[next])))) {
        size_t end = next + 1;
        while (end < text.size() && IsDigit(text[end - 1]) && IsDigit(text[end])) ++end;
        close(at, next, end);
        at = end - 1;
      }
    } else if (text[at] == '{') {
      open.push_back({});
    } else if (text[at] == '}' && !open.empty()) {
      const Open last = open.back();
      open.pop_back();
      if (!last.box) continue;
      close(last.command, last.content, at);
      boxes.back().end = at + 1;
    }
  }
  return boxes;
}

// Only a comma or a word that joins, between the boxes' formulas.
bool IsJoiner(std::string_view between) {
  std::string word;
  for (size_t at = 0; at < between.size(); ++at) {
    const char c = between[at];
    if (c == '\\' && at + 1 < between.size() && !IsLetter(between[at + 1])) {
      ++at;
    } else if (!IsBlank(c) && c != '\n' && c != '$') {
      word += c;
    }
  }
  word = Lower(word);
  for (const std::string_view joiner :
       {",", "and", "or", ",and", ",or", "\\text{and}", "\\text{or}", "、", "，", "和", "或"}) {
    if (word == joiner) return true;
  }
  return false;
}

// Where the sentence ends that begins with the text: at a line's end, or at a full stop that a blank follows.
std::string_view Sentence(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\n') return text.substr(0, at);
    if (text.substr(at).starts_with("。")) return text.substr(0, at);
    // 5! is a number.
    const bool stop = text[at] == '.' || text[at] == '?' || text[at] == ';';
    if (stop && (at + 1 == text.size() || IsBlank(text[at + 1]) || text[at + 1] == '\n')) {
      return text.substr(0, at);
    }
  }
  return text;
}

// What stands between two marks; the first such piece of the text.
std::optional<std::string_view> Between(std::string_view text, std::string_view open,
                                        std::string_view close) {
  const size_t begin = text.find(open);
  if (begin == std::string_view::npos) return std::nullopt;
  const size_t end = text.find(close, begin + open.size());
  if (end == std::string_view::npos) return std::nullopt;
  return text.substr(begin + open.size(), end - begin - open.size());
}

// The formula or the bold part of a sentence that names the answer.
std::string Core(std::string_view sentence) {
  constexpr std::string_view kMarks[][2] = {
      {"$$", "$$"}, {"$", "$"}, {"\\(", "\\)"}, {"\\[", "\\]"}, {"**", "**"}};
  for (const auto& [open, close] : kMarks) {
    const auto inner = Between(sentence, open, close);
    // "$5 and then $3" is money.
    if (inner && !Trimmed(*inner).empty() && (open[0] != '$' || inner->find(' ') != 0)) {
      return std::string(Trimmed(*inner));
    }
  }
  std::string plain;
  for (const char c : Trimmed(sentence)) {
    if (c != '*' && c != '`') plain += c;
  }
  return std::string(Trimmed(plain));
}

// Behind the last mark "answer is" or "answer:" that says something; nothing if there is none.
std::optional<std::string_view> AfterMark(std::string_view text) {
  const std::string lower = Lower(text);
  constexpr std::string_view kMarks[] = {"answer is", "answer would be", "answer:", "answer**:", "answer:**",
                                         "answer =",  "答案是",          "答案：",  "答案为"};
  std::optional<std::string_view> found;
  size_t last = 0;
  for (const std::string_view mark : kMarks) {
    for (size_t at = lower.find(mark); at != std::string::npos; at = lower.find(mark, at + 1)) {
      std::string_view rest = text.substr(at + mark.size());
      while (!rest.empty() && (IsBlank(rest[0]) || rest[0] == ':' || rest[0] == '*')) rest.remove_prefix(1);
      while (!rest.empty() && rest[0] == '\n') rest.remove_prefix(1);
      const std::string begin = Lower(rest.substr(0, 4));
      const size_t place = at + mark.size();
      if (Trimmed(rest).empty() || begin == "not " || place < last) continue;
      last = place;
      // The stars that were passed over may open something bold.
      const size_t stars = static_cast<size_t>(rest.data() - text.data());
      const bool bold = stars >= 2 && text.substr(stars - 2, 2) == "**" && mark.back() != '*';
      found = bold ? text.substr(stars - 2) : rest;
    }
  }
  return found;
}

// A bold text that can be an answer: it begins with a number or says what something equals.
bool IsAnswerLike(std::string_view bold) {
  bold = Trimmed(bold);
  while (!bold.empty() && (bold[0] == '$' || bold[0] == '\\' || bold[0] == '-' || bold[0] == '('))
    bold.remove_prefix(1);
  if (bold.empty() || bold.back() == ':') return false;
  // "**2. Check**" is a heading.
  size_t digits = 0;
  while (digits < bold.size() && IsDigit(bold[digits])) ++digits;
  const bool heading = digits > 0 && digits + 1 < bold.size() &&
                       (bold[digits] == '.' || bold[digits] == ')') && bold[digits + 1] == ' ';
  return !heading && (IsDigit(bold[0]) || bold.starts_with("frac") || bold.starts_with("dfrac") ||
                      bold.find('=') != std::string_view::npos);
}

std::optional<std::string> LastBold(std::string_view text) {
  text = Trimmed(text);
  const size_t paragraph = text.rfind("\n\n");
  if (paragraph != std::string_view::npos) text = text.substr(paragraph + 2);
  std::optional<std::string> found;
  for (size_t at = text.find("**"); at != std::string_view::npos;) {
    const size_t end = text.find("**", at + 2);
    if (end == std::string_view::npos) break;
    const std::string_view bold = text.substr(at + 2, end - at - 2);
    if (IsAnswerLike(bold)) found = std::string(Trimmed(bold));
    at = text.find("**", end + 2);
  }
  return found;
}

}  // namespace

std::optional<std::string_view> AfterThinking(std::string_view response) {
  constexpr std::string_view kClose = "</think>";
  if (const size_t at = response.rfind(kClose); at != std::string_view::npos) {
    response.remove_prefix(at + kClose.size());
    while (!response.empty() && IsSpace(response[0])) response.remove_prefix(1);
  }
  if (response.find("<think>") != std::string_view::npos) return std::nullopt;
  return response;
}

std::optional<std::string> TextAfterThinking(std::string_view response) {
  const auto answer = AfterThinking(response);
  if (!answer) return std::nullopt;
  response = *answer;
  std::string text;
  for (size_t at = 0; at < response.size();) {
    const size_t end =
        response.substr(at).starts_with("<|") ? response.substr(at, 40).find("|>") : std::string_view::npos;
    if (end == std::string_view::npos) {
      text += response[at++];
    } else {
      at += end + 2;
    }
  }
  return text;
}

std::optional<std::string> LastBox(std::string_view text) {
  const std::vector<Box> boxes = OuterBoxes(text);
  if (boxes.empty()) return std::nullopt;
  std::string content(boxes.back().content);
  for (size_t i = boxes.size() - 1; i-- > 0;) {
    if (!IsJoiner(text.substr(boxes[i].end, boxes[i + 1].begin - boxes[i].end))) break;
    content.insert(0, std::string(boxes[i].content) + ", ");
  }
  return content;
}

std::optional<std::string> AfterHashes(std::string_view text) {
  const size_t at = text.rfind("####");
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = text.substr(at + 4);
  rest = Trimmed(rest);
  // "#### Step 2" with more behind it is a heading.
  const bool heading =
      rest.starts_with('#') || (at > 0 && text[at - 1] == '#') || rest.find('\n') != std::string_view::npos;
  return rest.empty() || heading ? std::nullopt : std::optional(std::string(rest));
}

std::optional<std::string> NamedAnswer(std::string_view text) {
  if (const auto rest = AfterMark(text)) {
    const std::string core = Core(Sentence(*rest));
    // "Final answer: the final answer is 3." has said it by the last mark.
    if (!core.empty()) return core;
  }
  return LastBold(text);
}

std::optional<std::string> NamedAfterBox(std::string_view text) {
  const std::vector<Box> boxes = OuterBoxes(text);
  if (boxes.empty()) return std::nullopt;
  const auto rest = AfterMark(text.substr(boxes.back().end));
  return rest ? std::optional(Core(Sentence(*rest))) : std::nullopt;
}

std::string_view LastLine(std::string_view text) {
  text = Trimmed(text);
  const size_t newline = text.rfind('\n');
  return newline == std::string_view::npos ? text : Trimmed(text.substr(newline + 1));
}

std::string LastFormula(std::string_view text) {
  const std::string_view line = LastLine(text);
  constexpr std::string_view kMarks[][2] = {{"$", "$"}, {"\\(", "\\)"}};
  for (const auto& [open, close] : kMarks) {
    const size_t end = line.rfind(close);
    if (end == std::string_view::npos || end == 0) continue;
    const size_t begin = line.rfind(open, end - 1);
    if (begin != std::string_view::npos && begin + open.size() < end) {
      return std::string(line.substr(begin + open.size(), end - begin - open.size()));
    }
  }
  return std::string(line);
}

std::string WithPlainWidth(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const CodePoint character = FirstCodePoint(text);
    const size_t bytes = std::max<size_t>(1, character.bytes);
    const char32_t c = character.value;
    if (c >= 0xFF01 && c <= 0xFF5E) {
      out += static_cast<char>(c - 0xFF01 + '!');
    } else {
      out.append(text.substr(0, bytes));
    }
    text.remove_prefix(bytes);
  }
  return out;
}

}  // namespace tessy
