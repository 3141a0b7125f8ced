#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/message.h"
#include "cooperation/boundary_predictor.h"
#include "cooperation/session.h"
#include "model/family.h"

namespace tessy {

struct OpenedSession {
  std::unique_ptr<Session> session;
  size_t prompt_tokens = 0;
  size_t context_tokens = 0;
};

// The players of a run: the models of both roles and their predictors, wherever they run. Driven by one
// thread.
class Cast {
 public:
  virtual ~Cast() = default;

  virtual const Family& FamilyOf(Role role) const = 0;
  // A sequence of the role's model, with the messages rendered and, where it `thinks`, the thinking opened;
  // otherwise the next token is the first of the answer. kResourceLimit: no place is free, or the prompt does
  // not fit.
  virtual Result<OpenedSession> OpenSession(Role role, std::span<const Message> messages, bool thinks) = 0;
  // Null for a cast without predictors (one thinker).
  virtual Result<std::unique_ptr<BoundaryReader>> OpenReader(Role role) = 0;
  // The mean log-likelihood (nats) that the role's model gives the tokens of thinking and answer as its own
  // response to the messages; without thinking where that is empty. Takes a place until `done`, which runs on
  // the driving thread, later.
  virtual void Score(Role role, std::span<const Message> messages, std::string_view thinking,
                     std::string_view answer, std::function<void(Result<double>)> done) = 0;
  // The run ends: every request to another process is answered with kCancelled.
  virtual void Cancel() {}
  // Lets the engines start; called when the driving thread has nothing else to do.
  virtual void Pump() = 0;
};

}  // namespace tessy
