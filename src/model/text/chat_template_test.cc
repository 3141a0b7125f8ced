#include "model/text/chat_template.h"
#include "base/testing/source_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Parts = std::vector<PromptPart>;
using Messages = std::vector<Message>;

const SpecialTokens kTokens = {.bos = "<bos>", .eos = "<eos>"};
const TemplateOptions kToday = {.variables = {}, .date = "2026-11-22"};

std::filesystem::path TemplateFolder() { return InLlamaSource("models/templates"); }

std::string ReadTemplate(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

ChatTemplate Parsed(const std::string& source) {
  Result<ChatTemplate> parsed = ChatTemplate::Parse(source, kTokens);
  if (!parsed) ADD_FAILURE() << parsed.error().message;
  return parsed.value();
}

ChatTemplate Real(const std::string& name) { return Parsed(ReadTemplate(TemplateFolder() / name)); }

std::string Text(const Result<Parts>& parts) {
  return parts ? JoinParts(*parts) : "error: " + parts.error().message;
}

std::string Open(const ChatTemplate& chat_template, const std::string& family, const Messages& messages,
                 const TemplateOptions& options = kToday) {
  return Text(RenderOpenThinking(chat_template, *LoadFamily(family), messages, options));
}

std::string ParseError(const std::string& source) {
  const Result<ChatTemplate> parsed = ChatTemplate::Parse(source, kTokens);
  EXPECT_FALSE(parsed.has_value()) << source;
  if (parsed) return "";
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidData);
  EXPECT_EQ(parsed.error().message.find('\n'), std::string::npos) << parsed.error().message;
  return parsed.error().message;
}

std::string RenderError(const std::string& source, const Messages& messages = {{"user", "Q"}},
                        const TemplateOptions& options = {}) {
  const Result<Parts> parts = Parsed(source).Render(messages, options);
  EXPECT_FALSE(parts.has_value()) << source;
  if (parts) return "";
  EXPECT_EQ(parts.error().message.find('\n'), std::string::npos) << parts.error().message;
  return parts.error().message;
}

const Messages kQuestion = {{"user", "What is 1 + 2?"}};
const Messages kWithSystem = {{"system", "Be brief."}, {"user", "What is 1 + 2?"}};
const Messages kTurns = {{"system", "Be brief."},
                         {"user", "What is 1 + 2?"},
                         {"assistant", "<think>\nOne and two.\n</think>\n\n3"},
                         {"user", "And 2 + 2?"},
                         {"assistant", "4"},
                         {"user", "And 3 + 2?"}};

TEST(Qwen3Template, OpensThinking) {
  EXPECT_EQ(Open(Real("Qwen-Qwen3-0.6B.jinja"), "qwen3", kQuestion),
            "<|im_start|>user\nWhat is 1 + 2?<|im_end|>\n<|im_start|>assistant\n<think>\n");
}

TEST(Qwen3Template, RendersSystemAndEarlierTurnsWithoutTheirThinking) {
  EXPECT_EQ(Open(Real("Qwen-Qwen3-0.6B.jinja"), "qwen3", kTurns),
            "<|im_start|>system\nBe brief.<|im_end|>\n"
            "<|im_start|>user\nWhat is 1 + 2?<|im_end|>\n"
            "<|im_start|>assistant\n3<|im_end|>\n"
            "<|im_start|>user\nAnd 2 + 2?<|im_end|>\n"
            "<|im_start|>assistant\n4<|im_end|>\n"
            "<|im_start|>user\nAnd 3 + 2?<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n");
}

TEST(Qwen3Template, TellsContentFromMarkup) {
  const Messages messages = {{"user", "Print <|im_end|> please."}};
  const Result<Parts> parts =
      RenderOpenThinking(Real("Qwen-Qwen3-0.6B.jinja"), *LoadFamily("qwen3"), messages, {});
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_THAT(*parts, ElementsAre(PromptPart{"<|im_start|>user\n", false},
                                  PromptPart{"Print <|im_end|> please.", true},
                                  PromptPart{"<|im_end|>\n<|im_start|>assistant\n<think>\n", false}));
}

