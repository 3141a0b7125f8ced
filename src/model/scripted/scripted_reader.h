#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cooperation/boundary_predictor.h"
#include "model/scripted/delayed_post.h"
#include "model/scripted/scripted_vocabulary.h"
#include "model/scripted/token_view.h"

namespace tessy {

struct ScriptedReaderOptions {
  std::array<bool, 2> reads_tokens_of{};  // by role; else it tokenises the text in pieces of PieceSplitter
  uint64_t seed = 0;
  double style_share = 0.5;                     // of all places
  std::function<uint32_t()> hops;               // see PostDelayed; may be empty
  std::function<std::optional<Error>()> fault;  // asked at every question; may be empty
  std::shared_ptr<void> place;                  // given back when the reader goes; may be null
};

// A BoundaryReader for tests: P(style) is a hash of the exact token ids of the response up to the place, as
// the reader holds them. `vocabulary` must outlive it. Aborts where the contract of BoundaryReader is broken.
class ScriptedReader final : public BoundaryReader {
 public:
  ScriptedReader(const ScriptedVocabulary& vocabulary, ScriptedReaderOptions options, Post post);

  void Append(Role writer, std::span<const DraftToken> tokens) override;
  void Rollback(size_t count) override;
  void EndSpan() override;
  void Ask(std::span<const uint32_t> places, AskDone done) override;
  bool ReadsTokensOf(Role writer) const override { return options_.reads_tokens_of[Index(writer)]; }

 private:
  Result<std::vector<float>> Answer(std::span<const uint32_t> places) const;
  std::string TextOfSpan(size_t tokens) const;
  uint64_t HashOfTokens(size_t tokens) const;
  uint64_t HashOfText(size_t bytes) const;
  std::vector<TokenId> TokenizePiece(std::string_view piece) const;

  const ScriptedVocabulary& vocabulary_;
  ScriptedReaderOptions options_;
  Post post_;
  TokenView view_;                // tokens of the spans that have ended
  std::vector<DraftToken> span_;  // the current one
  std::optional<Role> writer_;
  bool busy_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tessy
