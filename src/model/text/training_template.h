#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/message.h"
#include "model/family.h"
#include "model/text/chat_template.h"
#include "model/vocabulary.h"

namespace tessy {

// A whole conversation, its last turn the assistant's, as a trainer sees it that uses the student's own
// template and tokenizer. Its text is `prompt` + the assistant's content + `end`.
struct TrainingText {
  std::string prompt = {};
  std::string end = {};
  // True if the template itself writes that text, to the letter.
  bool is_intact = false;
  // True if something in a message's content is a control token of the vocabulary: trainers take it for
  // markup.
  bool has_control_token = false;
  std::vector<TokenId> tokens = {};
  std::vector<size_t> begins = {};  // of each token, in bytes of the text
};

// The part of a student's file that decides how trainers write rows: its chat template, run on whole
// conversations, and its tokenizer. Immutable; safe from any thread.
class TrainingTemplate {
 public:
  // `family`: a built-in's name or a family file; empty: as the template says. Errors name the file.
  static Result<TrainingTemplate> Load(const std::string& path, const std::string& family,
                                       const TemplateOptions& options);

  const Family& family() const { return family_; }
  // False if the template does not write even a short response of the family to the letter, so that nothing
  // is known of how a turn of the assistant ends.
  bool writes_responses() const { return end_.has_value(); }
  // False if the template adds something to a response without thinking, such as an empty thinking. A trainer
  // that finds the place of a response by putting another text there finds a wrong one then.
  bool adds_nothing() const { return adds_nothing_; }

  // The last message is the assistant's. An error where the template refuses the messages, or where the
  // tokens of the text do not add up to it.
  Result<TrainingText> Render(std::span<const Message> messages) const;
  // The tokens of a text that is tokenised by itself.
  size_t CountTokens(std::string_view text) const { return vocabulary_->TokenizeMarkup(text).size(); }

 private:
  struct Written {
    std::string prompt;
    std::string whole;
    bool prompt_has_control_token = false;
  };
  Result<Written> Write(std::span<const Message> messages) const;
  Status Tokenize(const std::string& content, TrainingText& text) const;
  bool IsMarker(const std::string& text) const;

  Family family_;
  std::optional<ChatTemplate> chat_template_;
  TemplateOptions options_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  std::unordered_map<TokenId, std::string> control_;  // tokens that add no text, as markup writes them
  std::optional<std::string> end_;                    // what the template writes behind a response
  bool adds_nothing_ = false;
};

}  // namespace tessy
