#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace tessy {

// Reads the answer of vLLM's /pooling to a request of so many inputs: the probability of style at the last
// token of each input, in the order of the inputs. Nothing if the answer has another form: an input without
// an entry, or an entry whose last token has not two numbers of which the second is a probability. Takes any
// bytes; pure.
std::optional<std::vector<float>> ReadPoolingAnswer(std::string_view answer, size_t inputs);

}  // namespace tessy
