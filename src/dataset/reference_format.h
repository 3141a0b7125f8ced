#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "dataset/response.h"

namespace tessy {

// A response as the published TESSY code writes it: the row of the question as it was, with the response in
// it. In a list of turns (`dialogs`, `messages`, `conversations`) the response replaces the assistant's
// turns after the question; a row with a text (`prompt`, `input`) gets a field `content`. After the row's
// own fields stand
//   n_tokens_total, n_tokens_teacher, n_tokens_student    thinking and answer, by who wrote them
// Each role's tokens are counted in its own vocabulary; the published code counts all of them in the
// student's.
//
// `row` is the line of the question, one that QuestionParser accepts. The result is one line without its
// newline.
std::string ToReferenceLine(std::string_view row, const Response& response);

}  // namespace tessy
