#include "source_scan.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>

namespace tessy {
namespace {

bool IsWordByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// ---- Comments and literals

class Reader {
 public:
  explicit Reader(std::string_view source) : source_(source) { text_.code.reserve(source.size()); }

  SourceText Read() {
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (source_.substr(at_).starts_with("//")) {
        LineComment();
      } else if (source_.substr(at_).starts_with("/*")) {
        BlockComment();
      } else if (c == '"' && LastCode() == 'R' && !IsWordBefore(2)) {
        RawString();
      } else if (c == '"') {
        Quoted('"');
      } else if (c == '\'' && !InNumber()) {
        Quoted('\'');
      } else if (c == '#' && LineIsBlankSoFar()) {
        Include();
        Keep();
      } else {
        Keep();
      }
    }
    return std::move(text_);
  }

 private:
  void Keep() {
    if (source_[at_] == '\n') ++line_;
    text_.code += source_[at_++];
  }
  void Blank(size_t end) {
    for (; at_ < end; ++at_) {
      text_.code += source_[at_] == '\n' ? '\n' : ' ';
      if (source_[at_] == '\n') ++line_;
    }
  }
  char LastCode() const { return text_.code.empty() ? '\0' : text_.code.back(); }
  bool IsWordBefore(size_t back) const {
    return text_.code.size() >= back && IsWordByte(text_.code[text_.code.size() - back]);
  }
  // A quote between digits separates them: 60'000.
  bool InNumber() const {
    size_t begin = text_.code.size();
    while (begin > 0 && (IsWordByte(text_.code[begin - 1]) || text_.code[begin - 1] == '\'')) --begin;
    return begin < text_.code.size() && std::isdigit(static_cast<unsigned char>(text_.code[begin])) != 0;
  }
  bool LineIsBlankSoFar() const {
    const size_t newline = text_.code.rfind('\n');
    const size_t begin = newline == std::string::npos ? 0 : newline + 1;
    return text_.code.find_first_not_of(" \t", begin) == std::string::npos;
  }

  void LineComment() {
    const bool alone = LineIsBlankSoFar();
    const size_t end = std::min(source_.find('\n', at_), source_.size());
    std::string_view words = source_.substr(at_ + 2, end - at_ - 2);
    while (words.starts_with(' ')) words.remove_prefix(1);
    if (alone && comment_goes_on_at_ == line_ && !text_.comments.empty()) {
      text_.comments.back().text += ' ';
      text_.comments.back().text += words;
    } else {
      text_.comments.push_back({.line = line_, .text = std::string(words)});
    }
    if (alone) comment_goes_on_at_ = line_ + 1;
    Blank(end);
  }
  void BlockComment() {
    const size_t close = source_.find("*/", at_ + 2);
    const size_t end = close == std::string_view::npos ? source_.size() : close + 2;
    std::string_view words = source_.substr(at_ + 2, end - at_ - 4);
    while (words.starts_with(' ') || words.starts_with('*')) words.remove_prefix(1);
    while (words.ends_with(' ')) words.remove_suffix(1);
    text_.comments.push_back({.line = line_, .text = std::string(words)});
    Blank(end);
  }
  void RawString() {
    const size_t open = source_.find('(', at_);
    const std::string closing = ")" + std::string(source_.substr(at_ + 1, open - at_ - 1)) + "\"";
    const size_t close = source_.find(closing, open);
    Blank(close == std::string_view::npos ? source_.size() : close + closing.size());
  }
  void Quoted(char quote) {
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote && source_[end] != '\n') {
      end += source_[end] == '\\' ? 2 : 1;
    }
    Blank(std::min(end + 1, source_.size()));
  }
  void Include() {
    const std::string_view line = source_.substr(at_, source_.find('\n', at_) - at_);
    if (line.find_first_not_of("# \t") != line.find("include")) return;
    const size_t open = line.find_first_of("\"<");
    const size_t close = line.find_last_of("\">");
    if (open < close && close != std::string_view::npos) {
      text_.includes.emplace_back(line.substr(open + 1, close - open - 1));
    }
  }

  std::string_view source_;
  SourceText text_;
  size_t at_ = 0;
  size_t line_ = 1;
  size_t comment_goes_on_at_ = 0;  // the line on which a comment continues the one before it
};