// Its content passes through a macro and a filter, and its own generation prompt opens the thinking.
TEST(Qwen3Template, IsOpenedOnceWhereTheTemplateOpensItself) {
  const Messages messages = {{"user", "  Print <|im_end|> please.\n"}};
  const Result<Parts> parts =
      RenderOpenThinking(Real("Qwen3.5-4B.jinja"), *LoadFamily("qwen3"), messages, {});
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_THAT(*parts, ElementsAre(PromptPart{"<|im_start|>user\n", false},
                                  PromptPart{"Print <|im_end|> please.", true},
                                  PromptPart{"<|im_end|>\n<|im_start|>assistant\n<think>\n", false}));
}

constexpr std::string_view kHarmonyHead =
    "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\n"
    "Knowledge cutoff: 2024-06\nCurrent date: 2026-11-22\n\nReasoning: high\n\n"
    "# Valid channels: analysis, commentary, final. Channel must be included for every message.<|end|>";

TEST(GptOssTemplate, OpensThinking) {
  EXPECT_EQ(
      Open(Real("openai-gpt-oss-120b.jinja"), "gpt-oss", kQuestion),
      std::string(kHarmonyHead) +
          "<|start|>user<|message|>What is 1 + 2?<|end|><|start|>assistant<|channel|>analysis<|message|>");
}

TEST(GptOssTemplate, RendersSystemAndEarlierTurns) {
  const Messages messages = {
      {"system", "Be brief."}, {"user", "1 + 2?"}, {"assistant", "3"}, {"user", "2 + 2?"}};
  EXPECT_EQ(Open(Real("openai-gpt-oss-120b.jinja"), "gpt-oss", messages),
            std::string(kHarmonyHead) +
                "<|start|>developer<|message|># Instructions\n\nBe brief.\n\n<|end|>"
                "<|start|>user<|message|>1 + 2?<|end|>"
                "<|start|>assistant<|channel|>final<|message|>3<|end|>"
                "<|start|>user<|message|>2 + 2?<|end|>"
                "<|start|>assistant<|channel|>analysis<|message|>");
}

TEST(GptOssTemplate, TakesEffortAndDateFromTheOptions) {
  const TemplateOptions options = {.variables = {{"reasoning_effort", "low"}}, .date = "2025-02-01"};
  const std::string text = Open(Real("openai-gpt-oss-120b.jinja"), "gpt-oss", kQuestion, options);
  EXPECT_THAT(text, HasSubstr("\nCurrent date: 2025-02-01\n\nReasoning: low\n\n"));
}

TEST(GptOssTemplate, AsksForADateRatherThanTheClock) {
  EXPECT_THAT(Open(Real("openai-gpt-oss-120b.jinja"), "gpt-oss", kQuestion, {}),
              HasSubstr("it asks for today's date and the template option `date` is not set"));
}

TEST(GptOssTemplate, RefusesThinkingInEarlierTurns) {
  const Messages messages = {
      {"user", "1 + 2?"}, {"assistant", "<|channel|>analysis<|message|>Hm"}, {"user", "Well?"}};
  EXPECT_THAT(
      Open(Real("openai-gpt-oss-120b.jinja"), "gpt-oss", messages),
      HasSubstr("error: the chat template refuses the messages (line 265, column 36): You have passed a "
                "message containing <|channel|> tags"));
}

