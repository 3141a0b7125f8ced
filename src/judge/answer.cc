#include "judge/answer.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "judge/answer_form.h"
#include "judge/choice_answer.h"
#include "judge/final_answer.h"
#include "judge/math_text.h"

namespace tessy {
namespace {

using Kind = AnswerForm::Kind;

bool HasDigit(std::string_view text) { return text.find_first_of("0123456789") != std::string_view::npos; }

// The answer of a whole solution, or the text itself.
std::string AnswerOfSolution(std::string_view expected) {
  if (auto hashes = AfterHashes(expected)) return *hashes;
  if (auto box = LastBox(expected)) return *box;
  return std::string(Trimmed(expected));
}

bool IsNumber(const AnswerForm& form) { return form.kind == Kind::kValue && !form.sides[0].HasNames(); }

bool IsProse(const AnswerForm& form) {
  return form.kind == Kind::kWords ||
         std::any_of(form.items.begin(), form.items.end(),
                     [](const AnswerForm& item) { return item.kind == Kind::kWords; });
}

// Numbers with blanks between them, and nothing else.
std::vector<std::string> SeveralNumbers(std::string_view expected) {
  auto numbers = NumbersIn(expected);
  size_t length = 0;
  for (const std::string& number : numbers) length += number.size();
  const auto blanks = static_cast<size_t>(
      std::count_if(expected.begin(), expected.end(), [](char c) { return c == ' ' || c == '\t'; }));
  if (numbers.size() < 2 || length + blanks != expected.size()) numbers.clear();
  return numbers;
}

std::string Joined(const std::vector<std::string>& parts, size_t begin, size_t count,
                   std::string_view between) {
  std::string text;
  for (size_t i = begin; i < begin + count; ++i) {
    if (i > begin) text += between;
    text += parts[i];
  }
  return text;
}

class Judging {
 public:
  Judging(std::string_view text, std::string expected, const ComparisonRules& rules)
      : text_(Trimmed(text)),
        expected_(std::move(expected)),
        rules_(rules),
        form_(FormOf(expected_)),
        several_(SeveralNumbers(expected_)) {
    if (form_.kind == Kind::kList && std::all_of(form_.items.begin(), form_.items.end(), IsNumber)) {
      wanted_ = form_.items.size();
    } else if (IsNumber(form_)) {
      wanted_ = 1;
    }
  }

  AnswerVerdict Run() {
    if (const auto box = LastBox(text_)) {
      const auto named = rules_.marked_only ? std::nullopt : NamedAfterBox(text_);
      // "Answer: see above" takes nothing back.
      const bool takes_its_place = named && !named->empty() && HasDigit(*named) >= HasDigit(*box);
      Try(takes_its_place ? *named : *box, takes_its_place ? Inside::kFirst : Inside::kAlone);
      return verdict_;
    }
    const bool is_cut_off = text_.find("\\boxed{") != std::string_view::npos;
    if (rules_.marked_only || is_cut_off) return verdict_;
    const auto hashes = AfterHashes(text_);
    const auto named = hashes ? hashes : NamedAnswer(text_);
    if (named && Try(*named, Inside::kFirst)) return verdict_;
    if (wanted_ == 0 && several_.empty()) {
      if (!named && !Try(LastFormula(text_), Inside::kNone)) Try(LastLine(text_), Inside::kNone);
    } else if (!named || !HasDigit(*named)) {
      // A last line that is the answer as a whole: "2^{10}".
      if (!Try(LastFormula(text_), Inside::kNone)) TryNumbers(text_, Inside::kNone);
    }
    return verdict_;
  }

 private:
  // Which numbers count of a named answer that is prose: the first; the only ones; none, so that the last
  // ones of the whole text do.
  enum class Inside { kFirst, kAlone, kNone };

