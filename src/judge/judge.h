#pragma once

#include <functional>
#include <string_view>

#include "base/error.h"
#include "dataset/question.h"

namespace tessy {

// A response as its models wrote it, without a family's markup.
struct JudgedResponse {
  std::string_view thinking;
  std::string_view answer;
};

// Decides whether a response to a question is right. It judges text and writes none.
//
// All calls on the thread that drives the run. No call waits for a judgement, however long that takes; any
// number may be under way.
class Judge {
 public:
  // Brings a callback to the driving thread; callable from any thread until the judge is gone.
  using Post = std::function<void(std::function<void()>)>;
  // True: the response is right. kCancelled: Cancel ended the judgement, and nothing is known of the
  // response. Any other error: the response could not be judged; the message says why.
  using Done = std::function<void(Result<bool>)>;

  virtual ~Judge() = default;
  // `done` is called once, on the driving thread, never from within this call, and never after the judge is
  // gone. The arguments need not outlive the call.
  virtual void Ask(const Question& question, const JudgedResponse& response, Done done) = 0;
  // Ends all judgements that were asked for before this call, soon and with kCancelled. Programs that a judge
  // started for them are killed. The judge may be asked again afterwards.
  virtual void Cancel() = 0;
};

}  // namespace tessy