TEST(DeepSeekR1Template, OpensThinkingItself) {
  for (const char* name :
       {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja", "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja"}) {
    EXPECT_EQ(Open(Real(name), "deepseek-r1", kQuestion),
              "<bos><｜User｜>What is 1 + 2?<｜Assistant｜><think>\n");
    EXPECT_EQ(Open(Real(name), "deepseek-r1", kTurns),
              "<bos>Be brief.<｜User｜>What is 1 + 2?<｜Assistant｜>\n\n3<｜end▁of▁sentence｜>"
              "<｜User｜>And 2 + 2?<｜Assistant｜>4<｜end▁of▁sentence｜>"
              "<｜User｜>And 3 + 2?<｜Assistant｜><think>\n");
  }
}

TEST(MiniatureTemplate, OpensThinkingItself) {
  const ChatTemplate chat_template = Parsed(
      "{{ '<bos>' }}{% for m in messages %}{% if m.role == 'user' %}{{ ' ' + m.content }}{% endif %}{% "
      "endfor %}"
      "{% if add_generation_prompt %}{{ '<think>' }}{% endif %}");
  const Messages messages = {{"user", "CODE 1 + 2"}};
  const Result<Parts> parts = RenderOpenThinking(chat_template, *LoadFamily("plain"), messages, {});
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_EQ(JoinParts(*parts), "<bos> CODE 1 + 2<think>");
  EXPECT_THAT(*parts, ElementsAre(PromptPart{"<bos> ", false}, PromptPart{"CODE 1 + 2", true},
                                  PromptPart{"<think>", false}));
}

TEST(DefaultTemplate, RendersAsTheRealOne) {
  const std::vector<std::pair<std::string, std::string>> real = {
      {"qwen3", "Qwen-Qwen3-0.6B.jinja"},
      {"gpt-oss", "openai-gpt-oss-120b.jinja"},
      {"deepseek-r1", "deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja"},
  };
  for (const auto& [family, name] : real) {
    const ChatTemplate own = Parsed(LoadFamily(family)->default_template);
    for (const Messages& messages : {kQuestion, kWithSystem, kTurns}) {
      EXPECT_EQ(Open(own, family, messages), Open(Real(name), family, messages));
    }
  }
}

TEST(DefaultTemplate, OfGptOssLeavesTheThinkingOfEarlierTurnsOut) {
  const Family family = *LoadFamily("gpt-oss");
  const Messages messages = {{"user", "1 + 2?"},
                             {"assistant", family.content_open + "Hm" + family.content_close + "3"},
                             {"user", "2 + 2?"}};
  EXPECT_EQ(Open(Parsed(family.default_template), "gpt-oss", messages),
            std::string(kHarmonyHead) +
                "<|start|>user<|message|>1 + 2?<|end|>"
                "<|start|>assistant<|channel|>final<|message|>3<|end|>"
                "<|start|>user<|message|>2 + 2?<|end|>"
                "<|start|>assistant<|channel|>analysis<|message|>");
}

TEST(DefaultTemplate, OfPlainIsTheContentsLineByLine) {
  EXPECT_EQ(Open(Parsed(LoadFamily("plain")->default_template), "plain", kWithSystem),
            "<bos>Be brief.\nWhat is 1 + 2?\n");
}

// All templates that llama.cpp collects, some of which refuse a system turn.
TEST(ChatTemplate, MarksUserAndSystemTextInEveryTemplate) {
  const Messages user = {{"user", "1<|im_end|>1"}};
  const Messages system = {{"system", "2<|im_end|>2"}, {"user", "1<|im_end|>1"}};
  size_t rendered = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TemplateFolder())) {
    if (entry.path().extension() != ".jinja") continue;
    SCOPED_TRACE(entry.path().filename());
    const ChatTemplate chat_template = Parsed(ReadTemplate(entry.path()));
    for (const Messages& messages : {user, system}) {
      const Result<Parts> parts = chat_template.Render(messages, kToday);
      if (!parts) continue;
      ++rendered;
      std::string input;
      std::string markup;
      for (const PromptPart& part : *parts) (part.from_input ? input : markup) += part.text;
      EXPECT_THAT(markup, Not(HasSubstr("1<|im_end|>1")));
      EXPECT_THAT(markup, Not(HasSubstr("2<|im_end|>2")));
      EXPECT_THAT(input, HasSubstr("1<|im_end|>1"));
    }
  }
  EXPECT_GE(rendered, 100u);
}

TEST(ChatTemplate, TellsTheTemplateWhatItIs) {
  const ChatTemplate chat_template = Parsed(
      "{{ bos_token }}{{ eos_token }}{{ add_generation_prompt }}{{ enable_thinking }}{{ tools is defined }}"
      "{{ effort }}{{ loud }}");
  const TemplateOptions options = {.variables = {{"effort", "<|low|>"}, {"loud", false}}, .date = ""};
  const Result<Parts> parts = chat_template.Render({}, options);
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_THAT(*parts, ElementsAre(PromptPart{"<bos><eos>TrueTrueFalse<|low|>False", false}));
}

TEST(ChatTemplate, FormatsTheDateOfTheOptions) {
  const ChatTemplate chat_template =
      Parsed("{{ strftime_now('%d %b %Y') }}, {{ strftime_now('%A %j %H:%M:%S') }}{{ strftime_now('') }}");
  EXPECT_EQ(Text(chat_template.Render({}, kToday)), "22 Nov 2026, Sunday 326 00:00:00");
  EXPECT_EQ(Text(chat_template.Render({}, {.variables = {}, .date = "2024-02-29"})),
            "29 Feb 2024, Thursday 060 00:00:00");
}

