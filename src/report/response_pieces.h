#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataset/response.h"

namespace tessy {

// The assistant's content in order: spans, and between them what belongs to none (the family's markers).
struct ResponsePiece {
  std::string_view text;
  const ResponseSpan* span = nullptr;  // none for a marker
};

// The views and pointers live as long as the response. Its spans must be in order and in range (see
// ParseResponse).
std::vector<ResponsePiece> PiecesOf(const Response& response);

inline bool IsAnswer(const ResponsePiece& piece) {
  return piece.span != nullptr && piece.span->kind == SpanKind::kAnswer;
}
inline bool IsThinking(const ResponsePiece& piece) { return piece.span != nullptr && !IsAnswer(piece); }

// The share of one role in the thinking.
struct RoleShare {
  SpanKind kind = SpanKind::kThinking;  // of its first span
  size_t spans = 0;
  uint64_t tokens = 0;
};
RoleShare ShareOf(const Response& response, Role role);

std::string_view AnswerWriter(const Response& response);  // "student"; empty if there is no answer
std::string TeacherShare(const SampleStats& stats);       // "78.3 %", "–" where there was no thinking

}  // namespace tessy
