#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/message.h"
#include "model/family.h"

namespace tessy {

// A piece of a prompt.
struct PromptPart {
  std::string text;
  // True for text of a message's content: the tokenizer must not read special tokens in it.
  bool from_input = false;

  bool operator==(const PromptPart&) const = default;
};

std::string JoinParts(std::span<const PromptPart> parts);

// The bytes at the end of `text` with which `opener` begins: what is there already and is not written again.
// Pure.
size_t Overlap(std::string_view text, std::string_view opener);

// The messages with a system's turn before them, unless they bring one. An empty `system` adds nothing. Pure.
std::vector<Message> AddSystem(std::span<const Message> messages, const std::string& system);

// Texts of a vocabulary's tokens; empty where it has none.
struct SpecialTokens {
  std::string bos;
  std::string eos;
};

// A model's own chat template (Jinja), parsed once and rendered many times. Immutable; copies share the
// parsed form. Render may be called from any number of threads at once: a call keeps its state to itself.
class ChatTemplate {
 public:
  // One line of what is wrong: what does not parse, or is nested too deeply to be parsed.
  static Result<ChatTemplate> Parse(std::string source, const SpecialTokens& tokens);

  // The prompt up to where the assistant's turn begins (add_generation_prompt is true, enable_thinking as
  // `thinks` says).
  // Parts are not empty and alternate in from_input; joined they are the text that the template renders. The
  // template decides how earlier assistant turns are written. Pure: no clock, no state between calls.
  //
  // Content stays from_input through the usual operations of templates: concatenation, trimming, macros,
  // slices, the last piece of a split(). It does not through tojson and join(), nor in the other pieces of a
  // split().
  //
  // Errors, each one line: a template that refuses the messages or fails; one that takes more steps or makes
  // longer texts than a template needs, or calls itself without end (TemplateBudget); an option with the name
  // of a variable that Render itself sets; a date that is malformed, or missing where the template asks for
  // it; a role that is not a plain word.
  Result<std::vector<PromptPart>> Render(std::span<const Message> messages, const TemplateOptions& options,
                                         bool thinks = true) const;
  // The same for a conversation that is whole: its last turn is the assistant's, and no other is opened
  // (add_generation_prompt is false).
  Result<std::vector<PromptPart>> RenderWhole(std::span<const Message> messages,
                                              const TemplateOptions& options) const;

 private:
  struct Turn {
    bool opens_turn;
    bool thinks;
  };
  Result<std::vector<PromptPart>> RenderWith(std::span<const Message> messages,
                                             const TemplateOptions& options, const Turn& turn) const;
  struct Program;
  explicit ChatTemplate(std::shared_ptr<const Program> program) : program_(std::move(program)) {}

  std::shared_ptr<const Program> program_;
};

// The template with which a model of the family is asked: `own`, which the model brings (empty: none), or the
// family's default. An error where there is neither.
Result<ChatTemplate> TemplateFor(const Family& family, const std::string& own, const SpecialTokens& tokens);

// The family with the hand-over that its answer_request stands for: what the template writes from the end of
// an assistant's turn to the begin of the next one, with that request between them. A family without
// answer_request is returned as it is. Where the template opens a thinking in the next turn, content_close
// closes it. An error where the template does not show an assistant's turn. Here and in the functions below
// `options` stand on top of the family's own.
Result<Family> WithHandover(Family family, const ChatTemplate& chat_template, const TemplateOptions& options);

// The prompt with the thinking opened as the family does it, and asked for where the family does: the next
// token is the first of the thinking. Where the thinking is a turn of its own (answer_request), the template
// gets enable_thinking = false, and what it opens all the same is closed with content_close. An error where
// the template's generation prompt has closed the thinking already.
Result<std::vector<PromptPart>> RenderOpenThinking(const ChatTemplate& chat_template, const Family& family,
                                                   std::span<const Message> messages,
                                                   const TemplateOptions& options);

// The prompt after which the next token is the first of an answer without thinking: the template gets
// enable_thinking = false; where it does not close the thinking itself, skip_thinking follows, or what opens
// and closes it. A family that opens no thinking gets the hand-over only if the template has opened it with
// what content_open begins with; content_close where the hand-over asks for the answer in another turn.
// `family`: as WithHandover gave it.
Result<std::vector<PromptPart>> RenderAnswer(const ChatTemplate& chat_template, const Family& family,
                                             std::span<const Message> messages,
                                             const TemplateOptions& options);

// The prompt of a model that thinks (RenderOpenThinking), or of one that does not (RenderAnswer).
Result<std::vector<PromptPart>> RenderPrompt(const ChatTemplate& chat_template, const Family& family,
                                             std::span<const Message> messages,
                                             const TemplateOptions& options, bool thinks);

}  // namespace tessy
