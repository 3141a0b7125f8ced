#include "report/response_pieces.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"

namespace tessy {

std::vector<ResponsePiece> PiecesOf(const Response& response) {
  std::vector<ResponsePiece> pieces;
  std::string_view rest = response.messages.back().content;
  size_t at = 0;  // code points before `rest`
  const auto take = [&](size_t code_points, const ResponseSpan* span) {
    const size_t bytes = ByteOffset(rest, code_points);
    if (bytes > 0) pieces.push_back({rest.substr(0, bytes), span});
    rest.remove_prefix(bytes);
    at += code_points;
  };
  for (const ResponseSpan& span : response.spans) {
    take(span.start - at, nullptr);
    take(span.end - span.start, &span);
  }
  if (!rest.empty()) pieces.push_back({rest, nullptr});
  return pieces;
}

RoleShare ShareOf(const Response& response, Role role) {
  RoleShare share;
  for (const ResponseSpan& span : response.spans) {
    if (span.role != role || span.kind == SpanKind::kAnswer) continue;
    if (share.spans++ == 0) share.kind = span.kind;
    share.tokens += span.tokens;
  }
  return share;
}

std::string_view AnswerWriter(const Response& response) {
  const auto answer = std::ranges::find(response.spans, SpanKind::kAnswer, &ResponseSpan::kind);
  return answer == response.spans.end() ? std::string_view() : Name(answer->role);
}

std::string TeacherShare(const SampleStats& stats) {
  const uint64_t thinking = stats.thinking_tokens();
  if (thinking == 0) return "–";
  return fmt::format("{:.1f} %",
                     100.0 * static_cast<double>(stats.teacher_tokens) / static_cast<double>(thinking));
}

}  // namespace tessy
