#include "judge/answer_judge.h"

#include <utility>

#include "judge/answer.h"

namespace tessy {

void AnswerJudge::Ask(const Question& question, const JudgedResponse& response, Done done) {
  const auto expected = ExpectedAnswer(question.source_json);
  Result<bool> result = Fail(ErrorCode::kInvalidData, "the question has no \"answer\" to compare with");
  if (expected) result = IsRightAnswer(response.answer, *expected);
  post_([alive = std::weak_ptr(alive_), done = std::move(done), result = std::move(result)] {
    if (!alive.expired()) done(result);
  });
}

}  // namespace tessy
