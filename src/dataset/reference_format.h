#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "dataset/response.h"

namespace tessy {

// How the published TESSY code writes a response: the question's row as it was, with the response in it. In
// a list of turns (`dialogs`, and likewise `messages`, `conversations`) it takes the place of the assistant's
// turns behind the question; rows with a text (`prompt`, `input`) get a field `content`. Behind the row's own
// fields stand
//   n_tokens_total, n_tokens_teacher, n_tokens_student    thinking and answer, by who wrote them
// each in its writer's own vocabulary; the published code counts all with the student's.
//
// `row` is the question's line, one that QuestionParser takes. One line without its newline.
std::string ToReferenceLine(std::string_view row, const Response& response);

}  // namespace tessy
