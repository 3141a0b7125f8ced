#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tessy {

// A model's decision about a question.
struct Decision {
  std::string id;  // of the question
  bool suits = false;
  std::string reason;        // in the model's words; never blank
  std::string teacher = {};  // the model's name
  std::string prompt = {};   // the hash of what it was asked, without the question

  bool operator==(const Decision&) const = default;
};

// Reads a model's answer about the question `id`: a JSON object with nothing around it but a Markdown fence,
// in which exactly one field is true or false, whatever its name, and "reason" is a text. Other fields are
// passed over. The error (kInvalidData) begins with the name of the reason, so that reasons can be counted:
//   not_json, not_an_object, no_decision, several_decisions, no_reason, bad_utf8, too_long
// `answer` may hold any bytes. One of more than 64 KiB is too_long. The caller knows teacher and prompt.
// Pure.
Result<Decision> ReadDecision(std::string_view id, std::string_view answer);

// The line of a decision without its newline, {"id","suits","reason","teacher","prompt"}, and its reader.
// kInvalidData: the line has no id or does not say whether the question suits.
std::string ToJsonLine(const Decision& decision);
Result<Decision> ParseDecision(std::string_view line);

// A question about which no decision came.
struct Undecided {
  std::string id;
  std::string reason;                // the last one's name, "not_json"
  std::vector<std::string> reasons;  // of each time that the model was asked
  std::string text_end;              // of what it wrote last
};

// The same for the line {"id","reason","reasons","text_end"}. All but the id may be missing in a line that is
// read.
std::string ToJsonLine(const Undecided& undecided);
Result<Undecided> ParseUndecided(std::string_view line);

}  // namespace tessy
