#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cooperation/sample_stats.h"
#include "cooperation/trace.h"
#include "dataset/line_reader.h"
#include "dataset/question.h"

namespace tessy {

// A run of the assistant's content that one role wrote. Offsets are code points of that content, end
// exclusive.
struct ResponseSpan {
  Role role = Role::kStudent;
  SpanKind kind = SpanKind::kStyle;
  size_t start = 0;
  size_t end = 0;
  uint64_t tokens = 0;  // in the writer's own vocabulary

  bool operator==(const ResponseSpan&) const = default;
};

// Empty where a method has no such model.
struct ModelNames {
  std::string student = {};
  std::string teacher = {};
  std::string student_boundary = {};
  std::string teacher_boundary = {};

  bool operator==(const ModelNames&) const = default;
};

struct SamplingRecord {
  double temperature = 0;
  double top_p = 1;
  int64_t top_k = 0;
  double min_p = 0;

  bool operator==(const SamplingRecord&) const = default;
};

// One line of responses.jsonl. The last message is the assistant's; its spans ascend and do not overlap.
struct Response {
  std::string id;
  std::string question_id;
  uint32_t sample = 0;
  std::string method;
  std::vector<Message> messages;
  std::vector<ResponseSpan> spans;
  bool thinks = true;  // false: the answer was asked for alone, and is the whole content
  std::string closed_by =
      {};  // who closed the thinking; empty (null in JSON) for a method that has no such thing
  SampleStats stats;
  ModelNames models;
  SamplingRecord sampling;
  uint64_t seed = 0;
  std::string source_json = {};  // as in Question

  bool operator==(const Response&) const = default;
};

// The text after the thinking: the answer's spans of the last message.
std::string AnswerText(const Response& response);

// One line without its newline, always UTF-8. `source_json` must be one valid JSON object on one line, or
// empty.
std::string ToJsonLine(const Response& response);

// Strict: a key missing, of a wrong type or out of its range is an error. Unknown keys are passed over.
Result<Response> ParseResponse(std::string_view line);

// The responses of a file, one by one: our own rows and those of other programs (ParseAnyResponse in
// dataset/formats/format.h). Errors name file and line. "-" is standard input.
class ResponseReader {
 public:
  static Result<ResponseReader> Open(std::string path);

  // The next response, none at the end. After a line that is not a response, the lines that follow can still
  // be read.
  Result<std::optional<Response>> Next();

  size_t line() const { return lines_.line(); }  // of the last one, from 1

 private:
  explicit ResponseReader(LineReader lines) : lines_(std::move(lines)) {}

  LineReader lines_;
};

// Calls `take` with each response of a file, in order, until it returns an error; that error is returned.
Status ForEachResponse(const std::string& path, const std::function<Status(const Response&)>& take);

Result<std::vector<Response>> ReadResponses(const std::string& path);

}  // namespace tessy