TEST(ChatTemplate, TakesContentAsItIs) {
  const ChatTemplate chat_template = Parsed("{% for m in messages %}[{{ m.content }}]{% endfor %}");
  const std::string bytes("{{ x }}\0{% endfor %}\xff\r\n ", 24);
  EXPECT_EQ(Text(chat_template.Render(Messages{{"user", bytes}, {"user", ""}, {"user", "é"}}, {})),
            "[" + bytes + "][][é]");
}

TEST(ChatTemplate, JoinsPartsAcrossEmptyContent) {
  const ChatTemplate chat_template = Parsed("{% for m in messages %}[{{ m.content }}]{% endfor %}");
  EXPECT_THAT(*chat_template.Render(Messages{{"user", ""}}, {}), ElementsAre(PromptPart{"[]", false}));
  EXPECT_THAT(*chat_template.Render({}, {}), IsEmpty());
}

TEST(ChatTemplate, KeepsMarksThroughWhatTemplatesDoWithContent) {
  const ChatTemplate chat_template = Parsed(
      "{% macro show(text) %}{{ text }}{% endmacro %}{% set text = messages[0].content %}"
      "{{ 'a' + text }}{{ 'b' ~ text|trim }}c{{ show(text) }}d{{ text[1:] }}e{{ text.split('|')[-1] }}");
  EXPECT_THAT(*chat_template.Render(Messages{{"user", " x|y"}}, {}),
              ElementsAre(PromptPart{"a", false}, PromptPart{" x|y", true}, PromptPart{"b", false},
                          PromptPart{"x|y", true}, PromptPart{"c", false}, PromptPart{" x|y", true},
                          PromptPart{"d", false}, PromptPart{"x|y", true}, PromptPart{"e", false},
                          PromptPart{"y", true}));
}

TEST(ChatTemplate, SaysWhereItDoesNotParse) {
  EXPECT_EQ(ParseError("Hello {% if x }} there"),
            "the chat template does not parse: parser: Parser Error: Expected %} (Got }}), near: Hello {% if "
            "x }} there");
  EXPECT_EQ(ParseError("one\n{{ 'a\\q' }}"),
            "the chat template does not parse: lexer: unknown escape character \\q, near: one↵{{ 'a\\q' }}");
  EXPECT_EQ(ParseError("{{ messages[0 }}"),
            "the chat template does not parse: Unexpected token: }} of type 11");
  EXPECT_THAT(ParseError("{{ é"), HasSubstr("does not parse"));
  for (const char* source : {"{{", "{%", "{% for %}", "{% endfor %}", "{{ 'x }}", "{% set %}", "{{ a b }}",
                             "{{ ( }}", "{% macro %}", "{{ x | }}", "{{ 1 if }}", "{% unheard %}"}) {
    ParseError(source);
  }
}

std::string Repeated(const std::string& text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

TEST(ChatTemplate, RefusesWhatIsNestedTooDeeply) {
  for (const std::string& source :
       {"{{ " + Repeated("(", 100000) + "1" + Repeated(")", 100000) + " }}",
        Repeated("{% if 1 %}", 50000) + Repeated("{% endif %}", 50000),
        "{% if 1 %}" + Repeated("{% elif 1 %}", 50000) + "{% endif %}",
        Repeated("{% set a %}", 50000) + Repeated("{% endset %}", 50000),
        "{{ " + Repeated("not ", 200000) + "1 }}", "{{ 1" + Repeated(" + 1", 200000) + " }}",
        "{{ x" + Repeated(".x", 200000) + " }}", "{{ " + Repeated("1 if 1 else ", 100000) + "1 }}"}) {
    EXPECT_THAT(ParseError(source), HasSubstr("nested too deeply")) << source.substr(0, 20);
  }
  EXPECT_EQ(Text(Parsed("{{ " + Repeated("(", 100) + "1" + Repeated(")", 100) + " }}").Render({}, kToday)),
            "1");
  EXPECT_EQ(Text(Parsed(Repeated("{% set a = 1 %}", 1000) + "{{ a }}").Render({}, kToday)), "1");
}

TEST(ChatTemplate, EndsWhatHasNoEnd) {
  const std::pair<std::string, std::string> cases[] = {
      {"{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "calls itself without end"},
      {"{{ 1" + Repeated(" + 1", 1500) + " }}", "nested too deeply"},
      {"{% for i in range(1000000000) %}x{% endfor %}", "range() gives more than a million numbers"},
      {"{% set ns = namespace(s='aaaaaaaaaaaaaaaa') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}"
       "{% endfor %}{{ ns.s }}",
       "its texts become too long"},
      {"{% for i in range(10000) %}{% for j in range(10000) %}{% for k in range(10000) %}{% endfor %}"
       "{% endfor %}{% endfor %}x",
       "it takes too many steps"},
      {"{% set r = range(10000) %}{% for i in r %}{% for j in r %}{% for k in r %}{% endfor %}{% endfor %}"
       "{% endfor %}x",
       "it takes too many steps"}};
  for (const auto& [source, problem] : cases) {
    const auto rendered = Parsed(source).Render({}, kToday);
    ASSERT_FALSE(rendered) << source.substr(0, 40);
    EXPECT_THAT(rendered.error().message, HasSubstr(problem)) << source.substr(0, 40);
    EXPECT_THAT(rendered.error().message, Not(HasSubstr("\n")));
    EXPECT_LT(rendered.error().message.size(), 1000U);
  }
}

size_t PeakBytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) << 10;
}

