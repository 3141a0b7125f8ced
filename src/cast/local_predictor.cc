#include "cast/local_predictor.h"

#include <fmt/format.h>

#include <utility>

#include "boundary/classifier/classifier_reader.h"
#include "boundary/lexicon/lexicon_reader.h"

namespace tessy {
std::optional<MemoryNeeds> LocalPredictor::needs() const {
  MemoryNeeds needs = NeedsOf(*model_, kPredictorContextTokens);
  needs.is_window = true;
  return needs;
}

Status LocalPredictor::Start(const StartOptions& options) {
  reads_tokens_of_ = options.players_with(vocabulary());
  StartOptions own = options;
  own.context_tokens = kPredictorContextTokens;
  own.pool_tokens = 0;
  auto engines = EnginePool::Make(model_, own, post_);
  if (!engines) return tl::unexpected(engines.error());
  engines_ = std::move(*engines);
  return {};
}

Result<std::unique_ptr<BoundaryReader>> LocalPredictor::OpenReader() {
  auto sequence = engines_.Open();
  if (!sequence) return Fail(ErrorCode::kResourceLimit, "no place is free for another reader");
  return std::make_unique<ClassifierReader>(std::move(sequence), model_, reads_tokens_of_);
}

std::optional<PartCounts> LocalPredictor::counts() const {
  return PartCounts{.name = fmt::format("{} predictor", Name(role_)), .counts = engines_.stats()};
}

Result<std::unique_ptr<BoundaryReader>> LexiconPredictor::OpenReader() {
  return std::make_unique<LexiconReader>(Lexicon::BuiltIn(), post_);
}

}  // namespace tessy
