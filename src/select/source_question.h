#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tessy {

// A row of a source as `tessy select` takes it.
struct SourceQuestion {
  // Why the row gives no question: "bad_line", "no_question", "placeholder", "image", "not_text",
  // "multi_turn"; empty if it gives one.
  std::string reason;
  std::string detail;  // of the reason, in words; may be empty
  std::string text;    // the question as it is asked
  std::string id;      // the row's own `id`, `id_ddm`, `question_id` or `problem_id`; empty if it has none
  // The fields that are neither the question nor a response to it, as one JSON object; empty if there are
  // none.
  std::string rest_json;
  bool has_source_id = false;  // `rest_json` has a field of that name
  bool has_system = false;     // it has a system's turn, which is left out
  // Where the text of a placeholder stands: the fields `dataset`, `split` and `index`.
  std::string dataset;
  std::string split;
  std::string index;
};

// True for the columns that hold responses, which a source's question does without: "output", "solution",
// "generation" and so on.
bool IsResponseColumn(std::string_view name);
// True for the columns in which a question, or what is said before it, is looked for.
bool IsPromptColumn(std::string_view name);

// True for the columns of an evaluation that SourceParser looks at; others hold tests, often megabytes of
// them.
bool IsEvaluationColumn(std::string_view name);

// The columns of sources, and those of evaluations, in which questions are looked for.
std::vector<std::string> SourceColumns();
std::vector<std::string> EvaluationColumns();

// Finds the questions in rows. The first of its columns that is neither null nor blank nor "-" is taken. Of a
// list of turns the user's turn is the question; the assistant's are dropped, and so is the system's. Two
// turns of the user or more make "multi_turn". Llama-3 markup (<|start_header_id|>user …) is read as turns.
// Used by one thread.
class SourceParser {
 public:
  // Looks in these columns, in their order.
  explicit SourceParser(std::vector<std::string> columns);
  ~SourceParser();
  SourceParser(SourceParser&&) noexcept;
  SourceParser& operator=(SourceParser&&) noexcept;

  SourceQuestion Parse(std::string_view row);

  // For the first row of a file: kInvalidData if it has none of the columns, with the names that it has.
  Status CheckColumns(std::string_view row);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
