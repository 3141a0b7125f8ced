#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/message.h"
#include "model/family.h"
#include "model/text/chat_template.h"
#include "model/text/gguf_file.h"
#include "model/vocabulary.h"

namespace tessy {

// How prompts of one model are made: its family, its own chat template, its markers as tokens of its
// vocabulary. Immutable; safe from any thread.
class ChatFormat {
 public:
  // `family`: a built-in's name or a family file; empty: as the template says. `template_source`: taken
  // instead of the file's own; empty: the file's. Errors name the file.
  static Result<ChatFormat> Load(const GgufFile& file, const Vocabulary& vocabulary,
                                 const std::string& family, const TemplateOptions& options,
                                 const std::string& template_source = "");

  // With the hand-over that its answer_request stands for (WithHandover).
  const Family& family() const { return family_; }
  // Tokens that close the thinking: with end_closes_thinking all those that end generation, too.
  const std::vector<TokenId>& close_tokens() const { return close_tokens_; }
  const std::vector<TokenId>& end_tokens() const { return end_tokens_; }
  // The token that ends a finished answer: the file's end-of-sequence token, else the first of the family's
  // end tokens that the vocabulary has; -1 if there is none.
  TokenId answer_end() const { return answer_end_; }

  // The tokens of the prompt: with the thinking opened, or, where the model does not think, up to the answer.
  // `vocabulary` is that of Load.
  Result<std::vector<TokenId>> Prompt(std::span<const Message> messages, const Vocabulary& vocabulary,
                                      bool thinks = true) const;
  // The prompt as a text, to look into it.
  Result<std::string> PromptText(std::span<const Message> messages, bool thinks) const;

 private:
  Result<std::vector<PromptPart>> Render(std::span<const Message> messages, bool thinks) const;
  std::vector<TokenId> Tokenize(std::span<const PromptPart> parts, const Vocabulary& vocabulary) const;

  Family family_;
  std::optional<ChatTemplate> chat_template_;
  TemplateOptions options_;
  std::vector<TokenId> close_tokens_;
  std::vector<TokenId> end_tokens_;
  TokenId answer_end_ = -1;
  TokenId bos_ = -1;  // to be put before every prompt; -1: none
};

}  // namespace tessy
