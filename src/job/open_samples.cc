#include "job/open_samples.h"

#include <string>
#include <utility>

namespace tessy {

Result<std::optional<SampleTask>> OpenSamples::Next() {
  RunFiles* const files = options_.files;
  for (; number_ < questions_.size() * options_.samples; ++number_) {
    const size_t index = number_ / options_.samples;
    const auto sample = static_cast<uint32_t>(number_ % options_.samples);
    const std::string& id = questions_.id(index);
    if (files != nullptr && (files->IsDone(id, sample) || files->HasFailed(id, sample))) continue;
    auto question = questions_.Read(index);
    if (!question) return tl::unexpected(question.error());
    if (files != nullptr) files->NameQuestion(id, questions_.messages_hash(index));
    return SampleTask{
        .question_id = id, .sample = sample, .number = number_++, .messages = std::move(question->messages)};
  }
  return std::nullopt;
}

}  // namespace tessy
