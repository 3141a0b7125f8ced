#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "dataset/line_reader.h"
#include "dataset/question.h"
#include "dataset/question_parser.h"

namespace tessy {

// A file of questions of any length. Every line is checked once, and only its position is kept. A question
// is read again from the open file whenever it is asked for, so the file must not change. Standard input and
// pipes cannot be read twice; their content is kept in memory. Used by one thread.
class QuestionFile {
 public:
  // Opens a file as ReadQuestions does, with the same names and errors.
  static Result<QuestionFile> Open(const std::string& path, const ReadQuestionsOptions& options = {});

  size_t size() const { return entries_.size(); }
  const std::string& id(size_t index) const { return entries_[index].id; }
  size_t line(size_t index) const { return entries_[index].line; }
  // HashOfMessages of the question's messages.
  uint64_t messages_hash(size_t index) const { return entries_[index].messages_hash; }
  std::optional<size_t> Find(std::string_view id) const;
  const std::vector<BadLine>& bad_lines() const { return bad_lines_; }  // the lines skipped
  bool in_memory() const { return in_memory_; }

  // The first question without an id of its own that asks the same as one before it; empty if all differ.
  std::optional<size_t> FirstRepeated() const;

  // The parts of a question that Read fills in besides the ones asked for.
  enum class Keep : uint8_t { kSource, kSourceAndRow };
  // kConflict if the question's line is no longer what it was.
  Result<Question> Read(size_t index, Keep keep = Keep::kSource);
  // Drops all questions after the first `count`.
  void KeepFirst(size_t count);

 private:
  struct Entry {
    std::string id;
    bool has_id = false;  // an id of its own
    uint64_t offset = 0;
    size_t bytes = 0;
    size_t line = 0;
    uint64_t messages_hash = 0;
    size_t line_hash = 0;
  };

  explicit QuestionFile(LineReader lines) : lines_(std::move(lines)), in_memory_(!lines_.rereadable()) {}
  Status ReadLines(bool skip_bad_lines);
  Result<std::string> ReadLine(size_t index) const;
  void Add(std::string_view line, Question question);
  Status IndexGivenIds();
  void NameOthers();

  LineReader lines_;
  bool in_memory_;
  QuestionParser parser_;
  std::string kept_;  // all lines, if they cannot be read again
  std::vector<Entry> entries_;
  std::unordered_map<std::string_view, size_t> by_id_;  // the keys are views of `entries_`
  std::vector<BadLine> bad_lines_;
};

}  // namespace tessy