  // Compares, and keeps what was compared first or what is right. Returns whether the verdict stands.
  bool Compare(const std::string& given, const AnswerForm& expected, std::string_view shown = {}) {
    return Compare(given, FormOf(given), expected, shown);
  }
  bool Compare(const std::string& given, const AnswerForm& form, const AnswerForm& expected,
               std::string_view shown = {}) {
    const bool right = IsSameAnswer(expected, form, work_, rules_.tolerances);
    if (right || verdict_.extracted.empty()) verdict_.extracted = shown.empty() ? given : shown;
    verdict_.right = verdict_.right || right;
    return right;
  }

  bool Try(std::string_view named, Inside inside) {
    const std::string given(Trimmed(named));
    const AnswerForm form = FormOf(given);
    if (Compare(given, form, form_)) return true;
    // "Yes, because …", "8 (eight)"
    if (form_.has_words && !HasDigit(expected_)) {
      return Compare(std::string(Trimmed(given.substr(0, given.find_first_of(",;")))), form_);
    }
    const bool is_prose = form.has_words || IsProse(form);
    const bool looks_inside = inside != Inside::kNone && !rules_.marked_only;
    return looks_inside && (is_prose || !several_.empty()) && TryNumbers(given, inside);
  }

  // Numbers in prose. A sentence that names the answer names it first ("180 kilometres in 3 hours") unless it
  // works it out ("5 + 3 = 8") or holds nothing but numbers; elsewhere the last ones count.
  bool TryNumbers(std::string_view text, Inside inside) {
    const bool named = inside != Inside::kNone;
    if (named && text.find('=') != std::string_view::npos) text = text.substr(text.rfind('=') + 1);
    const auto numbers = NumbersIn(text);
    const size_t wanted = several_.empty() ? wanted_ : several_.size();
    if (wanted == 0) return false;
    if (numbers.size() < wanted) {
      if (named) return false;
      verdict_.extracted = Joined(numbers, 0, numbers.size(), " ");
      return false;
    }
    if (inside == Inside::kAlone && several_.empty() && numbers.size() > wanted) return false;
    const bool only_numbers = text.find_first_not_of("0123456789., -/\\%") == std::string_view::npos;
    const size_t begin = named && !only_numbers ? 0 : numbers.size() - wanted;
    verdict_.extracted.clear();
    if (several_.empty()) {
      return Compare(Joined(numbers, begin, wanted, ", "), form_);
    }
    bool right = true;
    for (size_t i = 0; i < wanted; ++i) {
      right =
          right && IsSameAnswer(FormOf(several_[i]), FormOf(numbers[begin + i]), work_, rules_.tolerances);
    }
    verdict_ = {.right = right, .extracted = Joined(numbers, begin, wanted, " ")};
    return right;
  }

  std::string_view text_;
  std::string expected_;
  const ComparisonRules& rules_;
  AnswerForm form_;
  std::vector<std::string> several_;
  size_t wanted_ = 0;  // numbers; 0: something else is expected
  MathWork work_;
  AnswerVerdict verdict_;
};

}  // namespace

AnswerVerdict JudgeAnswer(std::string_view answer, std::string_view expected, const ComparisonRules& rules) {
  const auto text = TextAfterThinking(answer);
  if (!text) return {};
  std::string wanted = AnswerOfSolution(expected);
  if (const char choice = ChoiceOf(wanted); choice != '\0') {
    const char found = ChoiceIn(*text, choice <= 'D' ? 'D' : 'J',
                                rules.marked_only ? ChoiceRule::kMarked : ChoiceRule::kAnywhere);
    return {.right = found == choice, .extracted = found == '\0' ? "" : std::string(1, found)};
  }
  return Judging(*text, std::move(wanted), rules).Run();
}

bool IsRightAnswer(std::string_view answer, std::string_view expected) {
  return JudgeAnswer(answer, expected).right;
}

std::string ExtractAnswer(std::string_view answer, std::string_view expected) {
  return JudgeAnswer(answer, expected).extracted;
}

}  // namespace tessy
