// llama.cpp's jinja/runtime.cpp, in which every evaluation is counted (TemplateBudget). All of them pass one
// call, `execute_impl(ctx)` in statement::execute; all other places where that name stands are definitions,
// with the parameter `context & ctx`. The macro tells the two apart by the first word in the parentheses.
#include <jinja/lexer.h>
#include <jinja/runtime.h>
#include <jinja/utils.h>
#include <jinja/value.h>

#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/text/template_budget.h"

namespace tessy::internal {
namespace {

void Spend(uint64_t& left, uint64_t amount, const char* what) {
  if (left < amount) throw std::runtime_error(what);
  left -= amount;
}

// One evaluation.
class Evaluation {
 public:
  Evaluation() : budget_(TemplateBudget::Current()) {
    if (budget_ == nullptr) return;
    Spend(budget_->steps, 1, "it takes too many steps");
    if (budget_->levels == 0)
      throw std::runtime_error("it is nested too deeply, or calls itself without end");
    --budget_->levels;
  }
  ~Evaluation() {
    if (budget_ != nullptr) ++budget_->levels;
  }
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

  jinja::value Charged(jinja::value result) const {
    if (budget_ == nullptr || !result) return result;
    uint64_t bytes = 0;
    for (const auto& part : result->val_str.parts) bytes += part.val.size();
    Spend(budget_->bytes, bytes, "its texts become too long");
    Spend(budget_->steps, result->val_arr.size(), "it takes too many steps");
    return result;
  }

 private:
  TemplateBudget* budget_;
};

}  // namespace
}  // namespace tessy::internal

#define TESSY_EXECUTE_ctx tessy::internal::Evaluation().Charged((this->execute_impl)(ctx)
#define TESSY_EXECUTE_context execute_impl(context
#define execute_impl(argument) TESSY_EXECUTE_##argument)

#include <jinja/runtime.cpp>
