#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "dataset/formats/format.h"
#include "job/export_options.h"
#include "model/text/training_template.h"

namespace tessy {

// A response that becomes a row, or the reason why it does not.
struct CheckedRow {
  std::optional<TrainingRow> row;
  std::string reason;              // of a response that becomes none: a name, "too_long"
  std::string detail;              // the same in words
  std::vector<std::string> flags;  // what a trainer will do with a row that is kept, by name
  uint64_t tokens = 0;             // of the whole text; 0 where no template was given
  uint64_t tokens_in_loss = 0;
  uint64_t straddling = 0;  // tokens that begin in a part in the loss and end in one that is not, or so
  std::optional<bool> is_right;
};

// Decides what becomes of a response: the filters, then the student's template and tokenizer. Not
// thread-safe.
class ExportCheck {
 public:
  // Reads the answers and the template that the options name; `template_date` must be set where there is one.
  static Result<ExportCheck> Open(const ExportOptions& options);

  // `is_mixed`: of a file of --mix, which has neither filters nor a system turn from us.
  CheckedRow Check(const Response& response, bool is_mixed) const;

  // "qwen3"; empty where no template was given.
  std::string family() const { return template_ ? template_->family().name : ""; }
  bool has_template() const { return template_.has_value(); }

 private:
  explicit ExportCheck(ExportOptions options) : options_(std::move(options)) {}
  bool Filter(const Response& response, CheckedRow& checked) const;
  bool FilterAnswer(const Response& response, CheckedRow& checked) const;
  bool CheckShape(const Response& response, bool is_mixed, CheckedRow& checked) const;
  bool CheckText(CheckedRow& checked) const;
  void Count(CheckedRow& checked) const;
  uint64_t TokensOfTrainer(const CheckedRow& checked) const;

  ExportOptions options_;
  std::optional<TrainingTemplate> template_;
  std::map<std::string, std::string> answers_;  // by question, where a file of questions was given
};

}  // namespace tessy
