#pragma once

#include <memory>
#include <string_view>

#include "base/error.h"
#include "dataset/question.h"

namespace tessy {

// Reads questions from lines of JSON. It is fast for many lines, because its buffers are kept from line to
// line. Used by one thread.
class QuestionParser {
 public:
  enum class Source : bool { kPassOver, kKeep };  // whether Question::source_json is filled

  QuestionParser();
  ~QuestionParser();
  QuestionParser(QuestionParser&&) noexcept;
  QuestionParser& operator=(QuestionParser&&) noexcept;

  // The question of one line (see ReadQuestions). Its id is empty if the line has none. The error says what
  // is wrong with the line, but not which line it is.
  Result<Question> Parse(std::string_view line, Source source);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
