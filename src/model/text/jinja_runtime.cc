// llama.cpp's jinja/runtime.cpp, in which every evaluation is counted (TemplateBudget). All of them pass one
// call, `execute_impl(ctx)` in statement::execute; all other places where that name stands are definitions,
// with the parameter `context & ctx`. The macro tells the two apart by the first word in the parentheses.
// What one operation makes is counted before it is made: texts are put together by `append`, and filters and
// methods are values that try_builtin_func makes by `mk_val<value_func>`.
#include <jinja/lexer.h>
#include <jinja/runtime.h>
#include <jinja/utils.h>
#include <jinja/value.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "model/text/template_budget.h"

namespace tessy::internal {
namespace {

constexpr const char* kTooManySteps = "it takes too many steps";
constexpr const char* kTooLong = "its texts become too long";
constexpr size_t kValueLevelsMax = 500;   // of lists in one another; the engine calls itself for each
constexpr uint64_t kBytesOfNumber = 330;  // of the longest, 1e308 in full
constexpr uint64_t kNodesPerStep = 4;

void Spend(uint64_t& left, uint64_t amount, const char* what) {
  if (left < amount) throw std::runtime_error(what);
  left -= amount;
}

// A text with its parts, each of which takes memory however short it is.
uint64_t CostOf(const jinja::string& text) {
  uint64_t bytes = 1;
  for (const auto& part : text.parts) bytes += part.val.size() + sizeof part;
  return bytes;
}

// How lists and objects are written.
struct ListForm {
  uint64_t item = 2;    // bytes between two items
  uint64_t key = 2;     // bytes after a key
  uint64_t indent = 0;  // blanks of a level
};

// Sums up the bytes of values as texts, JSON or not, at most; throws as soon as they are more than `most`.
class TextSize {
 public:
  TextSize(uint64_t most, const ListForm& form) : left_(most), form_(form) {}

  void Add(uint64_t bytes) { Spend(left_, bytes, kTooLong); }
  void AddTimes(uint64_t bytes, uint64_t times) {
    if (times > 0 && bytes > left_ / times) throw std::runtime_error(kTooLong);
    Add(bytes * times);
  }
  void AddValue(const jinja::value& value, size_t level = 0) {
    if (level > kValueLevelsMax)
      throw std::runtime_error("its lists are nested too deeply, or hold themselves");
    ++nodes_;
    Add(2 + (level + 1) * form_.indent);  // brackets or quotes, and a line of their own
    for (const auto& part : value->val_str.parts) AddTimes(part.val.size(), 6);  // \u0000 at the worst
    for (const auto& item : value->val_arr) {
      Add(form_.item + (level + 2) * form_.indent);
      AddValue(item, level + 1);
    }
    for (const auto& [key, item] : value->val_obj) {
      Add(form_.item + form_.key + (level + 2) * form_.indent);
      AddValue(key, level + 1);
      AddValue(item, level + 1);
    }
    if (value->is_numeric()) Add(kBytesOfNumber);
  }
  uint64_t nodes() const { return nodes_; }