// Each of these makes gigabytes in one operation, or never ends, where nobody looks before.
TEST(ChatTemplate, OneOperationTakesNoMoreThanTheBudget) {
  const std::string kMega = "{% set m = 'm' * 100000 %}";
  const std::string kLists =
      "{% set ns = namespace(a=['0123456789']) %}{% for i in range(27) %}{% set ns.a = [ns.a, ns.a] %}"
      "{% endfor %}";
  const std::pair<std::string, std::string> cases[] = {
      {kMega + "{{ (m|replace('', m))|length }}", "its texts become too long"},
      {kMega + "{{ m.replace('m', m)|length }}", "its texts become too long"},
      {"{{ ('a'|indent(2000000000, true))|length }}", "its texts become too long"},
      {"{{ ('a\n'|indent(-1, true))|length }}", "negative width"},
      {kMega + "{{ (range(20000)|join(m))|length }}", "its texts become too long"},
      {kMega + "{{ ([m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m,m]|join(m * 100))|length }}",
       "its texts become too long"},
      {"{{ ([[1]]|tojson(indent=1000000000))|length }}", "its texts become too long"},
      {"{{ tojson([[1]], indent=1000000000)|length }}", "its texts become too long"},
      {kMega + "{{ (range(20000)|tojson(separators=[m, m]))|length }}", "its texts become too long"},
      {"{{ ('a' * 50000000)|length }}", "its texts become too long"},
      {"{{ ('' * 50000000)|length }}", "its texts become too long"},
      {"{{ (2000000000 * '')|length }}", "its texts become too long"},
      {kLists + "{{ (ns.a|tojson)|length }}", "it takes too many steps"},
      {kLists + "{{ (ns.a|string)|length }}", "it takes too many steps"},
      {kLists + "{{ ('' ~ ns.a)|length }}", "it takes too many steps"},
      {"{{ ('m' * 60000).split('m')|length }}", "it takes too many steps"},
      {"{{ range(900000)|length }}", "it takes too many steps"},
      {"{% set a = [] %}{{ a.append(a) }}", "hold themselves"},
      {"{% set ns = namespace() %}{% set ns.x = ns %}{{ ns ~ '' }}", "hold themselves"},
      {"{% set ns = namespace(a=[]) %}{% for i in range(20000) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a "
       "}}",
       "it takes too many steps"}};
  const size_t before = PeakBytes();
  for (const auto& [source, problem] : cases) {
    SCOPED_TRACE(source);
    const auto rendered = Parsed(source).Render({}, kToday);
    EXPECT_LT(PeakBytes() - before, size_t{400} << 20);
    ASSERT_FALSE(rendered);
    EXPECT_THAT(rendered.error().message, HasSubstr(problem));
  }
}

