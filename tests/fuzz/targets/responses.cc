// Rows of responses.
#include "base/utf8.h"
#include "dataset/response.h"
#include "fuzz/sample_response.h"
#include "fuzz/target.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  const auto response = ParseResponse(input);
  if (!response) return Note(response.error().message);
  Note(response->source_json.empty() ? "a response" : "a response with its source");
  const std::string answer = AnswerText(*response);
  Require(IsValidUtf8(answer), "an answer is UTF-8");
  const std::string line = ToJsonLine(*response);
  Require(line.find('\n') == std::string::npos, "a row is one line");
  const auto again = ParseResponse(line);
  Require(again.has_value(), "a row that was written can be read");
  Require(*again == *response, "a row that was written is read as what was written");
  Require(ToJsonLine(*again) == line, "a row is written as it was written before");
}

const Registration kRegistered(
    {.name = "responses", .grammar = kJson, .seeds = {ToJsonLine(SampleResponse())}, .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
