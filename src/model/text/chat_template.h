#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/message.h"
#include "model/family.h"

namespace tessy {

// A piece of a prompt.
struct PromptPart {
  std::string text;
  // Text of a message's content: what looks like a special token in it is not one, and the tokenizer must not
  // read it as one.
  bool from_input = false;

  bool operator==(const PromptPart&) const = default;
};

std::string JoinParts(std::span<const PromptPart> parts);

// Texts of a vocabulary's tokens; empty where it has none.
struct SpecialTokens {
  std::string bos;
  std::string eos;
};

// A model's own chat template (Jinja), parsed once and rendered many times. Immutable; copies share the
// parsed form. Render may be called from any number of threads at once: a call keeps its state to itself.
class ChatTemplate {
 public:
  static Result<ChatTemplate> Parse(std::string source, const SpecialTokens& tokens);

  // The prompt up to where the assistant's turn begins (add_generation_prompt and enable_thinking are true).
  // Parts are not empty and alternate in from_input; joined they are what the template renders. What happens
  // to earlier assistant turns is the template's to say. Pure: no clock, nothing remembered between calls.
  //
  // Content stays from_input through all that templates commonly do with it: concatenation, trimming, macros,
  // slices, the last piece of a split(). Not through tojson and join(), nor in the other pieces of a split().
  //
  // Errors, each one line: a template that refuses the messages or fails, an option that takes the place of
  // what Render itself sets, a date that is none, or none at all where the template asks, a role that is not
  // a plain word. The engine does not limit recursion: an endless macro overflows the stack.
  Result<std::vector<PromptPart>> Render(std::span<const Message> messages,
                                         const TemplateOptions& options) const;

 private:
  struct Program;
  explicit ChatTemplate(std::shared_ptr<const Program> program) : program_(std::move(program)) {}

  std::shared_ptr<const Program> program_;
};

// The prompt with the thinking opened as the family does it: the next token is the first of the thinking.
// `options` stand on top of the family's own. An error where the template's generation prompt has closed the
// thinking already.
Result<std::vector<PromptPart>> RenderOpenThinking(const ChatTemplate& chat_template, const Family& family,
                                                   std::span<const Message> messages,
                                                   const TemplateOptions& options);

}  // namespace tessy
