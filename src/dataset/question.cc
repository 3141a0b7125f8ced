#include "dataset/question.h"

#include <fmt/format.h>

#include "base/random.h"
#include "dataset/question_file.h"

namespace tessy {

uint64_t HashOfMessages(std::span<const Message> messages) {
  // The messages of a question hold no NUL, so a NUL can separate them.
  std::string text;
  for (const Message& message : messages) {
    text.append(message.role).push_back('\0');
    text.append(message.content).push_back('\0');
  }
  return HashBytes(text);
}

std::string MadeId(uint64_t messages_hash) { return fmt::format("q-{:016x}", messages_hash); }

Result<Questions> ReadQuestions(const std::string& path, const ReadQuestionsOptions& options) {
  auto file = QuestionFile::Open(path, options);
  if (!file) return tl::unexpected(file.error());
  Questions read{.questions = {}, .bad_lines = file->bad_lines()};
  for (size_t i = 0; i < file->size(); ++i) {
    auto question = file->Read(i);
    if (!question) return tl::unexpected(question.error());
    read.questions.push_back(std::move(*question));
  }
  return read;
}

}  // namespace tessy
