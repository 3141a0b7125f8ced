#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cooperation/trace.h"
#include "model/openai/dialect.h"

namespace tessy {

// The body of a session's requests. The prompt is kept as it is sent, and only grows or is cut at its end, so
// that a request costs one copy of it. Every sampling field is sent: no default of a server counts.
class CompletionBody {
 public:
  explicit CompletionBody(const CompletionForm& form);

  // Text must be whole characters; bytes that are no UTF-8 are replaced.
  void AppendText(std::string_view text);
  void AppendTokens(const TokenId* tokens, size_t count);
  size_t size() const { return body_.size(); }
  // Cuts the prompt back to an earlier size().
  void Truncate(size_t size) { body_.resize(size); }
  // The JSON of one request.
  std::string Request(uint32_t tokens_max, uint32_t seed) const;

 private:
  std::string body_;
  std::string tail_;
  size_t prompt_at_ = 0;
  size_t tokens_max_at_ = 0;
  size_t seed_at_ = 0;
};

// Reads the data of one event. One that says nothing of the completion (usage alone, a ping) is an event
// without text. kBackend, retryable: it is not an event of this dialect, or it is an error that the server
// sends under status 200; a member "error" that is null or empty is none.
Result<CompletionEvent> ParseCompletionEvent(const ServerDialect& dialect, std::string_view json);

// Puts together the characters of which two events of a stream hold a half each. Value type.
class HalfJoiner {
 public:
  // Makes the event's text UTF-8: a half at its end is kept back for the next text, and a half without the
  // other becomes U+FFFD. After it the event has no halves.
  void Join(CompletionEvent& event);

 private:
  char32_t high_ = 0;  // kept back; 0: none
};

// The message of an error that a server sent, in one line of at most some 200 bytes.
std::string ServerErrorText(std::string_view body);
// True if an error's text says that prompt and limit together are more than the context holds.
bool MeansContextIsFull(const ServerDialect& dialect, std::string_view error_text);

}  // namespace tessy