// ---- Scopes and heads

using Tokens = std::vector<SourceToken>;

bool IsKeyword(std::string_view word) {
  static const std::set<std::string_view> keywords{
      "alignas",   "auto",      "bool",      "case",          "char",
      "class",     "const",     "constexpr", "default",       "delete",
      "do",        "double",    "else",      "enum",          "explicit",
      "extern",    "false",     "float",     "for",           "friend",
      "if",        "inline",    "int",       "long",          "mutable",
      "namespace", "new",       "noexcept",  "nullptr",       "operator",
      "private",   "protected", "public",    "return",        "short",
      "signed",    "sizeof",    "static",    "static_assert", "struct",
      "switch",    "template",  "this",      "thread_local",  "throw",
      "true",      "try",       "typedef",   "typename",      "union",
      "unsigned",  "using",     "virtual",   "void",          "volatile",
      "while",     "override",  "final",     "requires",      "concept"};
  return keywords.contains(word);
}

bool IsName(const SourceToken& token) {
  return token.is_word && std::isdigit(static_cast<unsigned char>(token.text[0])) == 0 &&
         !IsKeyword(token.text);
}

// What the tokens of one declaration have shown so far.
struct Head {
  size_t begin = 0;
  std::optional<size_t> parameters = {};  // the opening parenthesis of a function's parameters
  std::optional<size_t> equals = {};
  bool initialises = false;  // past the colon of a constructor
  bool is_operator = false;
  int angles = 0;
};

class Outliner {
 public:
  explicit Outliner(const std::vector<SourceToken>& tokens) {
    for (const SourceToken& token : tokens) {
      if (!token.in_directive) tokens_.push_back(token);
    }
  }

  SourceOutline Read() {
    while (at_ < tokens_.size()) {
      Scope("");
      ++at_;  // a closing brace too many: a macro has opened it
    }
    return std::move(outline_);
  }

 private:
  std::string_view Text(size_t at) const { return at < tokens_.size() ? tokens_[at].text : ""; }
  std::string_view Before(size_t at) const { return at > 0 ? tokens_[at - 1].text : ""; }

  // The index behind the bracket that closes the one at `at`.
  size_t BehindBracket(size_t at) const {
    size_t depth = 0;
    for (; at < tokens_.size(); ++at) {
      const std::string_view text = tokens_[at].text;
      if (text == "(" || text == "[" || text == "{") ++depth;
      if (text == ")" || text == "]" || text == "}") --depth;
      if (depth == 0) return at + 1;
    }
    return at;
  }

  // Reads declarations up to the brace that closes the scope, or to the end. `name` is the class's, if it is
  // one.
  void Scope(std::string_view name) {
    Head head{.begin = at_};
    while (at_ < tokens_.size() && Text(at_) != "}") {
      if (Text(at_) == ";") {
        Declare(head, at_, name);
        head = {.begin = ++at_};
      } else if (Text(at_) == "{") {
        if (Brace(head, name)) head = {.begin = at_};
      } else {
        Advance(head);
      }
    }
  }

  // Takes one token of a head in.
  void Advance(Head& head) {
    const std::string_view text = Text(at_);
    if (text == "operator") {
      SkipOperator(head);
    } else if (text == "(" || text == "[") {
      if (text == "(" && head.angles == 0 && !head.parameters && !head.equals) head.parameters = at_;
      if (text == "(" && head.initialises && IsName(tokens_[at_ - 1])) NotAUse(at_ - 1);
      at_ = BehindBracket(at_);
    } else if (text == "=" && head.angles == 0) {
      if (!head.equals) head.equals = at_;
      ++at_;
    } else if (text == ":" && at_ == head.begin + 1) {  // public:
      head = {.begin = ++at_};
    } else {
      if (text == ":" && head.parameters) head.initialises = true;
      if (text == "<" && !head.equals) ++head.angles;
      if (text == ">" && !head.equals && head.angles > 0) --head.angles;
      ++at_;
    }
  }

  void SkipOperator(Head& head) {
    head.is_operator = true;
    ++at_;
    if (Text(at_) == "(") at_ = BehindBracket(at_);
    while (at_ < tokens_.size() && Text(at_) != "(" && Text(at_) != ";") ++at_;
  }

