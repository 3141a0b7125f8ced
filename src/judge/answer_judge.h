#pragma once

#include <memory>

#include "judge/judge.h"

namespace tessy {

// Compares the answer with the question's "answer" field, see IsRightAnswer. kInvalidData: the question has
// none.
class AnswerJudge final : public Judge {
 public:
  explicit AnswerJudge(Post post) : post_(std::move(post)) {}

  void Ask(const Question& question, const JudgedResponse& response, Done done) override;
  void Cancel() override {}  // a comparison is over before anybody could cancel it

 private:
  Post post_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>();  // callbacks run while it is there
};

}  // namespace tessy