TEST(ChatTemplate, OperationsWithinTheBudgetGiveWhatTheyGave) {
  const std::pair<std::string, std::string> cases[] = {
      {"{{ 'abc'|replace('b', 'xyz') }}{{ 'ab'.replace('', '-') }}", "axyzc-a-b-"},
      {"{{ 'a\nb'|indent(2) }}", "a\n  b"},
      {"{{ [1, 'b', 2.5]|join(', ') }}", "1, b, 2.5"},
      {"{{ {'a': [1, 'x']}|tojson(indent=1) }}", "{\n \"a\": [\n  1,\n  \"x\"\n ]\n}"},
      {"{{ '=' * 10 }}{{ 3 * 'ab' }}", "==========ababab"},
      {"{{ 'a,b,c'.split(',')|length }}", "3"},
      {"{% macro replace(a, b, c) %}{{ c }}{% endmacro %}{{ replace('a', '', 'c') }}", "c"},
      {"{{ ['a', ('b', 1)] ~ '' }}", "['a', ('b', 1)]"}};
  for (const auto& [source, text] : cases) EXPECT_EQ(Text(Parsed(source).Render({}, kToday)), text) << source;
}

// As long conversations are.
TEST(ChatTemplate, ATemplateMayTakeWhatItNeeds) {
  Messages messages;
  for (int i = 0; i < 2000; ++i) {
    messages.push_back({i % 2 == 0 ? "user" : "assistant", std::string(500, 'x')});
  }
  messages.push_back({"user", "And?"});
  const auto rendered = Real("Qwen-Qwen3-0.6B.jinja").Render(messages, kToday);
  EXPECT_TRUE(rendered) << rendered.error().message;
}

TEST(ChatTemplate, SaysWhatTheTemplateRaises) {
  EXPECT_EQ(RenderError("{{ messages[0].content }}\n{{ raise_exception('only\nsystem turns') }}"),
            "the chat template refuses the messages (line 2, column 19): only system turns");
}

TEST(ChatTemplate, SaysWhereItFails) {
  EXPECT_EQ(
      RenderError("a\n{{ messages | nothing }}"),
      "the chat template fails (line 2, column 13): Unknown (built-in) filter 'nothing' for type Array");
  EXPECT_THAT(RenderError("{{ x.y() }}"), HasSubstr("the chat template fails"));
  EXPECT_THAT(RenderError("{% for m in 3 %}{% endfor %}"), HasSubstr("the chat template fails"));
  EXPECT_THAT(RenderError("{{ strftime_now() }}"), HasSubstr("the chat template fails"));
}

TEST(ChatTemplate, RefusesADateThatIsNone) {
  for (const char* date :
       {"2026-02-30", "2026-1-01", "today", "2026-11-22 ", "-026-11-22", "2026-1a-22", "2026/11/22"}) {
    EXPECT_EQ(RenderError("x", {}, {.variables = {}, .date = date}),
              "the template option `date` is \"" + std::string(date) + "\", not a date YYYY-MM-DD");
  }
}

TEST(ChatTemplate, RefusesOptionsThatAreItsOwn) {
  EXPECT_EQ(RenderError("x", {}, {.variables = {{"messages", "none"}}, .date = ""}),
            "the template option `messages` is not for setting");
  RenderError("x", {}, {.variables = {{"enable_thinking", false}}, .date = ""});
}

// Roles are markup in most templates, so nothing may hide in them.
TEST(ChatTemplate, RefusesRolesThatAreNoWords) {
  EXPECT_EQ(RenderError("x", {{"user<|im_end|>", "Q"}}),
            "\"user<|im_end|>\" is no role of a message: letters, digits, _ and - only");
  RenderError("x", {{"", "Q"}});
  EXPECT_TRUE(Parsed("x").Render(Messages{{"tool_2-B", "Q"}}, {}));
}

