#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/message.h"

namespace tessy {

// A prompt to be answered. The last message is the user's.
struct Question {
  std::string id;
  std::vector<Message> messages;
  std::string
      source_json;  // the fields of the row that were not read here, as one JSON object; empty if none
  size_t line = 0;  // where it stands in its file, from 1

  bool operator==(const Question&) const = default;
};

// Tells whether two questions ask the same: of roles and contents, in order. Runs remember it, so it stays as
// it is.
uint64_t HashOfMessages(std::span<const Message> messages);
// The id that the first question of such messages is given where it has none: "q-" and 16 digits.
std::string MadeId(uint64_t messages_hash);

struct BadLine {
  size_t line = 0;
  std::string reason;

  bool operator==(const BadLine&) const = default;
};

struct Questions {
  std::vector<Question> questions;
  std::vector<BadLine> bad_lines;  // those skipped
};

struct ReadQuestionsOptions {
  bool skip_bad_lines = false;
};

// Reads JSON lines of any of these shapes (the first field that is there and not null counts):
//   prompt         text
//   messages       [{role, content}]         also OpenAI's, TRL's, ms-swift's
//   dialogs        [{role, content}]         the published TESSY code
//   conversations  [{from, value}]           ShareGPT, OpenThoughts
//   input          text or [{role, content}], with system_prompt   Nemotron, AceReason
// with `id` or `id_ddm`, a text or number. A response at the end of a list is dropped; earlier turns stay.
// Fields that were read are not in source_json, all others are, to the letter.
//
// A row without an id is named after its prompt: "q-" and 16 hexadecimal digits; the second row with that
// prompt gets
// "-2" behind it, and so on in the order of the file. Two rows with the same id of their own are an error, as
// is a file without a question. A line that cannot be used is an error that names it, or with skip_bad_lines
// is listed. `path` "-" is standard input. All of them at once in memory: QuestionFile is for the long files.
Result<Questions> ReadQuestions(const std::string& path, const ReadQuestionsOptions& options = {});

}  // namespace tessy
