// One response as text and as a page, against golden files and against what a hostile response could do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/golden.h"
#include "base/testing/source_tree.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "report/response_page.h"
#include "report/response_pieces.h"
#include "report/response_text.h"

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kResponses =
    InSource("src/report/testdata/responses.jsonl");  // a cooperation, a hostile one, a student alone

std::vector<Response> Samples() {
  auto read = ReadResponses(kResponses);
  EXPECT_TRUE(read) << read.error().message;
  return read ? *read : std::vector<Response>(3);
}

Response WithContent(std::string content, std::vector<ResponseSpan> spans) {
  Response response;
  response.id = "r";
  response.messages = {{"user", "q"}, {"assistant", std::move(content)}};
  response.spans = std::move(spans);
  return response;
}

// Whatever a model could put into its text to reach the reader's terminal or page.
std::string Hostile() {
  std::string text =
      "</style></title><script>alert(\"pwn\")</script><img src='x' onerror=y>& \x1b[2J\x1b]0;t\x07";
  for (char32_t c = 0; c < 0x20; ++c) AppendUtf8(text, c);
  for (char32_t c = 0x7F; c < 0xA0; ++c) AppendUtf8(text, c);
  for (const char32_t c :
       {0x202A, 0x202B, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x200B, 0x200F, 0x2028, 0xFEFF, 0xE0041}) {
    AppendUtf8(text, c);
  }
  return text;
}

// A response that is hostile wherever it has a text.
Response HostileEverywhere() {
  const std::string text = Hostile();
  const size_t size = CountCodePoints(text);
  Response response =
      WithContent(text + text + text + text, {{Role::kStudent, SpanKind::kStyle, 0, size, 1},
                                              {Role::kTeacher, SpanKind::kCapability, size, 2 * size, 1},
                                              {Role::kStudent, SpanKind::kAnswer, 3 * size, 4 * size, 1}});
  response.id = response.question_id = response.method = response.closed_by = text;
  response.models = {text, text, text, text};
  response.messages.insert(response.messages.begin(), {text, text});
  return response;
}

size_t CountOf(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

std::string Without(std::string text, std::string_view part) {
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at))
    text.erase(at, part.size());
  return text;
}

// Control characters other than newline and tab, and all that reorders or hides text.
size_t CountTreacherous(std::string_view text) {
  size_t count = 0;
  while (!text.empty()) {
    const CodePoint c = FirstCodePoint(text);
    const std::string_view bytes = text.substr(0, c.bytes);
    if (Visible(bytes) != bytes) ++count;
    text.remove_prefix(c.bytes);
  }
  return count;
}

// Without the whole page in the failure's message.
void ExpectHas(const std::string& page, const std::string& part) {
  EXPECT_NE(page.find(part), std::string::npos) << "the page lacks " << part;
}

TEST(ResponseRendering, TheTextOfAResponseIsAsItWas) {
  std::string plain;
  std::string coloured;
  for (const Response& response : Samples()) {
    plain += RenderText(response, false) + "=====\n";
    coloured += RenderText(response, true) + "=====\n";
  }
  ExpectGolden("src/report/testdata/response.txt", plain);
  ExpectGolden("src/report/testdata/response_colour.txt", coloured);
}

TEST(ResponseRendering, ThePageOfAResponseIsAsItWas) {
  ExpectGolden("src/report/testdata/response.html", RenderPage(Samples()[0]));
  ExpectGolden("src/report/testdata/hostile.html", RenderPage(Samples()[1]));
}

TEST(ResponseRendering, WithoutColourSpansAreBracketedAndTheirLineBreaksStayOutside) {
  const auto response = WithContent("<think>\nOh. A.\n\nSo B\n</think>\n\n42",
                                    {{Role::kStudent, SpanKind::kStyle, 8, 11, 1},
                                     {Role::kTeacher, SpanKind::kCapability, 11, 16, 2},
                                     {Role::kStudent, SpanKind::kStyle, 16, 18, 1},
                                     {Role::kTeacher, SpanKind::kCapability, 18, 20, 1},
                                     {Role::kStudent, SpanKind::kAnswer, 31, 33, 1}});
  EXPECT_THAT(
      RenderText(response, false),
      HasSubstr(
          "<think>\n‹S Oh.›‹T  A.›\n\n‹S So›‹T  B›\n</think>\n\n── answer by student ──────────\n42\n"));
}

TEST(ResponseRendering, WithColourEveryLineOfASpanIsPaintedByItself) {
  const auto response = WithContent("a\nbc", {{Role::kStudent, SpanKind::kStyle, 0, 3, 1},
                                              {Role::kTeacher, SpanKind::kCapability, 3, 4, 1}});
  EXPECT_THAT(RenderText(response, true), HasSubstr("\x1b[38;5;32ma\x1b[0m\n\x1b[38;5;32mb\x1b[0m"
                                                    "\x1b[2m│\x1b[0m\x1b[38;5;166mc\x1b[0m"));
}