 private:
  uint64_t left_;
  ListForm form_;
  uint64_t nodes_ = 0;
};

bool IsText(const jinja::value& value) { return jinja::is_val<jinja::value_string>(value); }
bool IsList(const jinja::value& value) { return !value->val_arr.empty() || !value->val_obj.empty(); }

size_t CountOf(const std::string& text, const std::string& piece) {
  size_t count = 0;
  for (size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + piece.size()))
    ++count;
  return count;
}

// ---- The calls that may make far more than they are given.

void CheckReplace(const jinja::func_args& args, TextSize size) {
  if (args.count() < 3 || !IsText(args.get_pos(0)) || !IsText(args.get_pos(1)) || !IsText(args.get_pos(2)))
    return;
  const std::string text = args.get_pos(0)->val_str.str();
  const std::string before = args.get_pos(1)->val_str.str();
  const std::string after = args.get_pos(2)->val_str.str();
  size.Add(text.size());
  size.AddTimes(after.size(), before.empty() ? text.size() + 1 : CountOf(text, before));
}

void CheckIndent(const jinja::func_args& args, TextSize size) {
  if (!IsText(args.get_pos(0))) return;
  const std::string text = args.get_pos(0)->val_str.str();
  const auto width = args.get_kwarg_or_pos("width", 1);
  uint64_t blanks = 4;
  if (jinja::is_val<jinja::value_int>(width)) {
    if (width->as_int() < 0) throw std::runtime_error("indent() has a negative width");
    blanks = static_cast<uint64_t>(width->as_int());
  } else if (IsText(width)) {
    blanks = width->val_str.length();
  }
  size.Add(text.size());
  size.AddTimes(blanks, 2 + static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n')));
}

void CheckJoin(const jinja::func_args& args, TextSize size) {
  const auto between = args.get_kwarg_or_pos("d", 1);
  size.AddTimes(between->val_str.length(), args.get_pos(0)->val_arr.size());
  size.AddValue(args.get_pos(0));
}

void CheckJson(const jinja::func_args& args, uint64_t most) {
  ListForm form;
  const auto indent = args.get_kwarg_or_pos("indent", 2);
  if (jinja::is_val<jinja::value_int>(indent) && indent->as_int() > 0) {
    form.indent = static_cast<uint64_t>(indent->as_int());
    if (form.indent > most) throw std::runtime_error(kTooLong);
  }
  const auto separators = args.get_kwarg_or_pos("separators", 3);
  if (!separators->val_arr.empty()) form.item = separators->val_arr[0]->val_str.length();
  if (separators->val_arr.size() > 1) form.key = separators->val_arr[1]->val_str.length();
  form.item += 1;  // a newline
  TextSize(most, form).AddValue(args.get_pos(0));
}

void CheckSplit(const jinja::func_args& args, const TemplateBudget& budget) {
  if (!IsText(args.get_pos(0))) return;
  const std::string text = args.get_pos(0)->val_str.str();
  const std::string between = args.count() > 1 ? args.get_pos(1)->val_str.str() : " ";
  if (!between.empty() && CountOf(text, between) > budget.steps) throw std::runtime_error(kTooManySteps);
}

void CheckCall(const std::string& name, const jinja::func_args& args) {
  const TemplateBudget* budget = TemplateBudget::Current();
  if (budget == nullptr || args.count() == 0) return;
  const TextSize size(budget->bytes, {});
  if (name == "replace") CheckReplace(args, size);
  if (name == "indent") CheckIndent(args, size);
  if (name == "join") CheckJoin(args, size);
  if (name == "split" || name == "rsplit") CheckSplit(args, *budget);
  const bool writes = name == "string" || name == "safe";
  if (name == "tojson" || (writes && !IsText(args.get_pos(0)))) CheckJson(args, budget->bytes);
}

// ---- What takes the place of names in the engine.

const jinja::string& Appended(const jinja::string& text) {
  if (TemplateBudget* budget = TemplateBudget::Current()) Spend(budget->bytes, CostOf(text), kTooLong);
  return text;
}

jinja::func_handler Checked(const std::string& name, const jinja::func_handler& handler) {
  return [name, handler](const jinja::func_args& args) {
    CheckCall(name, args);
    return handler(args);
  };
}

// A filter or a method, with the value that it belongs to.
jinja::value_func MadeFunction(const std::string& name, const jinja::func_handler& handler,
                               const jinja::value& of) {
  return jinja::mk_val<jinja::value_func>(name, Checked(name, handler), of);
}

// A function of the engine, or a macro of the template.
jinja::value_func MadeFunction(const std::string& name, const jinja::func_handler& handler) {
  return jinja::mk_val<jinja::value_func>(name, name == "tojson" ? Checked(name, handler) : handler);
}

template <class T, class... Arguments>
auto Made(Arguments&&... arguments) {
  if constexpr (std::is_same_v<T, jinja::value_func>) {
    return MadeFunction(std::forward<Arguments>(arguments)...);
  } else {
    return jinja::mk_val<T>(std::forward<Arguments>(arguments)...);
  }
}

// One evaluation.
class Evaluation {
 public:
  Evaluation() : budget_(TemplateBudget::Current()) {
    if (budget_ == nullptr) return;
    Spend(budget_->steps, 1, kTooManySteps);
    if (budget_->levels == 0)
      throw std::runtime_error("it is nested too deeply, or calls itself without end");
    --budget_->levels;
  }
  ~Evaluation() {
    if (budget_ != nullptr) ++budget_->levels;
  }
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

  jinja::value Charged(jinja::value result, const jinja::statement& statement,
                       jinja::context& context) const {
    if (budget_ == nullptr || !result) return result;
    Spend(budget_->bytes, CostOf(result->val_str), kTooLong);
    Spend(budget_->steps, result->val_arr.size(), kTooManySteps);
    if (IsList(result) && MakesValues(statement)) CheckList(result);
    if (const auto* set = dynamic_cast<const jinja::set_statement*>(&statement)) CheckMember(*set, context);
    return result;
  }

 private:
  // A name and a member give what is there already.
  static bool MakesValues(const jinja::statement& statement) {
    return dynamic_cast<const jinja::identifier*>(&statement) == nullptr &&
           dynamic_cast<const jinja::member_expression*>(&statement) == nullptr;
  }
  // Lists may hold one another several times, so that the text of a few of them has no bounds.
  void CheckList(const jinja::value& list) const {
    try {
      TextSize size(budget_->bytes, {});
      size.AddValue(list);
      Spend(budget_->steps, size.nodes() / kNodesPerStep, kTooManySteps);
    } catch (...) {
      // What holds itself would never be freed.
      list->val_arr.clear();
      list->val_obj.clear();
      if (auto* object = dynamic_cast<jinja::value_object_t*>(list.get())) object->unordered.clear();
      throw;
    }
  }
  // An object that was just given a list as its member may hold itself now.
  void CheckMember(const jinja::set_statement& set, jinja::context& context) const {
    const auto* member = dynamic_cast<const jinja::member_expression*>(set.assignee.get());
    if (member == nullptr) return;
    const auto* name = dynamic_cast<const jinja::identifier*>(member->property.get());
    const jinja::value object = member->object->execute(context);
    for (const auto& [key, item] : object->val_obj) {
      if (name != nullptr && IsList(item) && key->val_str.str() == name->val) CheckList(object);
    }
  }

  TemplateBudget* budget_;
};

}  // namespace
}  // namespace tessy::internal

#define TESSY_EXECUTE_ctx tessy::internal::Evaluation().Charged((this->execute_impl)(ctx), *this, ctx
#define TESSY_EXECUTE_context execute_impl(context
#define execute_impl(argument) TESSY_EXECUTE_##argument)
#define append(text) append(tessy::internal::Appended(text))
#define mk_val tessy::internal::Made

#include <jinja/runtime.cpp>
