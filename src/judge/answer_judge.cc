#include "judge/answer_judge.h"

#include <utility>

#include "judge/answer.h"

namespace tessy {

void AnswerJudge::Ask(const Question& question, const JudgedResponse& response, Done done) {
  const auto expected = ExpectedAnswer(question.source_json);
  Result<bool> result = false;
  if (expected) {
    result = IsRightAnswer(response.answer, *expected);
  } else {
    result = Fail(ErrorCode::kInvalidData, "the question " + expected.error().message);
  }
  post_([alive = std::weak_ptr(alive_), done = std::move(done), result = std::move(result)] {
    if (!alive.expired()) done(result);
  });
}

}  // namespace tessy
