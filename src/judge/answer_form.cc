#include "judge/answer_form.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "judge/answer_words.h"
#include "judge/ascii.h"
#include "judge/math_text.h"

namespace tessy {
namespace {

using Kind = AnswerForm::Kind;

constexpr int kDeepest = 12;        // answers inside answers
constexpr size_t kMostItems = 500;  // of one list

class FormReader {
 public:
  AnswerForm ReadAnswer(std::string_view text) {
    text = WithoutEnd(WithoutModulus(text));
    if (text.empty()) return {};
    auto parts = SplitOutside(text, ",");
    std::erase_if(parts, [](std::string_view part) { return Trimmed(part).empty(); });
    if (parts.size() > kMostItems) return Labelled({.kind = Kind::kWords}, text);
    if (parts.size() > 1) return Labelled(ListOf(parts), text);
    return ReadItem(text);
  }

 private:
  AnswerForm Labelled(AnswerForm form, std::string_view text) const {
    form.plain = WithoutBraces(WithoutBlanks(text));
    form.folded = Folded(text);
    form.has_words = IsWordLike(text);
    return form;
  }

  AnswerForm ListOf(const std::vector<std::string_view>& parts) {
    AnswerForm list{.kind = Kind::kList};
    for (const std::string_view part : parts) {
      AnswerForm item = ReadItem(WithoutEnd(part));
      // 1, \pm 2 are three answers.
      if (item.kind == Kind::kList && part.find('{') == std::string_view::npos && item.name.empty()) {
        for (AnswerForm& inner : item.items) list.items.push_back(std::move(inner));
      } else {
        list.items.push_back(std::move(item));
      }
    }
    return list;
  }

  AnswerForm ReadItem(std::string_view text) {
    text = WithoutOuterBraces(WithoutWordsBefore(WithoutOuterBraces(text)));
    if (text.empty()) return {};
    if (++depth_ > kDeepest) {
      --depth_;
      return Labelled({.kind = Kind::kWords}, text);
    }
    AnswerForm form = ReadUnion(text);
    --depth_;
    return Labelled(std::move(form), text);
  }

  AnswerForm ReadUnion(std::string_view text) {
    if (const auto member = SplitOutside(text, "\\in "); member.size() == 2)
      return Named(member[0], ReadItem(member[1]));
    const auto parts = SplitOutside(text, "\\cup");
    return parts.size() > 1 && parts.size() <= kMostItems ? ListOf(parts) : ReadPlusMinus(text);
  }

  AnswerForm ReadPlusMinus(std::string_view text) {
    if (text.find("\\pm") == std::string_view::npos) return ReadRelation(text);
    const std::string above = Replaced(Replaced(text, "\\pm", "+"), "\\mp", "-");
    const std::string below = Replaced(Replaced(text, "\\pm", "-"), "\\mp", "+");
    AnswerForm list{.kind = Kind::kList};
    list.items.push_back(ReadItem(above));
    list.items.push_back(ReadItem(below));
    return list;
  }

  AnswerForm ReadRelation(std::string_view text) {
    const auto signs = SignsOf(text);
    if (signs.empty()) return ReadThing(text);
    std::vector<std::string_view> sides;
    size_t begin = 0;
    for (const auto& [at, sign] : signs) {
      sides.push_back(Trimmed(text.substr(begin, at - begin)));
      begin = at + sign.size();
    }
    sides.push_back(Trimmed(text.substr(begin)));
    const bool all_equal =
        std::all_of(signs.begin(), signs.end(), [](const auto& sign) { return sign.second == "="; });
    if (all_equal) return sides.size() == 2 ? ReadEquation(sides[0], sides[1]) : ReadChain(sides);
    if (sides.size() == 2) return ReadInequality(sides[0], signs[0].second, sides[1]);
    if (sides.size() == 3) return ReadBetween(sides, signs[0].second, signs[1].second);
    return {.kind = Kind::kWords};
  }

  // Places and signs of the relations outside brackets.
  static std::vector<std::pair<size_t, std::string_view>> SignsOf(std::string_view text) {
    std::vector<std::pair<size_t, std::string_view>> signs;
    int depth = 0;
    for (size_t at = 0; at < text.size(); ++at) {
      const char c = text[at];
      if (text.substr(at).starts_with("\\begin")) return {};
      depth += c == '(' || c == '[' || c == '{' ? 1 : c == ')' || c == ']' || c == '}' ? -1 : 0;
      if (depth != 0) continue;
      for (const std::string_view sign : {"<=", ">=", "=", "<", ">", "\\neq"}) {
        if (!text.substr(at).starts_with(sign)) continue;
        signs.emplace_back(at, sign);
        at += sign.size() - 1;
        break;
      }
    }
    return signs;
  }

