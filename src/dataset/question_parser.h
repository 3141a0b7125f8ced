#pragma once

#include <memory>
#include <string_view>

#include "base/error.h"
#include "dataset/question.h"

namespace tessy {

// Reads questions from lines of JSON, many of them fast: its buffers are kept from line to line. One thread.
class QuestionParser {
 public:
  enum class Source : bool { kPassOver, kKeep };  // Question::source_json: left empty, or filled

  QuestionParser();
  ~QuestionParser();
  QuestionParser(QuestionParser&&) noexcept;
  QuestionParser& operator=(QuestionParser&&) noexcept;

  // The question of one line (see ReadQuestions); its id is empty where the line has none. The error tells
  // what is wrong with the line, without a place.
  Result<Question> Parse(std::string_view line, Source source);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
