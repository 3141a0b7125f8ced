#include "model/text/chat_template.h"

#include <jinja/lexer.h>
#include <jinja/parser.h>
#include <jinja/runtime.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "base/json_depth.h"
#include "base/utf8.h"
#include "model/text/template_budget.h"

namespace tessy {

struct ChatTemplate::Program {
  jinja::program body;
  std::shared_ptr<std::string> source;  // the engine quotes it in its errors and never changes it
  SpecialTokens tokens;
};

namespace {

constexpr std::array<std::string_view, 6> kReservedNames = {
    "messages", "bos_token", "eos_token", "add_generation_prompt", "enable_thinking", "strftime_now"};

jinja::value TextValue(const std::string& text) { return jinja::mk_val<jinja::value_string>(text); }
jinja::value FlagValue(bool flag) { return jinja::mk_val<jinja::value_bool>(flag); }

jinja::value InputValue(const std::string& text) {
  return jinja::mk_val<jinja::value_string>(jinja::string(text, /*user_input=*/true));
}

jinja::value MessagesValue(std::span<const Message> messages) {
  auto list = jinja::mk_val<jinja::value_array>();
  for (const Message& message : messages) {
    auto item = jinja::mk_val<jinja::value_object>();
    item->insert("role", TextValue(message.role));
    item->insert("content", InputValue(message.content));
    list->push_back(std::move(item));
  }
  return list;
}

std::optional<int> Number(std::string_view digits) {
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.front() == '-')
    return std::nullopt;
  return number;
}

// Midnight of a date "YYYY-MM-DD" that exists.
std::optional<std::tm> ParseDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = Number(text.substr(0, 4));
  const auto month = Number(text.substr(5, 2));
  const auto day = Number(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  namespace chrono = std::chrono;
  const chrono::year_month_day date(chrono::year(*year), chrono::month(static_cast<unsigned>(*month)),
                                    chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  const chrono::sys_days days(date);
  std::tm midnight = {};
  midnight.tm_year = *year - 1900;
  midnight.tm_mon = *month - 1;
  midnight.tm_mday = *day;
  midnight.tm_wday = static_cast<int>(chrono::weekday(days).c_encoding());
  midnight.tm_yday = static_cast<int>((days - chrono::sys_days(date.year() / 1 / 1)).count());
  return midnight;
}

std::string FormatDate(const std::string& format, const std::tm& date) {
  if (format.empty()) return format;
  std::array<char, 256> text;
  const size_t size = std::strftime(text.data(), text.size(), format.c_str(), &date);
  if (size == 0) throw std::runtime_error("strftime_now: cannot format a date as '" + format + "'");
  return std::string(text.data(), size);
}

// Replaces the engine's own strftime_now, which asks the clock.
jinja::value DateFunction(const std::optional<std::tm>& date) {
  const jinja::func_handler handler = [date](const jinja::func_args& args) -> jinja::value {
    if (!date) throw std::runtime_error("it asks for today's date and the template option `date` is not set");
    return TextValue(FormatDate(args.get_pos(0)->as_string().str(), *date));
  };
  return jinja::mk_val<jinja::value_func>("strftime_now", handler);
}

Status CheckRole(const std::string& role) {
  const bool plain = !role.empty() && std::all_of(role.begin(), role.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (plain) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "\"" + role + "\" is no role of a message: letters, digits, _ and - only");
}

Status CheckOptionName(const std::string& name) {
  if (std::find(kReservedNames.begin(), kReservedNames.end(), name) == kReservedNames.end()) return {};
  return Fail(ErrorCode::kInvalidArgument, "the template option `" + name + "` is not for setting");
}

Result<std::optional<std::tm>> CheckDate(const std::string& date) {
  if (date.empty()) return std::nullopt;
  if (const std::optional<std::tm> parsed = ParseDate(date)) return parsed;
  return Fail(ErrorCode::kInvalidArgument,
              "the template option `date` is \"" + date + "\", not a date YYYY-MM-DD");
}

void SetVariables(jinja::context& context, const TemplateOptions& options) {
  for (const auto& [name, value] : options.variables) {
    if (const bool* flag = std::get_if<bool>(&value)) {
      context.set_val(name, FlagValue(*flag));
    } else {
      context.set_val(name, TextValue(std::get<std::string>(value)));
    }
  }
}

// Joins neighbours of one kind into one part, also if an empty part stood between them.
std::vector<PromptPart> ToParts(const std::vector<jinja::string_part>& rendered) {
  std::vector<PromptPart> parts;
  for (const jinja::string_part& part : rendered) {
    if (part.val.empty()) continue;
    if (parts.empty() || parts.back().from_input != part.is_input) parts.push_back({"", part.is_input});
    parts.back().text += part.val;
  }
  return parts;
}

// The text after the first `mark`; empty if it is not there.
std::string_view After(std::string_view text, std::string_view mark) {
  const size_t begin = text.find(mark);
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin + mark.size());
}

std::string_view Before(std::string_view text, std::string_view mark) {
  return text.substr(0, text.find(mark));
}

// The engine quotes the source by bytes, so a character may be cut.
std::string OneLine(std::string_view text) {
  std::string line = Sanitize(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return line;
}

// The engine's "lexer: problem\n...source...\n    ^" as one line.
std::string ParseProblem(std::string_view what) {
  const std::string_view near = Before(After(what, "\n..."), "...\n");
  std::string problem = "the chat template does not parse: " + std::string(Before(what, "\n"));
  if (!near.empty()) problem.append(", near: ").append(near);
  return OneLine(problem);
}

// The engine's "While executing X at line 1, column 2 in source:\n...source...\n   ^\nError: problem" as one
// line.
std::string RenderProblem(std::string_view what) {
  constexpr std::string_view kRaised = "Jinja Exception: ";
  std::string_view place = Before(After(what, " at "), " in source:");
  std::string_view problem = After(what, "\nError: ");
  if (problem.empty()) {
    problem = what;
    place = {};
  }
  const bool raised = problem.starts_with(kRaised);
  if (raised) problem.remove_prefix(kRaised.size());
  std::string message = raised ? "the chat template refuses the messages" : "the chat template fails";
  if (!place.empty()) message.append(" (").append(place).append(")");
  return OneLine(message.append(": ").append(problem));
}

// What a rendering may spend. Templates of models take some thousand steps for a conversation.
constexpr uint64_t kSteps = 50'000;
constexpr uint64_t kStepsPerMessage = 10'000;
constexpr uint64_t kTextBytes = uint64_t{64} << 20;
constexpr uint64_t kTextBytesPerByte = 256;  // of the messages
constexpr size_t kLevels = 500;
constexpr int64_t kRangeMax = 1'000'000;
// Of one {{ }} or {% %}: what follows one another in it is nested in the parsed form.
constexpr size_t kTagTokensMax = 4000;

TemplateBudget BudgetFor(std::span<const Message> messages) {
  TemplateBudget budget{
      .steps = kSteps + kStepsPerMessage * messages.size(), .bytes = kTextBytes, .levels = kLevels};
  for (const Message& message : messages) budget.bytes += kTextBytesPerByte * message.content.size();
  return budget;
}

// The budget of this thread while the object lives.
class Spending {
 public:
  explicit Spending(TemplateBudget& budget) { TemplateBudget::Current() = &budget; }
  ~Spending() { TemplateBudget::Current() = nullptr; }
  Spending(const Spending&) = delete;
  Spending& operator=(const Spending&) = delete;
};

// The engine's own range() makes its list whole, however long.
jinja::value RangeFunction() {
  const jinja::func_handler handler = [](const jinja::func_args& args) -> jinja::value {
    const auto number = [&args](size_t i) { return args.get_pos(i)->as_int(); };
    args.ensure_count(1, 3);
    const int64_t first = args.count() > 1 ? number(0) : 0;
    const int64_t last = args.count() > 1 ? number(1) : number(0);
    const int64_t step = args.count() > 2 ? std::max<int64_t>(1, std::abs(number(2))) : 1;
    const auto far = [](int64_t n) { return n > kRangeMax * kRangeMax || n < -kRangeMax * kRangeMax; };
    if (far(first) || far(last) || far(step) || std::abs(last - first) / step > kRangeMax) {
      throw std::runtime_error("range() gives more than a million numbers");
    }
    const TemplateBudget* budget = TemplateBudget::Current();
    if (budget != nullptr && static_cast<uint64_t>(std::abs(last - first) / step) > budget->steps) {
      throw std::runtime_error("it takes too many steps");
    }
    return jinja::global_builtins().at("range")(args);
  };
  return jinja::mk_val<jinja::value_func>("range", handler);
}

// How deep blocks and brackets of a template nest, as far as its tokens tell.
class Nesting {
 public:
  // False once it is too deep.
  bool Take(const std::vector<jinja::token>& tokens, size_t at) {
    using Token = jinja::token;
    switch (tokens[at].t) {
      case Token::open_paren:
      case Token::open_square_bracket:
      case Token::open_curly_bracket:
        return ++brackets_ <= kNestingMax;
      case Token::close_paren:
      case Token::close_square_bracket:
      case Token::close_curly_bracket:
        brackets_ -= brackets_ > 0 ? 1 : 0;
        return true;
      case Token::open_expression:
      case Token::open_statement:
        brackets_ = 0;
        begin_ = at;
        return at + 1 >= tokens.size() || tokens[at].t == Token::open_expression || Block(tokens, at + 1);
      case Token::close_expression:
      case Token::close_statement:
        begin_ = at;
        return true;
      default:
        return tokens[at].t == Token::text || at - begin_ <= kTagTokensMax;
    }
  }

 private:
  bool Block(const std::vector<jinja::token>& tokens, size_t at) {
    const std::string& word = tokens[at].value;
    if (word.starts_with("end")) {
      if (!blocks_.empty()) {
        depth_ -= blocks_.back();
        blocks_.pop_back();
      }
    } else if (word == "elif" && !blocks_.empty()) {  // parsed as an if in the else
      ++blocks_.back();
      ++depth_;
    } else if (word == "if" || word == "for" || word == "macro" || word == "call" || word == "filter" ||
               (word == "set" && !Assigns(tokens, at))) {
      blocks_.push_back(1);
      ++depth_;
    }
    return depth_ <= kNestingMax;
  }
  static bool Assigns(const std::vector<jinja::token>& tokens, size_t at) {
    for (; at < tokens.size() && tokens[at].t != jinja::token::close_statement; ++at) {
      if (tokens[at].t == jinja::token::equals) return true;
    }
    return false;
  }

  size_t brackets_ = 0;
  size_t begin_ = 0;  // of the tag
  size_t depth_ = 0;
  std::vector<size_t> blocks_;  // open ones, with the levels that each takes
};

// The parser calls itself for what is nested.
Status CheckNesting(const std::vector<jinja::token>& tokens) {
  Nesting nesting;
  for (size_t at = 0; at < tokens.size(); ++at) {
    if (!nesting.Take(tokens, at)) {
      return Fail(ErrorCode::kInvalidData, "the chat template is nested too deeply: more than " +
                                               std::to_string(kNestingMax) +
                                               " blocks or brackets in one another, or more than " +
                                               std::to_string(kTagTokensMax) + " words in one tag");
    }
  }
  return {};
}

std::string_view WithoutBlanksAtEnd(std::string_view text) {
  const size_t end = text.find_last_not_of(" \n");
  return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

bool EndsWithClose(std::string_view text, const Family& family) {
  text = WithoutBlanksAtEnd(text);
  const auto closes = [text](const std::string& marker) { return text.ends_with(marker); };
  return std::ranges::any_of(family.close_tokens, closes) || std::ranges::any_of(family.close_texts, closes);
}

// True where the template opens the thinking itself.
bool EndsWithOpener(std::string_view text, const Family& family) {
  const std::string_view opener = WithoutBlanksAtEnd(family.content_open);
  return !opener.empty() && WithoutBlanksAtEnd(text).ends_with(opener);
}

// Empty where the prompt ends in a message's content.
std::string_view MarkupAtEnd(const std::vector<PromptPart>& parts) {
  return parts.empty() || parts.back().from_input ? std::string_view() : std::string_view(parts.back().text);
}

// What the prompt's end has of `markup` already is not repeated.
void AppendMissing(std::vector<PromptPart>& parts, std::string_view markup) {
  const std::string_view tail = MarkupAtEnd(parts);
  const std::string missing(markup.substr(Overlap(tail, markup)));
  if (missing.empty()) return;
  if (parts.empty() || parts.back().from_input) {
    parts.push_back({missing, /*from_input=*/false});
  } else {
    parts.back().text += missing;
  }
}

// Stands for the thinking where the markup after it is looked for.
constexpr const char* kThinkingTurn = "TESSY-THINKING-TURN";

}  // namespace

std::string JoinParts(std::span<const PromptPart> parts) {
  std::string text;
  for (const PromptPart& part : parts) text += part.text;
  return text;
}

size_t Overlap(std::string_view text, std::string_view opener) {
  size_t size = std::min(text.size(), opener.size());
  while (!text.ends_with(opener.substr(0, size))) --size;
  return size;
}

std::vector<Message> AddSystem(std::span<const Message> messages, const std::string& system) {
  std::vector<Message> told(messages.begin(), messages.end());
  const auto is_system = [](const Message& message) { return message.role == "system"; };
  if (!system.empty() && std::ranges::none_of(told, is_system)) {
    told.insert(told.begin(), {.role = "system", .content = system});
  }
  return told;
}

Result<ChatTemplate> ChatTemplate::Parse(std::string source, const SpecialTokens& tokens) {
  try {
    jinja::lexer_result lexed = jinja::lexer().tokenize(source);
    if (auto status = CheckNesting(lexed.tokens); !status) return tl::unexpected(status.error());
    auto program = std::make_shared<Program>();
    program->body = jinja::parse_from_tokens(lexed);
    program->source = std::make_shared<std::string>(std::move(lexed.source));
    program->tokens = tokens;
    return ChatTemplate(std::move(program));
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kInvalidData, ParseProblem(error.what()));
  }
}

Result<std::vector<PromptPart>> ChatTemplate::Render(std::span<const Message> messages,
                                                     const TemplateOptions& options, bool thinks) const {
  return RenderWith(messages, options, {.opens_turn = true, .thinks = thinks});
}

Result<std::vector<PromptPart>> ChatTemplate::RenderWhole(std::span<const Message> messages,
                                                          const TemplateOptions& options) const {
  return RenderWith(messages, options, {.opens_turn = false, .thinks = true});
}

Result<std::vector<PromptPart>> ChatTemplate::RenderWith(std::span<const Message> messages,
                                                         const TemplateOptions& options,
                                                         const Turn& turn) const {
  for (const Message& message : messages) {
    if (Status status = CheckRole(message.role); !status) return tl::unexpected(status.error());
  }
  for (const auto& [name, value] : options.variables) {
    if (Status status = CheckOptionName(name); !status) return tl::unexpected(status.error());
  }
  const Result<std::optional<std::tm>> date = CheckDate(options.date);
  if (!date) return tl::unexpected(date.error());
  try {
    jinja::context context;
    context.src = program_->source;
    SetVariables(context, options);
    context.set_val("messages", MessagesValue(messages));
    context.set_val("bos_token", TextValue(program_->tokens.bos));
    context.set_val("eos_token", TextValue(program_->tokens.eos));
    context.set_val("add_generation_prompt", FlagValue(turn.opens_turn));
    context.set_val("enable_thinking", FlagValue(turn.thinks));
    context.set_val("strftime_now", DateFunction(*date));
    context.set_val("range", RangeFunction());
    TemplateBudget budget = BudgetFor(messages);
    const Spending spending(budget);
    const jinja::value_array pieces = jinja::runtime(context).execute(program_->body);
    return ToParts(jinja::runtime::gather_string_parts(pieces)->val_str.parts);
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kInvalidData, RenderProblem(error.what()));
  }
}

