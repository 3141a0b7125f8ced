#include <algorithm>
#include <cstddef>
#include <functional>
#include <set>

#include "judge/answer_form.h"

namespace tessy {
namespace {

using Kind = AnswerForm::Kind;
using Tolerances = std::span<const double>;

class Comparison {
 public:
  explicit Comparison(MathWork& work) : work_(work) {}

  bool IsSame(const AnswerForm& expected, const AnswerForm& given, Tolerances tolerances) {
    if (expected.kind == Kind::kNothing || given.kind == Kind::kNothing || !work_.Spend(1)) return false;
    if (!expected.plain.empty() && expected.plain == given.plain) return true;
    if ((expected.has_words || given.has_words) && !expected.folded.empty() &&
        expected.folded == given.folded) {
      return true;
    }
    if (IsTwoSided(expected) && IsTwoSided(given) && IsSameTwoSided(expected, given)) return true;
    if (!expected.name.empty() && !given.name.empty() && expected.name != given.name) return false;
    if (expected.kind == Kind::kEquation || given.kind == Kind::kEquation) {
      return IsResultOf(expected, given, tolerances);
    }
    return IsSameKind(expected, given, tolerances);
  }

 private:
  static bool IsTwoSided(const AnswerForm& form) { return form.sides.size() >= 2; }
  // The sides of an equation stand behind the value of a name's.
  static const MathExpression& Left(const AnswerForm& form) { return form.sides[form.sides.size() - 2]; }
  static const MathExpression& Right(const AnswerForm& form) { return form.sides.back(); }

  bool IsSameTwoSided(const AnswerForm& expected, const AnswerForm& given) {
    if (expected.sign != given.sign) return false;
    const bool is_order = expected.sign.starts_with("<");
    return IsSameEquation(Left(expected), Right(expected), Left(given), Right(given), is_order, work_);
  }

  // m + n = 116 where 116 is expected. What has a number on its left side is an equation to be solved, and
  // says something else.
  bool IsResultOf(const AnswerForm& expected, const AnswerForm& given, Tolerances tolerances) {
    if (given.kind != Kind::kEquation || expected.kind == Kind::kEquation || !expected.name.empty())
      return false;
    const std::string& left = given.items[0].plain;
    if (left.find_first_of("0123456789") != std::string::npos) return false;
    return IsSame(expected, given.items[1], tolerances);
  }

  bool IsSameKind(const AnswerForm& expected, const AnswerForm& given, Tolerances tolerances) {
    // 1,234 is a number and a list; the other side says which.
    if (expected.kind == Kind::kValue && given.kind == Kind::kList && !expected.as_list.empty()) {
      return IsSame(expected.as_list[0], given, tolerances);
    }
    if (expected.kind == Kind::kList && given.kind == Kind::kValue && !given.as_list.empty()) {
      return IsSame(expected, given.as_list[0], tolerances);
    }
    if (expected.kind != given.kind) return false;
    switch (expected.kind) {
      case Kind::kValue:
        return IsSameNumberOrExpression(expected, given, tolerances);
      case Kind::kEmptySet:
        return true;
      case Kind::kList:
        return IsSameList(expected, given, tolerances);
      case Kind::kBracket:
        return expected.open == given.open && expected.close == given.close &&
               AreSameInOrder(expected, given, tolerances);
      case Kind::kMatrix:
      case Kind::kChain:
        return AreSameInOrder(expected, given, tolerances);
      case Kind::kNothing:
      case Kind::kWords:
      case Kind::kEquation:
      case Kind::kRelation:
        return false;  // the same text or the same sides: decided before
    }
    return false;
  }

  static Tolerances ForItem(Tolerances tolerances, size_t item) {
    if (tolerances.size() < 2) return tolerances;
    return item < tolerances.size() ? tolerances.subspan(item, 1) : Tolerances();
  }

  bool AreSameInOrder(const AnswerForm& expected, const AnswerForm& given, Tolerances tolerances) {
    if (expected.items.size() != given.items.size()) return false;
    for (size_t i = 0; i < expected.items.size(); ++i) {
      if (!IsSame(expected.items[i], given.items[i], ForItem(tolerances, i))) return false;
    }
    return true;
  }

  // All items are named, each by another name: then the names say which value is which.
  static bool AreNamed(const AnswerForm& list) {
    std::set<std::string> names;
    for (const AnswerForm& item : list.items) {
      if (item.name.empty() || !names.insert(item.name).second) return false;
    }
    return true;
  }
  static bool HaveNoNames(const AnswerForm& list) {
    return std::all_of(list.items.begin(), list.items.end(),
                       [](const AnswerForm& item) { return item.name.empty(); });
  }

