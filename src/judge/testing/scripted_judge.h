#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "judge/judge.h"

namespace tessy {

// For tests: decides by a function, and answers later.
class ScriptedJudge final : public Judge {
 public:
  using Decide = std::function<Result<bool>(const Question&, const JudgedResponse&)>;
  ScriptedJudge(Decide decide, Post post) : decide_(std::move(decide)), post_(std::move(post)) {}

  void Ask(const Question& question, const JudgedResponse& response, Done done) override {
    post_([alive = std::weak_ptr(alive_), done = std::move(done), result = decide_(question, response)] {
      if (!alive.expired()) done(result);
    });
  }
  void Cancel() override {}

 private:
  Decide decide_;
  Post post_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>();
};

}  // namespace tessy
