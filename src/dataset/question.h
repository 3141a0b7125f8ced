#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/message.h"

namespace tessy {

// A prompt that is to be answered. The last message is the user's.
struct Question {
  std::string id;
  std::vector<Message> messages;
  std::string source_json;  // the other fields of the row, as one JSON object; empty if there are none
  size_t line = 0;          // its line in the file, from 1
  std::string row;          // the whole line, where QuestionFile::Keep asked for it

  bool operator==(const Question&) const = default;
};

// A hash of the roles and contents of the messages, in order: two questions that ask the same have the same
// hash. Stored runs contain it, so the function must not change.
uint64_t HashOfMessages(std::span<const Message> messages);
// The id of a question that has none of its own: "q-" and 16 hexadecimal digits. See ReadQuestions for a
// second question with the same messages.
std::string MadeId(uint64_t messages_hash);

struct BadLine {
  size_t line = 0;
  std::string reason;

  bool operator==(const BadLine&) const = default;
};

struct Questions {
  std::vector<Question> questions;
  std::vector<BadLine> bad_lines;  // the lines that were skipped
};

struct ReadQuestionsOptions {
  bool skip_bad_lines = false;
};

// Reads JSON lines of any of these forms. The first field that is present, and is neither null, nor a blank
// text, nor an empty list, counts:
//   prompt         text or [{role, content}]   lists: TRL
//   messages       [{role, content}]           also OpenAI's, TRL's, ms-swift's
//   dialogs        [{role, content}]           the published TESSY code
//   conversations  [{from, value}]             ShareGPT, OpenThoughts
//   input          text or [{role, content}]   Nemotron, AceReason
// A content is a text or a list of text parts, which are joined by newlines. `system`, `system_prompt` or
// `instruction` beside any of them is the system's turn, unless the turns have one; where two of the three
// differ, the row is refused. What an earlier turn of the assistant thought (`reasoning_content`,
// `reasoning`, `thinking`) is put before its content, between <think> and </think>. The id is `id` or
// `id_ddm`, a text or a number. A response at the end of a list is dropped; earlier turns stay. The fields
// that are not read are kept in source_json, byte for byte but for what strict JSON has not (see
// AsStrictJson).
//
// A row without an id is named after its prompt: "q-" and 16 hexadecimal digits. The second row with that
// prompt gets "-2" appended, and so on in the order of the file. Two rows with the same id of their own are
// an error, as is a file without a question. A line that cannot be used is an error that names the line;
// with skip_bad_lines the line is listed instead. The `path` "-" is standard input. All questions are held
// in memory at once; QuestionFile is for long files.
Result<Questions> ReadQuestions(const std::string& path, const ReadQuestionsOptions& options = {});

}  // namespace tessy
