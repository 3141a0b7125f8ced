#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "base/error.h"
#include "dataset/response.h"
#include "model/text/chat_format.h"
#include "train/example.h"

namespace tessy {

struct SftExampleOptions {
  // In the loss, by kind (indexed by TargetKind). A weight of 0 still has its loss reported.
  std::array<float, kTargetKinds.size()> weights{1.0F, 1.0F, 1.0F, 1.0F};
  // A system turn put before the messages of responses that have none: isolates the new data (method, section
  // 10, A.2). Empty: none.
  std::string system;
};

// The response as its student would have written it, in the tokens of the student's vocabulary: the prompt
// with thinking opened, which teaches nothing; thinking, hand-over, answer, end. A token is of the span in
// which its first byte that is not a blank stands. Text is tokenised as the engine does it when it feeds it,
// and only the family's markup may become special tokens.
Result<Example> SftExample(const Response& response, const ChatFormat& format, const Vocabulary& vocabulary,
                           const SftExampleOptions& options);

}  // namespace tessy