  // A brace in a head: true if what it opens ends the declaration.
  bool Brace(Head& head, std::string_view enclosing) {
    const std::optional<std::string_view> kind = KindOfScope(head);
    if (kind == "namespace" || kind == "extern") {
      ++at_;
      Scope("");
      ++at_;
      return true;
    }
    if (kind == "enum") {
      DeclareType(head);
      Enumerators();
      return false;
    }
    if (kind) {
      const std::string_view name = DeclareType(head);
      const size_t begin = ++at_;
      Scope(name);
      for (size_t i = begin; i < at_ && !name.empty(); ++i) {
        if (Text(i) == name) NotAUse(i);
      }
      ++at_;
      return false;
    }
    const bool member = head.initialises && (tokens_[at_ - 1].is_word || Before(at_) == ">");
    if (!head.parameters || head.equals || member) {
      if (member && IsName(tokens_[at_ - 1])) NotAUse(at_ - 1);
      Initialiser();
      return false;
    }
    const size_t body = at_;
    at_ = BehindBracket(at_);
    Declare(head, body, enclosing);
    AddFunction(head.begin, *head.parameters, at_ - 1);
    return true;
  }

  // A braced value; a lambda in it is a function of its own.
  void Initialiser() {
    const size_t end = BehindBracket(at_);
    const bool is_lambda = Before(at_) == ")" || Before(at_) == "]";
    if (is_lambda) {
      outline_.functions.push_back(
          {.name = "a lambda", .first_line = tokens_[at_].line, .last_line = tokens_[end - 1].line});
    }
    at_ = end;
  }

  std::optional<std::string_view> KindOfScope(const Head& head) const {
    if (head.parameters || head.equals) return {};
    int angles = 0;
    for (size_t i = head.begin; i < at_; ++i) {
      const std::string_view text = Text(i);
      if (text == "<") ++angles;
      if (text == ">") --angles;
      if (angles != 0) continue;
      if (text == "namespace" || text == "enum" || text == "class" || text == "struct" || text == "union" ||
          text == "extern") {
        return text;
      }
    }
    return {};
  }

  // The name of the class or enum whose body begins here.
  std::string_view DeclareType(const Head& head) {
    std::optional<size_t> name;
    for (size_t i = head.begin; i < at_ && Text(i) != ":"; ++i) {
      if (Text(i) == "[") i = BehindBracket(i) - 1;
      if (i < at_ && Text(i) == "<") break;  // of a specialisation; after `template` the name comes later
      if (i < at_ && IsName(tokens_[i])) name = i;
    }
    if (Text(head.begin) == "template") name = NameOfTemplate(head.begin);
    if (!name) return {};
    Found(*name, true);
    return Text(*name);
  }

  std::optional<size_t> NameOfTemplate(size_t begin) const {
    int angles = 0;
    for (size_t i = begin + 1; i < at_; ++i) {
      if (Text(i) == "<") ++angles;
      if (Text(i) == ">") --angles;
      if (angles == 0 && IsName(tokens_[i])) return i;
    }
    return {};
  }

  void Enumerators() {
    const size_t end = BehindBracket(at_);
    bool begins = true;
    for (++at_; at_ + 1 < end; ++at_) {
      if (begins && IsName(tokens_[at_])) Found(at_, true);
      if (Text(at_) == "(") at_ = BehindBracket(at_) - 1;
      begins = Text(at_) == ",";
    }
    at_ = end;
  }

  // A head that ends at `end` without a class's body.
  void Declare(const Head& head, size_t end, std::string_view enclosing) {
    const std::string_view first = Text(head.begin);
    if (first == "static_assert" || first == "namespace" || head.is_operator || end == head.begin) return;
    if (first == "friend") {
      for (size_t i = head.begin; i < end; ++i) NotAUse(i);
    } else if (first == "using") {
      if (Text(head.begin + 2) == "=") Found(head.begin + 1, true);
    } else if (first == "class" || first == "struct" || (first == "enum" && !head.parameters)) {
      if (end == head.begin + 2 || Before(end) != "}") NotAUse(head.begin + 1);
    } else if (head.parameters) {
      DeclareFunction(head, end, enclosing);
    } else {
      DeclareVariables(head, end);
    }
  }

