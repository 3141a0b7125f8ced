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
    if (auto status = Load(index); !status) return tl::unexpected(status.error());
    if (files != nullptr) files->NameQuestion(id, questions_.messages_hash(index));
    return SampleTask{.question = question_, .sample = sample, .number = number_++};
  }
  question_.reset();
  return std::nullopt;
}

Status OpenSamples::Load(size_t index) {
  if (question_ && index_ == index) return {};
  auto question = questions_.Read(index, options_.keep);
  if (!question) return tl::unexpected(question.error());
  question_ = std::make_shared<const Question>(std::move(*question));
  index_ = index;
  return {};
}

}  // namespace tessy