TEST(ResponseRendering, NothingInAResponseReachesTheTerminalAsAControlCharacter) {
  const std::string plain = RenderText(HostileEverywhere(), false);
  EXPECT_EQ(CountTreacherous(plain), 0u);
  std::string coloured = RenderText(HostileEverywhere(), true);
  for (const char* ours : {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[38;5;32m", "\x1b[38;5;166m"}) {
    coloured = Without(std::move(coloured), ours);
  }
  EXPECT_EQ(CountTreacherous(coloured), 0u);
  EXPECT_THAT(plain, HasSubstr("<U+001B>[2J<U+001B>]0;t<U+0007>"));
}

TEST(ResponseRendering, NothingInAResponseReachesThePageAsMarkup) {
  const std::string page = RenderPage(HostileEverywhere());
  EXPECT_EQ(CountTreacherous(page), 0u);
  for (const char* markup : {"<script", "<img", "onerror=y>", "'x'", "\"pwn\""}) {
    EXPECT_EQ(page.find(markup), std::string::npos) << markup;
  }
  EXPECT_THAT(
      page,
      HasSubstr(
          "&lt;script&gt;alert(&quot;pwn&quot;)&lt;/script&gt;&lt;img src=&#39;x&#39; onerror=y&gt;&amp; "));
  EXPECT_EQ(CountOf(page, "</style>"), 1u);
}

TEST(ResponseRendering, ThePageNeedsNothingFromOutside) {
  for (const Response& response : Samples()) {
    const std::string page = RenderPage(response);
    ExpectHas(page, ("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
    for (const char* load : {"<link", "<script", "<img", "src=", "url(", "@import", "action="}) {
      EXPECT_EQ(page.find(load), std::string::npos) << load;
    }
    EXPECT_EQ(CountOf(page, "href="), CountOf(page, "href=\"#p"));
  }
}

TEST(ResponseRendering, TheBarAccountsForEveryToken) {
  for (const size_t spans : {1u, 79u, 160u, 5000u}) {
    Response response = WithContent(std::string(spans, 'x'), {});
    uint64_t tokens = 0;
    for (size_t i = 0; i < spans; ++i) {
      const Role role = i % 2 == 0 ? Role::kStudent : Role::kTeacher;
      response.spans.push_back({role, SpanKind::kStyle, i, i + 1, i % 7});
      tokens += i % 7;
    }
    const std::string page = RenderPage(response);
    const std::string width = "\" width=\"";
    uint64_t drawn = 0;
    for (size_t at = page.find(width, page.find("role=\"img\"")); at != std::string::npos;) {
      drawn += std::stoull(page.substr(at + width.size(), 20));
      at = page.find(width, at + 1);
    }
    EXPECT_EQ(drawn, spans == 1 ? 1 : tokens) << spans;  // without any tokens, characters count
  }
}

// Rows of strangers may say any number.
TEST(ResponseRendering, TheBarTakesTokensWhoseSumIsNoNumber) {
  std::vector<ResponseSpan> spans;
  for (size_t i = 0; i < 160; ++i) spans.push_back({Role::kStudent, SpanKind::kStyle, i, i + 1, 0});
  spans[0].tokens = UINT64_MAX;
  EXPECT_LT(RenderPage(WithContent(std::string(160, 'a'), spans)).size(), size_t{100'000});
  spans[0].tokens = spans[1].tokens = uint64_t{1} << 63;
  EXPECT_LT(RenderPage(WithContent(std::string(160, 'a'), spans)).size(), size_t{100'000});
}

TEST(ResponseRendering, PiecesAreTheContentWhateverTheSpansLeaveOut) {
  const auto response = WithContent("ä<方>é!", {{Role::kStudent, SpanKind::kStyle, 0, 1, 1},
                                                {Role::kTeacher, SpanKind::kCapability, 2, 3, 1},
                                                {Role::kStudent, SpanKind::kAnswer, 4, 5, 1}});
  std::vector<std::string> texts;
  std::vector<bool> owned;
  for (const ResponsePiece& piece : PiecesOf(response)) {
    texts.emplace_back(piece.text);
    owned.push_back(piece.span != nullptr);
  }
  EXPECT_THAT(texts, ElementsAre("ä", "<", "方", ">", "é", "!"));
  EXPECT_THAT(owned, ElementsAre(true, false, true, false, true, false));
  EXPECT_THAT(RenderText(response, false), HasSubstr("é!"));
  ExpectHas(RenderPage(response), ("<div class=\"text marker\">!</div>"));
  EXPECT_THAT(PiecesOf(WithContent("", {})), IsEmpty());
  ExpectHas(RenderPage(WithContent("", {})), ("</html>"));
}

TEST(ResponseRendering, CodeBlocksOfTheAnswerAreSetAsCode) {
  const auto response =
      WithContent("a\n```c++\nx < 1\n\n```\nb", {{Role::kStudent, SpanKind::kAnswer, 0, 23, 1}});
  ExpectHas(RenderPage(response), ("a<code class=\"code\"><i>c++</i>x &lt; 1\n</code>b</div>"));
}

TEST(ResponseRendering, AShareOfNoThinkingIsADash) { EXPECT_EQ(TeacherShare({}), "–"); }

}  // namespace
}  // namespace tessy
