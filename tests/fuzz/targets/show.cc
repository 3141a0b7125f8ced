// One response as a page and as text for a terminal. An input that is no row is the content of one.
#include "base/utf8.h"
#include "dataset/response.h"
#include "fuzz/sample_response.h"
#include "fuzz/target.h"
#include "report/response_page.h"
#include "report/response_text.h"

namespace tessy::fuzz {
namespace {

Response Around(std::string_view content) {
  Response response = SampleResponse();
  response.id = response.method = response.closed_by = response.models.student =
      Sanitize(content.substr(0, 40));
  response.messages[0] = {.role = response.id, .content = Sanitize(content)};
  response.messages.back().content = Sanitize(content);
  const size_t third = CountCodePoints(response.messages.back().content) / 3;
  for (size_t i = 0; i < response.spans.size(); ++i) {
    response.spans[i].start = third * i;
    response.spans[i].end = third * (i + 1);
  }
  return response;
}

bool HoldsControl(std::string_view text) {
  while (!text.empty()) {
    const CodePoint c = FirstCodePoint(text);
    text.remove_prefix(c.bytes);
    if (c.value == '\n' || c.value == '\t') continue;
    if (c.value < 0x20 || (c.value >= 0x7F && c.value < 0xA0) || (c.value >= 0x202A && c.value <= 0x202E))
      return true;
  }
  return false;
}

size_t CountOf(std::string_view text, std::string_view word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

void Run(std::string_view input) {
  const auto parsed = ParseResponse(input);
  const Response response = parsed ? *parsed : Around(input);
  static const size_t styles = CountOf(RenderPage(SampleResponse()), "<style");
  const std::string page = RenderPage(response);
  Require(IsValidUtf8(page), "a page is UTF-8");
  Require(!HoldsControl(page), "a page holds no control character");
  Require(CountOf(page, "<script") == 0 && CountOf(page, "<img") == 0,
          "a page holds no element of the response");
  Require(CountOf(page, "<style") == styles && CountOf(page, "</main>") == 1,
          "a page ends where its own parts end");
  const std::string text = RenderText(response, /*colour=*/false);
  Require(!HoldsControl(text), "a text holds no control character");
  RenderText(response, /*colour=*/true);
  Note(parsed ? "a row" : "a content");
  Note(std::string(page.size() / 4096 % 8, 'p') + std::string(response.spans.size() % 8, 's'));
}

const Registration kRegistered({.name = "show",
                                .grammar = kJson,
                                .seeds = {ToJsonLine(SampleResponse()),
                                          "a <script>alert(1)</script> \x1B[31m \xE2\x80\xAE ```html\n<b>\n",
                                          "</div></main>\n```\n\n```x\" onclick=\"a\n'"},
                                .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