Result<ChatTemplate> TemplateFor(const Family& family, const std::string& own, const SpecialTokens& tokens) {
  const bool takes_own = !own.empty() && !family.use_default_template;
  if (!takes_own && family.default_template.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "no chat template is known, and the family " + family.name +
                    " works by the model's own; a base model is asked as the family few-shot, and for a "
                    "server that does not tell its template a .gguf of the model brings it (--…vocabulary)");
  }
  return ChatTemplate::Parse(takes_own ? own : family.default_template, tokens);
}

Result<Family> WithHandover(Family family, const ChatTemplate& chat_template,
                            const TemplateOptions& options) {
  if (family.answer_request.empty()) return family;
  const std::vector<Message> turns{{.role = "user", .content = "?"},
                                   {.role = "assistant", .content = kThinkingTurn},
                                   {.role = "user", .content = family.answer_request}};
  const auto parts =
      chat_template.Render(turns, MergeOptions(family.template_options, options), /*thinks=*/false);
  if (!parts) return tl::unexpected(parts.error());
  const std::string text = JoinParts(*parts);
  const size_t turn = text.rfind(kThinkingTurn);
  if (turn == std::string::npos) {
    return Fail(ErrorCode::kInvalidData,
                "the chat template does not show an assistant's earlier turn, by "
                "which the family " +
                    family.name + " asks for the answer");
  }
  family.handover = text.substr(turn + std::string_view(kThinkingTurn).size());
  if (EndsWithOpener(family.handover, family)) {
    family.handover += family.content_close.substr(Overlap(family.handover, family.content_close));
  }
  return family;
}