TEST(ChatTemplate, RendersFromManyThreadsAtOnce) {
  const ChatTemplate chat_template = Real("Qwen-Qwen3-0.6B.jinja");
  const std::string expected = Open(chat_template, "qwen3", kTurns);
  std::vector<size_t> wrong(4);
  std::vector<std::thread> threads;
  for (size_t& count : wrong) {
    threads.emplace_back([&chat_template, &expected, &count] {
      const ChatTemplate copy = chat_template;
      for (int i = 0; i < 25; ++i) count += Open(copy, "qwen3", kTurns) == expected ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, ElementsAre(0, 0, 0, 0));
}

TEST(RenderOpenThinking, AppendsOnlyWhatIsMissing) {
  const auto opened = [](const std::string& source) {
    return Open(Parsed(source), "qwen3", {{"user", "<think>"}});
  };
  EXPECT_EQ(opened("assistant\n\n"), "assistant\n<think>\n");
  EXPECT_EQ(opened("assistant\n<think>"), "assistant\n<think>\n");
  EXPECT_EQ(opened("assistant\n<think>\n\n"), "assistant\n<think>\n");
  EXPECT_EQ(opened("<"), "<think>\n");
  EXPECT_EQ(opened("<think><thin"), "<think><think>\n");
  EXPECT_EQ(opened(""), "<think>\n");
}

TEST(RenderOpenThinking, TakesNoContentForAnOpener) {
  const Messages messages = {{"user", "<think>\n"}};
  const Result<Parts> parts =
      RenderOpenThinking(Parsed("{{ messages[0].content }}"), *LoadFamily("qwen3"), messages, {});
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_THAT(*parts, ElementsAre(PromptPart{"<think>\n", true}, PromptPart{"<think>\n", false}));
}

TEST(RenderOpenThinking, AsksForTheThinkingInTheUsersLastMessage) {
  Family family = *LoadFamily("instruct");
  family.thinking_request = " Aloud!";
  const Messages messages = {{"user", "A?"}, {"assistant", "a"}, {"user", "B?"}};
  const auto parts = RenderOpenThinking(Real("Qwen-Qwen3-0.6B.jinja"), family, messages, kToday);
  EXPECT_EQ(Text(parts),
            "<|im_start|>user\nA?<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
            "<|im_start|>user\nB? Aloud!<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n")
      << "in place of the model's own thinking";
}

std::string Handover(const std::string& source) {
  Family family = *LoadFamily("instruct");
  family.answer_request = "Now.";
  const auto complete = WithHandover(std::move(family), Parsed(source), kToday);
  return complete ? complete->handover : "error: " + complete.error().message;
}

TEST(WithHandover, IsWhatTheTemplateWritesBetweenTheTurns) {
  EXPECT_EQ(Handover("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n"
                     "{% endfor %}<|im_start|>assistant\n\n"),
            "<|im_end|>\n<|im_start|>user\nNow.<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(Handover("{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
                     "{% else %} {{ m.content }}</s>{% endif %}{% endfor %}"),
            "</s>[INST] Now. [/INST]");
  EXPECT_EQ(Handover("{% for m in messages %}[{{ m.content }}]{% endfor %}<think>\n"),
            "][Now.]<think>\n</think>\n\n")
      << "the next turn's thinking is closed";
  EXPECT_EQ(LoadFamily("qwen3")->handover, WithHandover(*LoadFamily("qwen3"), Parsed("x"), kToday)->handover);
}

TEST(WithHandover, NeedsATemplateThatShowsEarlierTurns) {
  EXPECT_EQ(
      Handover("{{ messages[0].content }}"),
      "error: the chat template does not show an assistant's earlier turn, by which the family instruct "
      "asks for the answer");
  EXPECT_THAT(Handover("{{ raise_exception('one turn only') }}"), HasSubstr("one turn only"));
}

std::string Alone(const ChatTemplate& chat_template, const Family& family) {
  return Text(RenderAnswer(chat_template, family, kQuestion, kToday));
}

TEST(RenderAnswer, TheTemplateThatCanLeaveTheThinkingOutDoes) {
  EXPECT_EQ(Alone(Real("Qwen-Qwen3-0.6B.jinja"), *LoadFamily("qwen3")),
            "<|im_start|>user\nWhat is 1 + 2?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n");
}

TEST(RenderPrompt, IsThatOfAModelThatThinksOrOfOneThatDoesNot) {
  const Family qwen = *LoadFamily("qwen3");
  EXPECT_EQ(Text(RenderPrompt(Parsed("a\n\n"), qwen, kQuestion, {}, /*thinks=*/true)), "a\n<think>\n");
  EXPECT_EQ(Text(RenderPrompt(Parsed("a\n\n"), qwen, kQuestion, {}, /*thinks=*/false)),
            "a\n<think>\n\n</think>\n\n");
}

TEST(AddSystem, StandsBeforeMessagesThatBringNone) {
  EXPECT_EQ(AddSystem(kQuestion, "Be brief."), kWithSystem);
  EXPECT_EQ(AddSystem(kWithSystem, "Be long."), kWithSystem);
  EXPECT_EQ(AddSystem(kQuestion, ""), kQuestion);
}

TEST(RenderAnswer, OtherwiseTheThinkingIsOpenedAndClosed) {
  const Family qwen = *LoadFamily("qwen3");
  EXPECT_EQ(Alone(Parsed("a\n\n"), qwen), "a\n<think>\n\n</think>\n\n");
  EXPECT_EQ(Alone(Parsed("a<think>\n\n"), qwen), "a<think>\n\n</think>\n\n");
  Family skips = qwen;
  skips.skip_thinking = "Answer:";
  EXPECT_EQ(Alone(Parsed("a\n\nAns"), skips), "a\n\nAnswer:");
}

// A family that opens nothing cannot tell what a template does not show.
TEST(RenderAnswer, WhatTheTemplateOpenedIsClosed) {
  const Family plain = *LoadFamily("plain");
  EXPECT_EQ(Alone(Parsed("a<think>"), plain), "a<think></think>");
  EXPECT_EQ(Alone(Parsed("a"), plain), "a");
  Family instruct = *LoadFamily("instruct");
  instruct.handover = "]And now the answer.[";
  EXPECT_EQ(Alone(Parsed("a"), instruct), "a");
  EXPECT_EQ(Alone(Parsed("a<think>\n\n"), instruct), "a<think>\n</think>\n\n") << "nobody asks again";
}

// A model that thinks by itself, asked to think aloud in a turn: the turn is the thinking, not its own part.
TEST(Instruct, WhatTheTemplateOpensIsClosedBeforeTheTurn) {
  const std::string source =
      "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]"
      "{% if enable_thinking %}<think>\n{% else %}<think>\n\n</think>\n\n{% endif %}";
  Family family = *LoadFamily("instruct");
  family.thinking_request = " Aloud.";
  EXPECT_EQ(Text(RenderOpenThinking(Parsed(source), family, kQuestion, {})),
            "[user]What is 1 + 2? Aloud.[assistant]<think>\n\n</think>\n\n");
  const std::string opens = "{{ messages[-1].content }}[assistant]<think>\n\n";
  EXPECT_EQ(Text(RenderOpenThinking(Parsed(opens), family, kQuestion, {})),
            "What is 1 + 2? Aloud.[assistant]<think>\n</think>\n\n")
      << "a newline before </think>, as the content has it; templates lose one at their end";
  EXPECT_EQ(Text(RenderOpenThinking(Parsed("{{ messages[-1].content }}[assistant]"), family, kQuestion, {})),
            "What is 1 + 2? Aloud.[assistant]");
}

TEST(FewShot, TheQuestionStandsBehindWorkedExamples) {
  const Family family = *LoadFamily("few-shot");
  const auto own = TemplateFor(family, "the model's own", kTokens);
  ASSERT_TRUE(own) << own.error().message;
  const std::string thinks = Text(RenderOpenThinking(*own, family, kWithSystem, kToday));
  EXPECT_EQ(thinks.find("<bos>Be brief.\n\nQuestion:\nA train"), 0U) << thinks;
  EXPECT_TRUE(thinks.ends_with("\n\nQuestion:\nWhat is 1 + 2?\n<think>\n")) << thinks;
  EXPECT_THAT(thinks, HasSubstr("<think>\nOkay, let me see."));
  EXPECT_THAT(thinks, HasSubstr("Good.\n</think>\nAnswer:\nThe train moves"));
  const std::string alone = Text(RenderAnswer(*own, family, kQuestion, kToday));
  EXPECT_TRUE(alone.ends_with("\n\nQuestion:\nWhat is 1 + 2?\nAnswer:\n")) << alone;
  EXPECT_THAT(alone, Not(HasSubstr("<think>")));
}

TEST(TemplateFor, AFamilyWithoutATemplateNeedsTheModels) {
  const Family family = *LoadFamily("instruct");
  EXPECT_TRUE(TemplateFor(family, "{{ messages[0].content }}", kTokens));
  const auto none = TemplateFor(family, "", kTokens);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("asked as the family few-shot"));
}

TEST(RenderOpenThinking, RefusesATemplateThatClosesTheThinking) {
  EXPECT_EQ(Open(Parsed("assistant\n<think>\n\n</think>\n\n"), "qwen3", kQuestion),
            "error: the chat template's generation prompt closes the thinking at once (family qwen3)");
  Family family = *LoadFamily("qwen3");
  family.close_tokens.clear();
  EXPECT_FALSE(RenderOpenThinking(Parsed("a<think>\n\n</think>\n\n"), family, kQuestion, {}))
      << "close_texts close it, too";
}

}  // namespace
}  // namespace tessy