  // "x", "a_n", "f(x)", "(x,y)", "\angle ABC"; empty if the text is no name.
  static std::string NameIn(std::string_view text) {
    text = WithoutOuterBraces(text);
    const auto expression = MathExpression::Parse(text);
    if (expression && expression->IsName()) return WithoutBraces(WithoutBlanks(text));
    const size_t bracket = text.find('(');
    if (bracket == std::string_view::npos || text.back() != ')') return "";
    if (bracket > 0 && NameIn(text.substr(0, bracket)).empty()) return "";
    const std::string_view inside = text.substr(bracket + 1, text.size() - bracket - 2);
    for (const std::string_view part : SplitOutside(inside, ",")) {
      const auto argument = MathExpression::Parse(Trimmed(part));
      if (!argument || !argument->IsName()) return "";
    }
    return WithoutBraces(WithoutBlanks(text));
  }

  AnswerForm Named(std::string_view name, AnswerForm form) const {
    form.name = NameIn(Trimmed(name));
    if (form.name.empty()) form.name = WithoutBlanks(name);
    return form;
  }

  AnswerForm ReadEquation(std::string_view left, std::string_view right) {
    std::string name = NameIn(left);
    std::string_view value = right;
    if (name.empty()) {
      name = NameIn(right);
      value = left;
    }
    const auto left_side = MathExpression::Parse(left);
    const auto right_side = MathExpression::Parse(right);
    // 5 + 3 = 8 and 1/2 = 0.5 are worked out.
    const bool constant = left_side && right_side && !left_side->HasNames() && !right_side->HasNames();
    if (constant) return ReadItem(right);
    AnswerForm form{.kind = Kind::kEquation};
    if (!name.empty()) {
      form = ReadItem(value);
      form.name = name;
    } else {
      form.items.push_back(ReadItem(left));
      form.items.push_back(ReadItem(right));
    }
    form.sides.resize(std::min<size_t>(form.sides.size(), 1));
    if (left_side && right_side) {
      if (form.sides.empty()) form.sides.push_back(*right_side);
      form.sides.push_back(*left_side);
      form.sides.push_back(*right_side);
    }
    return form;
  }

  AnswerForm ReadChain(const std::vector<std::string_view>& sides) {
    const std::span<const std::string_view> read(sides.data(), std::min(sides.size(), kMostItems));
    // m + n = 100 + 16 = 116 is worked out; x = y = 3 says something of two names. Asked first: a side that
    // is read twice would have its own sides read four times.
    const bool is_worked_out = std::ranges::all_of(read.subspan(1), [](std::string_view side) {
      const auto value = MathExpression::Parse(side);
      return value && !value->HasNames();
    });
    if (is_worked_out) return ReadEquation(sides.front(), sides.back());
    AnswerForm chain{.kind = Kind::kChain};
    for (const std::string_view side : read) chain.items.push_back(ReadItem(side));
    return chain;
  }

  static AnswerForm Interval(std::string_view name, char open, AnswerForm low, AnswerForm high, char close) {
    AnswerForm form{.kind = Kind::kBracket};
    form.name = NameIn(name);
    form.open = open;
    form.close = close;
    form.items.push_back(std::move(low));
    form.items.push_back(std::move(high));
    return form;
  }

  static bool IsConstant(std::string_view text) {
    const auto value = MathExpression::Parse(text);
    return value && (!value->HasNames() || text.find("\\infty") != std::string_view::npos);
  }

  AnswerForm ReadInequality(std::string_view left, std::string_view sign, std::string_view right) {
    if (sign[0] == '>') return ReadInequality(right, sign == ">" ? "<" : "<=", left);
    const char bound = sign == "<=" ? ']' : ')';
    if (sign != "\\neq" && !NameIn(left).empty() && IsConstant(right)) {
      return Interval(left, '(', ReadItem("-\\infty"), ReadItem(right), bound);
    }
    if (sign != "\\neq" && !NameIn(right).empty() && IsConstant(left)) {
      return Interval(right, bound == ']' ? '[' : '(', ReadItem(left), ReadItem("\\infty"), ')');
    }
    const auto smaller = MathExpression::Parse(left);
    const auto larger = MathExpression::Parse(right);
    AnswerForm form{.kind = Kind::kWords};
    if (!smaller || !larger) return form;
    form.kind = Kind::kRelation;
    form.sign = sign;
    form.sides = {*smaller, *larger};
    return form;
  }

  AnswerForm ReadBetween(const std::vector<std::string_view>& sides, std::string_view first,
                         std::string_view second) {
    if (first[0] != second[0] || first[0] == '\\' || first == "=" || NameIn(sides[1]).empty()) {
      return {.kind = Kind::kWords};
    }
    const bool falling = first[0] == '>';
    const bool low_closed = (falling ? second : first).size() == 2;
    const bool high_closed = (falling ? first : second).size() == 2;
    return Interval(sides[1], low_closed ? '[' : '(', ReadItem(sides[falling ? 2 : 0]),
                    ReadItem(sides[falling ? 0 : 2]), high_closed ? ']' : ')');
  }