Result<std::vector<PromptPart>> RenderOpenThinking(const ChatTemplate& chat_template, const Family& family,
                                                   std::span<const Message> messages,
                                                   const TemplateOptions& options) {
  std::vector<Message> asked(messages.begin(), messages.end());
  if (!asked.empty()) asked.back().content += family.thinking_request;
  // Thinking aloud in a turn of its own takes the place of the model's own thinking, which is switched off,
  // or closed where the template opens it all the same.
  const bool aloud = !family.answer_request.empty();
  auto parts = chat_template.Render(asked, MergeOptions(family.template_options, options), !aloud);
  if (!parts) return parts;
  const std::string_view tail = MarkupAtEnd(*parts);
  if (aloud) {
    if (EndsWithOpener(tail, family)) AppendMissing(*parts, family.content_close);
    return parts;
  }
  if (EndsWithClose(tail, family)) {
    return Fail(
        ErrorCode::kInvalidData,
        "the chat template's generation prompt closes the thinking at once (family " + family.name + ")");
  }
  AppendMissing(*parts, family.open_thinking);
  return parts;
}

Result<std::vector<PromptPart>> RenderAnswer(const ChatTemplate& chat_template, const Family& family,
                                             std::span<const Message> messages,
                                             const TemplateOptions& options) {
  auto parts =
      chat_template.Render(messages, MergeOptions(family.template_options, options), /*thinks=*/false);
  if (!parts) return parts;
  const std::string_view tail = MarkupAtEnd(*parts);
  if (EndsWithClose(tail, family)) return parts;
  if (!family.skip_thinking.empty()) {
    AppendMissing(*parts, family.skip_thinking);
  } else if (!family.open_thinking.empty()) {
    AppendMissing(*parts, family.open_thinking + family.handover);
  } else if (EndsWithOpener(tail, family)) {
    AppendMissing(*parts, family.answer_request.empty() ? family.handover : family.content_close);
  }
  return parts;
}

Result<std::vector<PromptPart>> RenderPrompt(const ChatTemplate& chat_template, const Family& family,
                                             std::span<const Message> messages,
                                             const TemplateOptions& options, bool thinks) {
  const auto render = thinks ? &RenderOpenThinking : &RenderAnswer;
  return render(chat_template, family, messages, options);
}

}  // namespace tessy
