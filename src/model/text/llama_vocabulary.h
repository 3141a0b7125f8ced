#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/text/gguf_file.h"
#include "model/vocabulary.h"

struct llama_vocab;
struct llama_model;
struct llama_model_params;

namespace tessy {

// A GGUF's tokenizer through llama.cpp. `vocab` must outlive it.
class LlamaVocabulary final : public Vocabulary {
 public:
  LlamaVocabulary(const llama_vocab* vocab, const GgufFile& file);

  size_t size() const override { return pieces_.size(); }
  // Remembers short texts, since they come again and again, and llama.cpp takes up to a millisecond for any
  // text (it looks for every marker of the vocabulary in it).
  std::vector<TokenId> Tokenize(std::string_view text) const override;
  std::vector<TokenId> TokenizeMarkup(std::string_view text) const override { return Run(text, true); }
  std::string_view Piece(TokenId token) const override { return pieces_[static_cast<size_t>(token)]; }
  TokenId Find(std::string_view text) const override;
  bool EndsGeneration(TokenId token) const override;
  uint64_t fingerprint() const override { return fingerprint_; }

 private:
  // Texts with very long runs of one kind of character are tokenised on a thread with a stack of its own.
  std::vector<TokenId> Run(std::string_view text, bool special) const;
  std::vector<TokenId> RunHere(std::string_view text, bool special) const;

  const llama_vocab* vocab_;
  std::vector<std::string> pieces_;
  std::unordered_map<std::string, TokenId> markers_;
  uint64_t fingerprint_;
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string, std::vector<TokenId>> remembered_;  // guarded by mutex_
};

// Loads a file's tokenizer alone, without weights.
Result<std::shared_ptr<const Vocabulary>> LoadVocabulary(const std::string& path);

// From now on llama.cpp writes nothing but errors, and those to the log.
void QuietLlamaLog();

namespace internal {
// Loads a file as llama.cpp's `params` say; their `kv_overrides` are set here. The tokenizer adds no space
// before a text, as SentencePiece does by default: that would double the space at each seam. Null: it cannot
// be loaded.
llama_model* LoadLlamaModel(const std::string& path, const llama_model_params& params);
// Loads the tokenizer alone.
llama_model* LoadLlamaVocabulary(const std::string& path);
}  // namespace internal

}  // namespace tessy
