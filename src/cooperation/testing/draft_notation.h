#pragma once

#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cooperation/trace.h"

namespace tessy {

// For tests: a notation for the draft of one role and the answers of its predictor.
//
//   Okay|, let's^|| see|<close>
//
// Bars separate the tokens, and spaces count. The last character of a token may be a label: `^` gives the
// next token to the other role, `_` does not. The cut falls at a double bar. Tokens without text are
// <close>, <eos> and <none>; <full> stands for a context without room. A backslash makes a newline (\n) or a
// byte (\xE4), or takes the next character as it is.
struct NotedToken {
  DraftToken token;
  std::optional<bool> others;  // the label
};

struct NotedDraft {
  std::vector<NotedToken> tokens;
  std::optional<size_t> cut;  // after so many tokens
  bool context_full = false;  // after the last token
};

inline DraftToken::End EndNoted(std::string_view text) {
  if (text == "<close>") return DraftToken::End::kThinking;
  return text == "<eos>" ? DraftToken::End::kSequence : DraftToken::End::kNone;
}

inline NotedToken ReadNotedToken(std::string_view written) {
  NotedToken noted;
  const bool escaped = written.size() > 1 && written[written.size() - 2] == '\\';
  if (!escaped && (written.ends_with('^') || written.ends_with('_'))) {
    noted.others = written.ends_with('^');
    written.remove_suffix(1);
  }
  noted.token.end = EndNoted(written);
  if (noted.token.end != DraftToken::End::kNone || written == "<none>") return noted;
  for (size_t i = 0; i < written.size(); ++i) {
    if (written[i] != '\\') {
      noted.token.text += written[i];
    } else if (written[++i] == 'x') {
      noted.token.text +=
          static_cast<char>(std::strtol(std::string(written.substr(i + 1, 2)).c_str(), nullptr, 16));
      i += 2;
    } else {
      noted.token.text += written[i] == 'n' ? '\n' : written[i];
    }
  }
  return noted;
}

inline NotedDraft ReadNotedDraft(std::string_view written) {
  NotedDraft draft;
  while (!written.empty()) {
    size_t bar = 0;
    while (bar < written.size() && written[bar] != '|') bar += written[bar] == '\\' ? 2 : 1;
    const std::string_view token = written.substr(0, bar);
    if (token == "<full>") {
      draft.context_full = true;
    } else if (!token.empty()) {
      draft.tokens.push_back(ReadNotedToken(token));
    }
    if (written.substr(bar).starts_with("||")) draft.cut = draft.tokens.size();
    written.remove_prefix(bar);
    while (written.starts_with('|')) written.remove_prefix(1);
  }
  return draft;
}

}  // namespace tessy
