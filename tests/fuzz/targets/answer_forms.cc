// The forms in which answers are compared: two texts with a record separator between them.
#include <algorithm>
#include <string>

#include "base/utf8.h"
#include "fuzz/target.h"
#include "judge/answer_form.h"
#include "judge/answer_words.h"
#include "judge/choice_answer.h"
#include "judge/final_answer.h"
#include "judge/math_text.h"

namespace tessy::fuzz {
namespace {

using Kind = AnswerForm::Kind;

bool IsSame(const AnswerForm& a, const AnswerForm& b) {
  MathWork work;
  return IsSameAnswer(a, b, work);
}

// True where comparing gives the same from both sides. Relations, and results of equations, are not meant to.
bool IsTwoWay(const AnswerForm& a, const AnswerForm& b) {
  return a.kind == Kind::kValue && b.kind == Kind::kValue && a.percent == b.percent && a.degrees == b.degrees;
}

void ReadParts(std::string_view text) {
  PlainMath(text);
  WithoutMarks(text);
  LastBox(text);
  NamedAnswer(text);
  NamedAfterBox(text);
  NumbersIn(text);
  LastFormula(text);
  ChoiceIn(text, 'J', ChoiceRule::kAnywhere);
  Note(std::string("choice ") + (ChoiceOf(text) == '\0' ? "none" : "one"));
}

void Run(std::string_view input) {
  const auto [first, second] = InTwo(input);
  ReadParts(input);
  const AnswerForm a = FormOf(first);
  const AnswerForm b = FormOf(second);
  Note(std::string(1, static_cast<char>('a' + static_cast<int>(a.kind))) +
       static_cast<char>('a' + static_cast<int>(b.kind)) + (a.unit.empty() ? "" : "u") +
       (a.name.empty() ? "" : "n") + (a.percent ? "p" : "") + (a.degrees ? "d" : "") +
       std::string(std::min<size_t>(a.items.size(), 9), 'i'));
  if (!a.plain.empty() && a.kind != Kind::kNothing) Require(IsSame(a, a), "an answer is the same as itself");
  const bool same = IsSame(a, b);
  if (IsTwoWay(a, b)) Require(same == IsSame(b, a), "two values are the same from both sides");
  Note(same ? "same" : "not the same");
}

const Registration kRegistered({.name = "answer_forms",
                                .grammar = kMath,
                                .seeds = {"\\frac{1}{2}\x1E"
                                          "0.5",
                                          "x = 3y + 1\x1E"
                                          "x - 1 = 3y",
                                          "(1, 2]\x1E[1,2]", "1,2,3\x1E\\{3,2,1\\}", "50\\%\x1E\\frac12",
                                          "90^\\circ\x1E\\frac{\\pi}{2}", "n(n+1)/2\x1E\\binom{n+1}{2}",
                                          "10^{100}+1\x1E"
                                          "10^{100}",
                                          "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}\x1E((1,2),(3,4))",
                                          "-\\infty < x \\le 3\x1E(-\\infty,3]",
                                          "3\\frac12 \\text{ km}\x1E"
                                          "3.5",
                                          "a_{1}^2\x1E"
                                          "a_1 a_1",
                                          "0.\\overline{3}\x1E"
                                          "1/3",
                                          "\\lfloor -2.5 \\rfloor\x1E-3", "2^{-1}!\x1E|{-x}|",
                                          "\\sin^{-1} 1\x1E\\arcsin(1)", "\\emptyset\x1E\\{\\}",
                                          "a = b = 3\x1E"
                                          "3"},
                                .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
