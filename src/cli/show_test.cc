#include "cli/show.h"
#include "base/testing/source_tree.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/utf8.h"
#include "cli/near_names.h"
#include "cli/response_page.h"
#include "cli/response_pieces.h"
#include "cli/response_text.h"
#include "cli/visible.h"

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kTestData = InSource("src/cli/testdata/");
const std::string kResponses =
    kTestData + "responses.jsonl";  // a cooperation, a hostile one, a student alone

std::string ReadFile(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

// TESSY_UPDATE_GOLDEN=1 writes what is rendered now; look at the difference before you keep it.
void ExpectGolden(const std::string& name, const std::string& text) {
  if (std::getenv("TESSY_UPDATE_GOLDEN") != nullptr)
    std::ofstream(kTestData + name, std::ios::binary) << text;
  EXPECT_TRUE(text == ReadFile(kTestData + name)) << name << " differs; TESSY_UPDATE_GOLDEN=1 updates it";
}

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

struct Ran {
  int status = 0;
  std::string out;
  std::string err;
};

Ran Tessy(std::vector<std::string> arguments) {
  CLI::App app("test", "tessy");
  app.require_subcommand(1);
  CommandContext context;
  AddShowCommand(app, context);
  arguments.insert(arguments.begin(), "tessy");
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ran ran;
  ran.status = RunProgram(app, context, static_cast<int>(argv.size()), argv.data());
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

// Without the whole page in the failure's message.
void ExpectHas(const std::string& page, const std::string& part) {
  EXPECT_NE(page.find(part), std::string::npos) << "the page lacks " << part;
}

std::string TempPath(const std::string& name) {
  return fmt::format("{}show_test_{}_{}", testing::TempDir(), ::getpid(), name);
}

TEST(ShowTest, TheTextOfAResponseIsAsItWas) {
  std::string plain;
  std::string coloured;
  for (const Response& response : Samples()) {
    plain += RenderText(response, false) + "=====\n";
    coloured += RenderText(response, true) + "=====\n";
  }
  ExpectGolden("show.txt", plain);
  ExpectGolden("show_colour.txt", coloured);
}

TEST(ShowTest, ThePageOfAResponseIsAsItWas) {
  ExpectGolden("show.html", RenderPage(Samples()[0]));
  ExpectGolden("show_hostile.html", RenderPage(Samples()[1]));
}

TEST(ShowTest, WithoutColourSpansAreBracketedAndTheirLineBreaksStayOutside) {
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

TEST(ShowTest, WithColourEveryLineOfASpanIsPaintedByItself) {
  const auto response = WithContent("a\nbc", {{Role::kStudent, SpanKind::kStyle, 0, 3, 1},
                                              {Role::kTeacher, SpanKind::kCapability, 3, 4, 1}});
  EXPECT_THAT(RenderText(response, true), HasSubstr("\x1b[38;5;32ma\x1b[0m\n\x1b[38;5;32mb\x1b[0m"
                                                    "\x1b[2m│\x1b[0m\x1b[38;5;166mc\x1b[0m"));
}

TEST(ShowTest, NothingInAResponseReachesTheTerminalAsAControlCharacter) {
  const std::string plain = RenderText(HostileEverywhere(), false);
  EXPECT_EQ(CountTreacherous(plain), 0u);
  std::string coloured = RenderText(HostileEverywhere(), true);
  for (const char* ours : {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[38;5;32m", "\x1b[38;5;166m"}) {
    coloured = Without(std::move(coloured), ours);
  }
  EXPECT_EQ(CountTreacherous(coloured), 0u);
  EXPECT_THAT(plain, HasSubstr("<U+001B>[2J<U+001B>]0;t<U+0007>"));
}

TEST(ShowTest, NothingInAResponseReachesThePageAsMarkup) {
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

TEST(ShowTest, ThePageNeedsNothingFromOutside) {
  for (const Response& response : Samples()) {
    const std::string page = RenderPage(response);
    ExpectHas(page, ("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
    for (const char* load : {"<link", "<script", "<img", "src=", "url(", "@import", "action="}) {
      EXPECT_EQ(page.find(load), std::string::npos) << load;
    }
    EXPECT_EQ(CountOf(page, "href="), CountOf(page, "href=\"#p"));
  }
}

TEST(ShowTest, TheBarAccountsForEveryToken) {
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

TEST(ShowTest, PiecesAreTheContentWhateverTheSpansLeaveOut) {
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

TEST(ShowTest, CodeBlocksOfTheAnswerAreSetAsCode) {
  const auto response =
      WithContent("a\n```c++\nx < 1\n\n```\nb", {{Role::kStudent, SpanKind::kAnswer, 0, 23, 1}});
  ExpectHas(RenderPage(response), ("a<code class=\"code\"><i>c++</i>x &lt; 1\n</code>b</div>"));
}

TEST(ShowTest, ColourNeedsATerminalAndNoObjection) {
  EXPECT_TRUE(AllowsColour(true, nullptr, "xterm-256color"));
  EXPECT_TRUE(AllowsColour(true, "", "xterm"));
  EXPECT_FALSE(AllowsColour(true, "1", "xterm"));
  EXPECT_FALSE(AllowsColour(true, nullptr, "dumb"));
  EXPECT_FALSE(AllowsColour(true, nullptr, nullptr));
  EXPECT_FALSE(AllowsColour(false, nullptr, "xterm"));
}

TEST(ShowTest, VisibleTextKeepsWhatPeopleWrite) {
  EXPECT_EQ(Visible("a\tb\n等 é 👨‍👩‍👧 ☀️ نمی‌خواهم"),
            "a\tb\n等 é 👨‍👩‍👧 ☀️ نمی‌خواهم");
  EXPECT_EQ(Visible("\r\x7F\xC2\x9B\xE2\x80\xAE\xFF"), "<U+000D><U+007F><U+009B><U+202E>\uFFFD");
  EXPECT_EQ(VisibleLine("a\tb\n"), "a<U+0009>b<U+000A>");
}

TEST(ShowTest, NearNamesComeNearestFirst) {
  const std::vector<std::string> names = {"q-12/0", "q-13/0", "question-9/1", "x"};
  EXPECT_THAT(NearNames("q-12", names), ElementsAre("q-12/0"));
  EXPECT_THAT(NearNames("q-1/0", names), ElementsAre("q-12/0", "q-13/0"));
  EXPECT_THAT(NearNames("question-8/1", names), ElementsAre("question-9/1"));
  EXPECT_THAT(NearNames("entirely different", names), IsEmpty());
  EXPECT_EQ(DidYouMean("q-1", names), "; did you mean q-12/0 or q-13/0?");
}

TEST(ShowTest, NumbersReadWell) {
  EXPECT_EQ(WithThousands(0), "0");
  EXPECT_EQ(WithThousands(999), "999");
  EXPECT_EQ(WithThousands(1000), "1,000");
  EXPECT_EQ(WithThousands(1234567), "1,234,567");
  EXPECT_EQ(Counted(1, "switch", "switches"), "1 switch");
  EXPECT_EQ(Counted(1000, "token"), "1,000 tokens");
  EXPECT_EQ(TeacherShare({}), "–");
}

TEST(ShowCommandTest, TheFirstResponseIsShownUnlessAnotherIsNamed) {
  const auto samples = Samples();
  EXPECT_EQ(Tessy({"show", kResponses}).out, RenderText(samples[0], false));
  EXPECT_EQ(Tessy({"show", kResponses, "--index", "2"}).out, RenderText(samples[2], false));
  EXPECT_EQ(Tessy({"show", kResponses, "--id", "solo/0"}).out, RenderText(samples[2], false));
  EXPECT_EQ(Tessy({"show", kResponses, "--id", "solo"}).out, RenderText(samples[2], false));
}

TEST(ShowCommandTest, JsonIsTheLineAsItStands) {
  const std::string file = ReadFile(kResponses);
  EXPECT_EQ(Tessy({"show", kResponses, "--json"}).out, file.substr(0, file.find('\n') + 1));
}

TEST(ShowCommandTest, AListHasALineForEachResponse) {
  const Ran ran = Tessy({"show", kResponses, "--list"});
  EXPECT_EQ(ran.status, 0);
  ExpectGolden("show_list.txt", ran.out);
}

TEST(ShowCommandTest, APageIsWrittenAndNothingIsOverwrittenUnasked) {
  const std::string page = TempPath("page.html");
  EXPECT_EQ(Tessy({"show", kResponses, "--html", page}).status, 0);
  EXPECT_EQ(ReadFile(page), RenderPage(Samples()[0]));
  const Ran again = Tessy({"show", kResponses, "--index", "1", "--html", page});
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.err, HasSubstr(page + ": is there already; --force writes over it"));
  EXPECT_EQ(ReadFile(page), RenderPage(Samples()[0]));
  EXPECT_EQ(Tessy({"show", kResponses, "--index", "1", "--html", page, "--force"}).status, 0);
  EXPECT_EQ(ReadFile(page), RenderPage(Samples()[1]));
  std::filesystem::remove(page);
  EXPECT_EQ(Tessy({"show", kResponses, "--html", "-"}).out, RenderPage(Samples()[0]));
  EXPECT_THAT(Tessy({"show", kResponses, "--html", "/no/such/folder/x.html"}).err,
              HasSubstr("No such file or directory"));
}

TEST(ShowCommandTest, ATornLineHidesNoOther) {
  const std::string path = TempPath("torn.jsonl");
  const std::string file = ReadFile(kResponses);
  std::ofstream(path) << file << file.substr(0, 300);
  EXPECT_EQ(Tessy({"show", path, "--id", "solo/0"}).status, 0);
  EXPECT_THAT(Tessy({"show", path, "--index", "3"}).err, HasSubstr(path + ":4: not valid JSON"));
  const Ran list = Tessy({"show", path, "--list"});
  EXPECT_EQ(list.status, 0);
  EXPECT_THAT(list.err, HasSubstr(path + ":4: not valid JSON"));
  std::filesystem::remove(path);
}

TEST(ShowCommandTest, EveryMistakeIsOneLineAndStatusOne) {
  const std::string empty = TempPath("empty.jsonl");
  std::ofstream(empty) << "\n";
  const struct {
    std::vector<std::string> arguments;
    std::string error;
  } cases[] = {
      {{}, "tessy: no command given (see tessy --help)\n"},
      {{"shwo"}, "tessy: there is no command \"shwo\"; did you mean show? (see tessy --help)\n"},
      {{"show"}, "tessy: FILE is required (see tessy show --help)\n"},
      {{"show", kResponses, "--colour"},
       "tessy: The following argument was not expected: --colour (see tessy show --help)\n"},
      {{"show", kResponses, "--index", "x"},
       "tessy: Could not convert: --index = x (see tessy show --help)\n"},
      {{"show", kResponses, "--force"}, "tessy: --force requires --html (see tessy show --help)\n"},
      {{"show", "/no/file"}, "tessy: /no/file: cannot be read: No such file or directory\n"},
      {{"show", "a\x1b[2J"}, "tessy: a<U+001B>[2J: cannot be read: No such file or directory\n"},
      {{"show", empty}, "tessy: " + empty + ": is empty: no responses in it\n"},
      {{"show", kResponses, "--index", "3"},
       "tessy: " + kResponses + ": has 3 responses: --index goes from 0 to 2, not to 3\n"},
      {{"show", kResponses, "--id", "solo/1"},
       "tessy: " + kResponses +
           ": no response with the id \"solo/1\" among its 3; did you mean "
           "solo/0? (--list shows all)\n"},
  };
  for (const auto& [arguments, error] : cases) {
    const Ran ran = Tessy(arguments);
    EXPECT_EQ(ran.status, 1);
    EXPECT_EQ(ran.err, error);
    EXPECT_EQ(ran.out, "");
  }
  std::filesystem::remove(empty);
  // CLI11 names the two in either order.
  EXPECT_THAT(Tessy({"show", kResponses, "--json", "--list"}).err, HasSubstr(" excludes --"));
}

TEST(ShowCommandTest, HelpHasAnExample) {
  const Ran ran = Tessy({"show", "--help"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.out, HasSubstr("Example:\n  tessy show responses.jsonl"));
}

}  // namespace
}  // namespace tessy
