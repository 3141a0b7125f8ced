#include "dataset/style_spans.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/blanks.h"
#include "base/json_depth.h"
#include "base/utf8.h"
#include "dataset/answer_json.h"
#include "dataset/json_fields.h"

namespace tessy {
namespace {

constexpr size_t kAnswerFactorMax = 64;
constexpr size_t kAnswerBytesMax = 64 << 10;
constexpr size_t kQuotedMax = 60;

tl::unexpected<Error> Rejected(std::string_view reason, const std::string& detail) {
  return Fail(ErrorCode::kInvalidData, fmt::format("{}: {}", reason, detail));
}

std::string Quoted(std::string_view text) {
  return fmt::format(
      "\"{}\"", text.size() > kQuotedMax ? Sanitize(text.substr(0, kQuotedMax)) + "…" : std::string(text));
}

Result<std::vector<std::string>> ParseTexts(std::string_view answer) {
  if (NestsDeeperThan(answer, kNestingMax)) return Rejected("not_texts", "the answer is nested too deeply");
  const Json json = Json::parse(answer, nullptr, false);
  if (json.is_discarded()) return Rejected("not_json", fmt::format("the answer is {}", Quoted(answer)));
  if (!json.is_array()) return Rejected("not_an_array", fmt::format("the answer is {}", KindOf(json)));
  std::vector<std::string> texts;
  for (const Json& item : json) {
    if (!item.is_string()) return Rejected("not_texts", fmt::format("the array holds {}", KindOf(item)));
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

}  // namespace

Result<std::vector<ByteRange>> LocateStyle(std::string_view window, std::string_view answer) {
  if (answer.size() > std::max(kAnswerBytesMax, kAnswerFactorMax * window.size())) {
    return Rejected("too_long", fmt::format("the answer has {} bytes", answer.size()));
  }
  if (!IsValidUtf8(answer)) return Rejected("bad_utf8", "the answer is not UTF-8");
  const auto texts = ParseTexts(JsonOfAnswer(answer));
  if (!texts) return tl::unexpected(texts.error());
  std::vector<ByteRange> spans;
  size_t from = 0;
  for (const std::string& text : *texts) {
    const std::string_view span = WithoutBlanksAround(text);
    if (span.empty()) return Rejected("empty_span", "a span is empty or blank");
    const size_t at = window.find(span, from);
    if (at == std::string_view::npos) {
      const bool before = window.find(span) != std::string_view::npos;
      return Rejected(before ? "out_of_order" : "not_found",
                      fmt::format("the span {} is {}", Quoted(span),
                                  before ? "in the text only before the span that you put before it"
                                         : "not in the text, letter for letter"));
    }
    from = at + span.size();
    spans.push_back({.start = at, .end = from});
  }
  return spans;
}

}  // namespace tessy