  AnswerForm ReadThing(std::string_view text) {
    if (text == "\\emptyset") return {.kind = Kind::kEmptySet};
    if (text.starts_with("\\mathbb{R}") && text.size() == 10) {
      return Interval("", '(', ReadItem("-\\infty"), ReadItem("\\infty"), ')');
    }
    if (text.starts_with("\\{") && text.ends_with("\\}")) return ReadSet(text.substr(2, text.size() - 4));
    if (text.starts_with("\\begin{")) return ReadMatrix(text);
    const char first = text.front();
    const char last = text.back();
    if ((first == '(' || first == '[') && (last == ')' || last == ']')) {
      const auto parts = SplitOutside(text.substr(1, text.size() - 2), ",");
      if (parts.size() > 1 && parts.size() <= kMostItems) return ReadBracket(first, parts, last);
      // (C) in words and (1) are what is inside.
      if (first == '(' && last == ')' && parts[0].find_first_of("()") == std::string_view::npos &&
          !Trimmed(parts[0]).empty()) {
        return ReadItem(parts[0]);
      }
    }
    return ReadValue(text);
  }

  AnswerForm ReadSet(std::string_view inside) {
    auto parts = SplitOutside(inside, ",");
    std::erase_if(parts, [](std::string_view part) { return Trimmed(part).empty(); });
    if (parts.empty()) return {.kind = Kind::kEmptySet};
    if (parts.size() > kMostItems) return {.kind = Kind::kWords};
    return ListOf(parts);
  }

  AnswerForm ReadBracket(char open, const std::vector<std::string_view>& parts, char close) {
    AnswerForm form{.kind = Kind::kBracket};
    form.open = open;
    form.close = close;
    for (const std::string_view part : parts) form.items.push_back(ReadItem(Trimmed(part)));
    return form;
  }

  AnswerForm ReadMatrix(std::string_view text) {
    const size_t head = text.find('}');
    const size_t tail = text.rfind("\\end{");
    AnswerForm matrix{.kind = Kind::kWords};
    if (head == std::string_view::npos || tail == std::string_view::npos || tail < head) return matrix;
    std::string_view name = text.substr(7, head - 7);
    std::string_view body = text.substr(head + 1, tail - head - 1);
    if (name == "array" && body.starts_with("{"))
      body.remove_prefix(std::min(body.size(), body.find('}') + 1));
    const bool is_matrix = name == "matrix" || name == "pmatrix" || name == "bmatrix" || name == "array" ||
                           name == "smallmatrix" || name == "Bmatrix";
    if (!is_matrix || text.find('}', tail) != text.size() - 1) return matrix;
    for (const std::string_view row : SplitOutside(body, "\\\\")) {
      if (Trimmed(row).empty()) continue;
      AnswerForm cells{.kind = Kind::kBracket};
      for (const std::string_view cell : SplitOutside(row, "&"))
        cells.items.push_back(ReadItem(Trimmed(cell)));
      matrix.items.push_back(std::move(cells));
      if (matrix.items.size() > kMostItems) return {.kind = Kind::kWords};
    }
    matrix.kind = Kind::kMatrix;
    return matrix;
  }

  AnswerForm ReadValue(std::string_view text) {
    AnswerForm form{.kind = Kind::kValue};
    if (const MathUnit unit = TakeUnit(text); unit.found) {
      form.unit = unit.name;
      text = unit.rest;
    }
    for (const std::string_view degree : {"^\\circ", "^{\\circ}", "^{\\circ }"}) {
      if (!text.ends_with(degree)) continue;
      const std::string_view number = text.substr(0, text.size() - degree.size());
      const auto value = MathExpression::Parse(number);
      if (!value || !value->IsWrittenNumber()) break;
      form.degrees = true;
      text = number;
      break;
    }
    if (text.ends_with('%')) {
      form.percent = true;
      text = Trimmed(text.substr(0, text.size() - 1));
    }
    auto value = MathExpression::Parse(text);
    if (!value) return {.kind = Kind::kWords};
    form.sides.push_back(std::move(*value));
    return form;
  }

  int depth_ = 0;
};

}  // namespace

AnswerForm FormOf(std::string_view text) {
  const std::string unmarked = WithoutMarks(text.substr(0, kLongestAnswer + 1));
  if (text.size() > kLongestAnswer) {
    AnswerForm words{.kind = Kind::kWords};
    words.plain = text;
    words.folded = Folded(text);
    return words;
  }
  const std::string plain = PlainMath(unmarked);
  AnswerForm form = FormReader().ReadAnswer(plain);
  if (const std::string commas = PlainMathWithCommas(unmarked); commas != plain) {
    form.as_list.push_back(FormReader().ReadAnswer(commas));
  }
  return form;
}

}  // namespace tessy
