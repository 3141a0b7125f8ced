#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace tessy {

// Values that a chat template gets besides the messages. Value type.
struct TemplateOptions {
  using Value = std::variant<bool, std::string>;

  // Global variables of the template, by name ("reasoning_effort" = "high"). Names are unique.
  std::vector<std::pair<std::string, Value>> variables;
  // "YYYY-MM-DD": the date that the template gets when it asks for today's (`strftime_now`). Empty: not set,
  // and a template that asks is an error. Rendering takes no date from a clock, so that a run can be
  // repeated: the caller that starts the run puts today's date here and records it.
  std::string date;

  bool operator==(const TemplateOptions&) const = default;
};

// `defaults` with everything that `overrides` sets on top.
TemplateOptions MergeOptions(const TemplateOptions& defaults, const TemplateOptions& overrides);

// How a kind of model opens its thinking, closes it, and goes on to the answer. Families are data: one TOML
// file each, with the fields below as its keys. Markup here is text with special tokens in it. Value type.
struct Family {
  std::string name;
  // A chat template that contains one of these belongs to the family (DetectFamily). None: never detected.
  std::vector<std::string> template_marks;
  // The template must contain one of these, too: they are what makes such a model think, and many models
  // share the markup of a family that thinks and were not trained to. The key may be absent: template_marks
  // alone decide.
  std::vector<std::string> thinking_marks;
  // Appended after the rendered generation prompt, so that the next token is the first of the thinking. If
  // the rendered prompt ends with the start of it, or with all of it, only the rest is appended. May be
  // empty.
  std::string open_thinking;
  // Texts of single vocabulary tokens each of which closes the thinking. A vocabulary may lack some.
  std::vector<std::string> close_tokens;
  // Texts that close the thinking, in one token or in pieces: for vocabularies and servers that do not show
  // the close token. The marker and the text after it are no part of the thinking.
  std::vector<std::string> close_texts;
  // True: a token that ends generation closes the thinking: where the thinking is a turn of its own, and for
  // models that may stop there (few-shot). May be absent: false, and such a token there is a failure.
  bool end_closes_thinking = false;
  // Texts with which a model of this family goes past its thinking (the begin of the answer, another
  // question): they close it, too, where this model writes them; where another one does, they mean nothing. A
  // text that begins with a newline means the begin of a line, also of the first (FindMarkerOfText); so do
  // those of close_texts and answer_stops. The key may be absent.
  std::vector<std::string> thinking_stops;
  // Appended to the last message of the user: asks for the thinking. The key may be absent: nothing is.
  std::string thinking_request;
  // Not empty: the thinking is a turn of its own, and this is the user's next message, which asks for the
  // answer. The hand-over is then what the chat template writes between the two turns' contents
  // (WithHandover), and `handover` is empty in the file. It needs end_closes_thinking. May be absent.
  std::string answer_request;
  // Fed to the answerer after the (trimmed) thinking, so that the next token is the first of the answer.
  std::string handover;
  // Texts with which a model of this family goes past its answer: they end it and are no part of it, nor are
  // the blanks before them. The key may be absent.
  std::vector<std::string> answer_stops;
  // Appended to the rendered prompt in place of open_thinking and handover where the model is to answer
  // without thinking (RenderAnswer). The key may be absent: these two are.
  std::string skip_thinking;
  // Written between the thinking and what closes it where the budget closes it and no model does, so that the
  // answerer knows why its thinking stops. It is no part of the thinking. The key may be absent: nothing is
  // written.
  std::string budget_close;
  // The assistant content as it stands in files: content_open + thinking + content_close + answer.
  std::string content_open;
  std::string content_close;
  // ASCII characters that are removed from the end of the thinking when it closes, as many as stand there;
  // content_close brings back those that belong there. May be empty.
  std::string trim;
  // Texts of tokens that end generation, besides those that the model's own file names.
  std::vector<std::string> end_tokens;
  // Jinja source, used for a model that brings no template of its own (a GGUF without one, a server). Empty:
  // the family needs the model's own.
  std::string default_template;
  // True: default_template is used whatever the model brings. The key may be absent: false.
  bool use_default_template = false;
  // Defaults; the table `[template_options]` of the file, which may be absent. Its key `date` is the date.
  TemplateOptions template_options;

  bool operator==(const Family&) const = default;
};

// Reads a family file. `origin` names it in errors, which say file, line and key: TOML that does not parse, a
// key that is unknown, missing or of the wrong type, and values that could not work.
Result<Family> ParseFamily(std::string_view text, std::string_view origin);

// A built-in family by its name, or any other from a file whose path ends in ".toml".
Result<Family> LoadFamily(std::string_view name_or_path);

// The name of the built-in family whose marks the template has; "plain" if none has.
std::string DetectFamily(std::string_view chat_template);

// The names of the built-in families, in the order in which DetectFamily asks them.
std::vector<std::string> BuiltInFamilies();

}  // namespace tessy