  bool IsSameList(const AnswerForm& expected, const AnswerForm& given, Tolerances tolerances) {
    if (expected.items.size() != given.items.size()) return false;
    if ((AreNamed(expected) && HaveNoNames(given)) || (AreNamed(given) && HaveNoNames(expected))) {
      return AreSameInOrder(expected, given, tolerances);
    }
    return tolerances.empty() ? AreSameWithoutCommon(expected, given)
                              : CanBePaired(expected, given, tolerances);
  }

  // Items that are written alike are pairs; long lists are mostly that, and need no more.
  bool AreSameWithoutCommon(const AnswerForm& expected, const AnswerForm& given) {
    std::multiset<std::string_view> written;
    for (const AnswerForm& item : given.items) written.insert(item.plain);
    AnswerForm rest_expected;
    AnswerForm rest_given;
    for (const AnswerForm& item : expected.items) {
      const auto found = item.plain.empty() ? written.end() : written.find(item.plain);
      if (found == written.end()) {
        rest_expected.items.push_back(item);
      } else {
        written.erase(found);
      }
    }
    for (const AnswerForm& item : given.items) {
      const auto left = written.find(item.plain);
      if (left == written.end()) continue;
      rest_given.items.push_back(item);
      written.erase(left);
    }
    return CanBePaired(rest_expected, rest_given, {});
  }

  bool CanBePaired(const AnswerForm& expected, const AnswerForm& given, Tolerances tolerances) {
    // Each expected item takes one of the given ones; one that is taken may be asked to move (Kuhn, "The
    // Hungarian method for the assignment problem", 1955), since tolerances let several fit.
    const size_t count = expected.items.size();
    std::vector<std::vector<char>> fits(count, std::vector<char>(count, 0));
    for (size_t i = 0; i < count; ++i) {
      for (size_t j = 0; j < count; ++j) {
        fits[i][j] = IsSame(expected.items[i], given.items[j], ForItem(tolerances, i)) ? 1 : 0;
        if (!work_.Spend(1)) return false;
      }
    }
    constexpr size_t kFree = static_cast<size_t>(-1);
    std::vector<size_t> holder(count, kFree);
    std::vector<char> asked;
    // The depth is at most the number of items, which the reader of answers bounds.
    const std::function<bool(size_t)> place = [&](size_t item) {
      for (size_t j = 0; j < count; ++j) {
        if (fits[item][j] == 0 || asked[j] != 0) continue;
        asked[j] = 1;
        if (holder[j] != kFree && !place(holder[j])) continue;
        holder[j] = item;
        return true;
      }
      return false;
    };
    for (size_t i = 0; i < count; ++i) {
      asked.assign(count, 0);
      if (!place(i)) return false;
    }
    return true;
  }

  bool IsSameNumberOrExpression(const AnswerForm& expected, const AnswerForm& given, Tolerances tolerances) {
    if (!expected.unit.empty() && !given.unit.empty() && expected.unit != given.unit) return false;
    const MathExpression& a = expected.sides[0];
    const MathExpression& b = given.sides[0];
    if (a.HasNames() || b.HasNames()) {
      return expected.percent == given.percent && expected.degrees == given.degrees &&
             IsSameValue(a, b, work_);
    }
    const auto left = a.At(0, work_);
    const auto right = b.At(0, work_);
    if (!left || !right) return false;
    std::optional<double> tolerance;
    if (!tolerances.empty()) tolerance = tolerances[0];
    if (IsSameNumber(*left, *right, 1.0, tolerance)) return true;
    // A sign that one side alone has may be part of the value.
    if (expected.percent != given.percent) {
      return IsSameNumber(*left, *right, given.percent ? 0.01 : 100.0, tolerance);
    }
    constexpr double kDegree = 3.14159265358979323846 / 180.0;
    if (expected.degrees != given.degrees) {
      return IsSameNumber(*left, *right, given.degrees ? kDegree : 1.0 / kDegree, tolerance);
    }
    return false;
  }

  MathWork& work_;
};

}  // namespace

bool IsSameAnswer(const AnswerForm& expected, const AnswerForm& given, MathWork& work,
                  Tolerances tolerances) {
  return Comparison(work).IsSame(expected, given, tolerances);
}

}  // namespace tessy
