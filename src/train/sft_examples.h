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
  // The weight of each kind of token in the loss (indexed by TargetKind). The loss of a kind with weight 0
  // is still reported.
  std::array<float, kTargetKinds.size()> weights{1.0F, 1.0F, 1.0F, 1.0F};
  // A system turn that is put before the messages of responses that have none; it marks the new data
  // (method, section 10, A.2). Empty: none.
  std::string system;
};

// The response as its student would have written it, in tokens of the student's vocabulary: the prompt with
// thinking opened, which teaches nothing, then thinking, hand-over, answer and end; for a response without
// thinking the prompt up to the answer, then answer and end. A token belongs to the
// span that holds its first byte that is not a blank. The text is tokenised as the engine tokenises text
// that it is fed, and only the family's markup may become special tokens.
Result<Example> SftExample(const Response& response, const ChatFormat& format, const Vocabulary& vocabulary,
                           const SftExampleOptions& options);

}  // namespace tessy