  void DeclareFunction(const Head& head, size_t end, std::string_view enclosing) {
    const size_t name = *head.parameters - 1;
    if (name < head.begin || !IsName(tokens_[name])) return;
    bool called_by_name = Before(name) != "~" && Text(name) != enclosing && Text(name) != "main";
    for (size_t i = *head.parameters; i < end; ++i) {
      called_by_name = called_by_name && Text(i) != "override" && Text(i) != "final";
    }
    size_t qualifier = name;
    if (qualifier > head.begin && Before(qualifier) == "~") --qualifier;
    while (qualifier >= head.begin + 2 && Before(qualifier) == "::") {
      qualifier -= 2;
      if (Text(qualifier) == Text(name)) called_by_name = false;
      NotAUse(qualifier);
    }
    Found(name, called_by_name);
  }

  // One declarator or several: the last name before each comma, value, or the end.
  void DeclareVariables(const Head& head, size_t end) {
    if (end < head.begin + 2) return;
    std::optional<size_t> name;
    bool in_value = false;
    int angles = 0;
    for (size_t i = head.begin; i < end; ++i) {
      const std::string_view text = Text(i);
      if (text == "<" && !in_value) ++angles;
      if (text == ">" && !in_value) --angles;
      if (angles != 0) continue;
      if (text == "=" || text == "{" || text == "[") {
        in_value = in_value || (name && *name > head.begin) || text == "=";
      }
      if (text == "{" || text == "[" || text == "(") i = BehindBracket(i) - 1;
      if (text == ",") {
        if (name && *name > head.begin) Found(*name, true);
        name.reset();
        in_value = false;
      }
      if (!in_value && i < end && IsName(tokens_[i]) && Text(i + 1) != "::") name = i;
    }
    if (name && *name > head.begin) Found(*name, true);
  }

  void AddFunction(size_t begin, size_t parameters, size_t last) {
    std::string name;
    size_t first = parameters;
    while (first > begin && (tokens_[first - 1].is_word || Before(first) == "::" || Before(first) == "~") &&
           (first == parameters || Text(first) == "::" || Before(first) == "::" || Text(first) == "~")) {
      --first;
    }
    const bool is_test = Text(first).starts_with("TEST") || Text(first).starts_with("TYPED_TEST");
    for (size_t i = first; i < (is_test ? BehindBracket(parameters) : parameters); ++i) {
      name += Text(i);
      if (Text(i) == ",") name += ' ';
    }
    outline_.functions.push_back(
        {.name = name, .first_line = tokens_[begin].line, .last_line = tokens_[last].line});
  }

  void Found(size_t at, bool may_be_dead) {
    outline_.declarations.push_back({.name = Text(at), .line = tokens_[at].line, .may_be_dead = may_be_dead});
    NotAUse(at);
  }
  void NotAUse(size_t at) {
    if (tokens_[at].is_word && !not_uses_.contains(at)) {
      not_uses_.insert(at);
      outline_.not_uses.push_back(Text(at));
    }
  }

  Tokens tokens_;
  size_t at_ = 0;
  SourceOutline outline_;
  std::set<size_t> not_uses_;
};

}  // namespace

SourceText ReadSourceText(std::string_view source) { return Reader(source).Read(); }

std::vector<SourceToken> TokensOf(std::string_view code) {
  std::vector<SourceToken> tokens;
  size_t line = 1;
  bool in_directive = false;
  bool begins_line = true;
  for (size_t at = 0; at < code.size();) {
    const char c = code[at];
    if (c == '\n') {
      in_directive = in_directive && at > 0 && code[at - 1] == '\\';
      begins_line = true;
      ++line;
    }
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++at;
      continue;
    }
    if (begins_line && c == '#') in_directive = true;
    begins_line = false;
    size_t end = at + 1;
    if (IsWordByte(c)) {
      while (end < code.size() && (IsWordByte(code[end]) || code[end] == '\'')) ++end;
    } else if (c == ':' && end < code.size() && code[end] == ':') {
      ++end;
    }
    tokens.push_back({.text = code.substr(at, end - at),
                      .line = line,
                      .is_word = IsWordByte(c),
                      .in_directive = in_directive});
    at = end;
  }
  return tokens;
}

SourceOutline OutlineOf(const std::vector<SourceToken>& tokens) { return Outliner(tokens).Read(); }

}  // namespace tessy
