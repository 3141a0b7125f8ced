#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// A scan of C++ source that knows enough of the language for tidy_test: comments, literals, scopes, heads of
// declarations, and bodies of functions. It knows no types and no overloads, and it expands no macros.
namespace tessy {

// One word (an identifier, keyword or number) or one punctuation mark; "::" is one mark.
struct SourceToken {
  std::string_view text;
  size_t line = 0;  // from 1
  bool is_word = false;
  bool in_directive = false;  // on a line of the preprocessor
};

struct SourceComment {
  size_t line = 0;   // of its first line, from 1
  std::string text;  // without slashes; the lines of one comment are joined by a space
};

// What the words of a source are, once comments and literals are taken out.
struct SourceText {
  std::string code;  // the source with comments and literals replaced by blanks, line for line
  std::vector<SourceComment> comments;
  std::vector<std::string> includes;  // of `#include "…"` and `#include <…>`, without quotes
};
SourceText ReadSourceText(std::string_view source);

// The tokens point into `code`.
std::vector<SourceToken> TokensOf(std::string_view code);

struct SourceFunction {
  std::string name;  // "Step", "Run::Drive", "TEST(Cut, MovesRight)"
  size_t first_line = 0;
  size_t last_line = 0;

  size_t lines() const { return last_line - first_line + 1; }
};

// A name where it is declared or defined.
struct SourceDeclaration {
  std::string_view name;
  size_t line = 0;
  bool may_be_dead = true;  // false for what is called without being named: overrides, main, constructors
};

struct SourceOutline {
  std::vector<SourceFunction> functions;  // with a body; a function inside another counts as part of that
  std::vector<SourceDeclaration> declarations;
  // The words that are no use of what they name: a declaration's own name, the class in "Class::Method() {",
  // a class inside its own body, and a member where a constructor initialises it.
  std::vector<std::string_view> not_uses;
};
SourceOutline OutlineOf(const std::vector<SourceToken>& tokens);

}  // namespace tessy
