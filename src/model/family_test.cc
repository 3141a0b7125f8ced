#include "model/family.h"
#include "base/testing/source_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using Value = TemplateOptions::Value;

// A family file with every key, of which a test may drop or replace the line of one.
std::string FamilyText(const std::string& key = "", const std::string& line = "") {
  const std::vector<std::pair<std::string, std::string>> lines = {
      {"name", R"(name = "x")"},
      {"template_marks", R"(template_marks = ["<a>", "<b>"])"},
      {"open_thinking", R"(open_thinking = "<o>\n")"},
      {"close_tokens", R"(close_tokens = ["<c>"])"},
      {"close_texts", R"(close_texts = ["<c>", "done"])"},
      {"handover", R"(handover = "\n<c>\n")"},
      {"content_open", R"(content_open = "<o>")"},
      {"content_close", R"(content_close = "<c>")"},
      {"trim", R"(trim = " \n")"},
      {"end_tokens", R"(end_tokens = ["<e>"])"},
      {"default_template", "default_template = '''\n{{ bos_token }}'''"},
      {"template_options", "[template_options]\neffort = \"low\"\nloud = true\ndate = \"2026-11-22\""},
  };
  std::string text;
  for (const auto& [name, written] : lines) text += (name == key ? line : written) + "\n";
  return text;
}

std::string ProblemOf(const std::string& text) {
  const Result<Family> family = ParseFamily(text, "f.toml");
  EXPECT_FALSE(family.has_value()) << text;
  if (family) return "";
  EXPECT_EQ(family.error().code, ErrorCode::kInvalidData);
  EXPECT_EQ(family.error().message.find('\n'), std::string::npos);
  return family.error().message;
}

TEST(ParseFamily, ReadsEveryField) {
  const Result<Family> family = ParseFamily(FamilyText(), "f.toml");
  ASSERT_TRUE(family) << family.error().message;
  EXPECT_EQ(family->name, "x");
  EXPECT_THAT(family->template_marks, ElementsAre("<a>", "<b>"));
  EXPECT_EQ(family->open_thinking, "<o>\n");
  EXPECT_THAT(family->close_tokens, ElementsAre("<c>"));
  EXPECT_THAT(family->close_texts, ElementsAre("<c>", "done"));
  EXPECT_EQ(family->handover, "\n<c>\n");
  EXPECT_EQ(family->content_open, "<o>");
  EXPECT_EQ(family->content_close, "<c>");
  EXPECT_EQ(family->trim, " \n");
  EXPECT_THAT(family->end_tokens, ElementsAre("<e>"));
  EXPECT_EQ(family->default_template, "{{ bos_token }}");
  EXPECT_THAT(family->template_options.variables,
              ElementsAre(Pair("effort", Value("low")), Pair("loud", Value(true))));
  EXPECT_EQ(family->template_options.date, "2026-11-22");
}

TEST(ParseFamily, ReadsTheKeysThatMayBeAbsent) {
  const Result<Family> bare = ParseFamily(FamilyText(), "f.toml");
  ASSERT_TRUE(bare) << bare.error().message;
  EXPECT_FALSE(bare->end_closes_thinking);
  EXPECT_FALSE(bare->use_default_template);
  EXPECT_THAT(bare->thinking_stops, IsEmpty());
  EXPECT_THAT(bare->answer_stops, IsEmpty());
  EXPECT_EQ(bare->thinking_request + bare->answer_request + bare->skip_thinking, "");

  const Result<Family> family =
      ParseFamily(FamilyText("handover",
                             "handover = \"\"\nanswer_request = \"now\"\nskip_thinking = \"s\"\n"
                             "thinking_request = \"aloud\"\nend_closes_thinking = true\n"
                             "thinking_stops = [\"a\"]\nanswer_stops = [\"q\", \"r\"]\n"
                             "use_default_template = true"),
                  "f.toml");
  ASSERT_TRUE(family) << family.error().message;
  EXPECT_TRUE(family->end_closes_thinking);
  EXPECT_TRUE(family->use_default_template);
  EXPECT_EQ(family->thinking_request, "aloud");
  EXPECT_EQ(family->answer_request, "now");
  EXPECT_EQ(family->skip_thinking, "s");
  EXPECT_THAT(family->thinking_stops, ElementsAre("a"));
  EXPECT_THAT(family->answer_stops, ElementsAre("q", "r"));
}

TEST(ParseFamily, RefusesWhatCannotWorkTogether) {
  EXPECT_EQ(
      ProblemOf(FamilyText("handover", "handover = \"\"\nanswer_request = \"now\"")),
      "f.toml:7: the key `answer_request` needs `end_closes_thinking = true`: the thinking is then a turn "
      "of its own, which its end closes");
  EXPECT_EQ(ProblemOf(FamilyText("trim", "trim = \"\"\nanswer_request = \"now\"")),
            "f.toml:10: the key `answer_request` and `handover` are both given: the hand-over is then the "
            "template's");
  EXPECT_EQ(ProblemOf(FamilyText("default_template", "default_template = \"\"\nuse_default_template = true")),
            "f.toml:11: the key `default_template` must not be empty where `use_default_template` is true");
  EXPECT_EQ(ProblemOf(FamilyText("trim", "trim = \"\"\nend_closes_thinking = \"yes\"")),
            "f.toml:10: the key `end_closes_thinking` must be true or false");
}

TEST(ParseFamily, NeedsNoOptions) {
  const Result<Family> family = ParseFamily(FamilyText("template_options"), "f.toml");
  ASSERT_TRUE(family) << family.error().message;
  EXPECT_EQ(family->template_options, TemplateOptions());
}

TEST(ParseFamily, NamesTheMissingKey) {
  for (const std::string key :
       {"name", "template_marks", "open_thinking", "close_tokens", "close_texts", "handover", "content_open",
        "content_close", "trim", "end_tokens", "default_template"}) {
    EXPECT_EQ(ProblemOf(FamilyText(key)), "f.toml:1: the key `" + key + "` is missing");
  }
}

TEST(ParseFamily, NamesFileLineAndKeyOfWhatIsWrong) {
  EXPECT_EQ(ProblemOf(FamilyText("trim", "trim = 3")), "f.toml:9: the key `trim` must be a string");
  EXPECT_EQ(ProblemOf(FamilyText("handover", "handover = [\"a\"]")),
            "f.toml:6: the key `handover` must be a string");
  EXPECT_EQ(ProblemOf(FamilyText("end_tokens", "end_tokens = \"<e>\"")),
            "f.toml:10: the key `end_tokens` must be an array of strings");
  EXPECT_EQ(ProblemOf(FamilyText("end_tokens", "end_tokens = [\n\"<e>\",\n1]")),
            "f.toml:12: the key `end_tokens` must be an array of strings");
  EXPECT_EQ(ProblemOf(FamilyText("close_texts", "close_texts = [\"\"]")),
            "f.toml:5: the key `close_texts` must not hold an empty string");
  EXPECT_EQ(ProblemOf(FamilyText("name", "name = \"\"")), "f.toml:1: the key `name` must not be empty");
  EXPECT_EQ(ProblemOf(FamilyText("trim", "trim = \"\\u3000\"")),
            "f.toml:9: the key `trim` must be ASCII characters");
  EXPECT_EQ(ProblemOf(FamilyText("trim", "trim = \"\"\ncolour = 1")),
            "f.toml:10: the key `colour` is unknown");
  EXPECT_EQ(ProblemOf(FamilyText("template_options", "template_options = 1")),
            "f.toml:13: the key `template_options` must be a table");
  EXPECT_EQ(ProblemOf(FamilyText("template_options", "[template_options]\neffort = 1")),
            "f.toml:14: the key `effort` must be a string, true or false");
  EXPECT_EQ(ProblemOf(FamilyText("template_options", "[template_options]\ndate = 2026-11-22")),
            "f.toml:14: the key `date` must be a string, \"YYYY-MM-DD\" or empty");
}

TEST(ParseFamily, RefusesAThinkingThatNeverCloses) {
  std::string text = FamilyText("close_tokens", "close_tokens = []");
  EXPECT_TRUE(ParseFamily(text, "f.toml"));
  text.replace(text.find("[\"<c>\", \"done\"]"), 15, "[]");
  EXPECT_TRUE(ParseFamily("end_closes_thinking = true\n" + text, "f.toml")) << "the model's turn ends";
  EXPECT_EQ(
      ProblemOf(text),
      "f.toml:5: the key `close_texts` and `close_tokens` are both empty: the thinking could never close");
}

TEST(ParseFamily, SaysWhereTheTomlBreaks) {
  EXPECT_THAT(ProblemOf("name = \"x\"\ntrim = \n"), HasSubstr("f.toml:2: not TOML: "));
  EXPECT_THAT(ProblemOf("name = \"x\"\nname = \"y\"\n"), HasSubstr("f.toml:2: not TOML: "));
  EXPECT_THAT(ProblemOf("name = \"\xff\"\n"), HasSubstr("f.toml:1: not TOML: "));
}

TEST(BuiltInFamilies, AreTheFilesOfThatName) {
  EXPECT_THAT(BuiltInFamilies(),
              ElementsAre("qwen3", "gpt-oss", "deepseek-r1", "few-shot", "instruct", "plain"));
  for (const std::string& name : BuiltInFamilies()) {
    const Result<Family> family = LoadFamily(name);
    ASSERT_TRUE(family) << family.error().message;
    EXPECT_EQ(family->name, name);
    const Result<Family> file = LoadFamily(InSource("src/model/families/" + name + ".toml"));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(*family, *file);
    EXPECT_EQ(family->default_template.empty(), name == "instruct");
  }
}

TEST(BuiltInFamilies, Qwen3AndDeepSeekR1ThinkBetweenTags) {
  for (const char* name : {"qwen3", "deepseek-r1"}) {
    const Result<Family> family = LoadFamily(name);
    EXPECT_EQ(family->open_thinking, "<think>\n");
    EXPECT_THAT(family->close_tokens, ElementsAre("</think>"));
    EXPECT_THAT(family->close_texts, ElementsAre("</think>"));
    EXPECT_EQ(family->handover, "\n</think>\n\n");
    EXPECT_EQ(family->content_open, "<think>\n");
    EXPECT_EQ(family->content_close, "\n</think>\n\n");
    EXPECT_EQ(family->trim, "\n");
    EXPECT_EQ(family->template_options, TemplateOptions());
  }
  EXPECT_THAT(LoadFamily("qwen3")->end_tokens, ElementsAre("<|im_end|>", "<|endoftext|>"));
  EXPECT_THAT(LoadFamily("deepseek-r1")->end_tokens, ElementsAre("<｜end▁of▁sentence｜>"));
}

TEST(BuiltInFamilies, GptOssThinksInAChannel) {
  const Result<Family> family = LoadFamily("gpt-oss");
  EXPECT_EQ(family->open_thinking, "<|channel|>analysis<|message|>");
  EXPECT_THAT(family->close_tokens, ElementsAre("<|end|>"));
  EXPECT_THAT(family->close_texts, ElementsAre("<|end|>", "assistantfinal"));
  EXPECT_EQ(family->handover, "<|end|><|start|>assistant<|channel|>final<|message|>");
  EXPECT_EQ(family->content_open, "<|channel|>analysis<|message|>");
  EXPECT_EQ(family->content_close, "<|end|><|start|>assistant<|channel|>final<|message|>");
  EXPECT_EQ(family->trim, "");
  EXPECT_THAT(family->end_tokens, ElementsAre("<|return|>", "<|call|>", "<|endoftext|>"));
  EXPECT_THAT(family->template_options.variables, ElementsAre(Pair("reasoning_effort", Value("high"))));
  EXPECT_EQ(family->template_options.date, "");
}

TEST(BuiltInFamilies, PlainAddsNothingButItsClose) {
  const Result<Family> family = LoadFamily("plain");
  EXPECT_EQ(family->open_thinking, "");
  EXPECT_THAT(family->close_tokens, ElementsAre("</think>"));
  EXPECT_THAT(family->close_texts, ElementsAre("</think>"));
  EXPECT_EQ(family->handover, "</think>");
  EXPECT_EQ(family->content_open, "<think>");
  EXPECT_EQ(family->content_close, "</think>");
  EXPECT_EQ(family->trim, "");
  EXPECT_THAT(family->end_tokens, IsEmpty());
}

TEST(BuiltInFamilies, InstructThinksInATurnOfItsOwn) {
  const Result<Family> family = LoadFamily("instruct");
  EXPECT_TRUE(family->end_closes_thinking);
  EXPECT_EQ(family->open_thinking, "");
  EXPECT_FALSE(family->thinking_request.empty());
  EXPECT_FALSE(family->answer_request.empty());
  EXPECT_EQ(family->content_open, "<think>\n");
  EXPECT_EQ(family->content_close, "\n</think>\n\n");
}

TEST(BuiltInFamilies, FewShotStopsBeforeTheNextQuestion) {
  const Result<Family> family = LoadFamily("few-shot");
  EXPECT_TRUE(family->use_default_template);
  EXPECT_THAT(family->answer_stops, ElementsAre("\nQuestion:"));
  EXPECT_THAT(family->thinking_stops, ElementsAre("\nAnswer:", "\nQuestion:"));
  EXPECT_EQ(family->handover, "\n</think>\nAnswer:\n");
}

TEST(LoadFamily, ReadsAFile) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "family_test_x.toml";
  std::ofstream(path) << FamilyText();
  const Result<Family> family = LoadFamily(path.string());
  ASSERT_TRUE(family) << family.error().message;
  EXPECT_EQ(*family, *ParseFamily(FamilyText(), "f.toml"));
  std::ofstream(path) << FamilyText("trim");
  EXPECT_EQ(LoadFamily(path.string()).error().message, path.string() + ":1: the key `trim` is missing");
  std::filesystem::remove(path);
}

TEST(LoadFamily, ListsTheNamesThereAre) {
  const Result<Family> family = LoadFamily("qwen4");
  ASSERT_FALSE(family);
  EXPECT_EQ(family.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(family.error().message,
            "no family is called \"qwen4\": built in are qwen3, gpt-oss, deepseek-r1, few-shot, instruct, "
            "plain; any "
            "other is given as the path of a .toml file");
  EXPECT_FALSE(LoadFamily(""));
}

TEST(LoadFamily, SaysWhichFileIsNotThere) {
  const Result<Family> family = LoadFamily("/nowhere/y.toml");
  ASSERT_FALSE(family);
  EXPECT_EQ(family.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(family.error().message, HasSubstr("/nowhere/y.toml"));
  EXPECT_FALSE(LoadFamily(".toml"));
}

TEST(DetectFamily, GoesByTheMarks) {
  EXPECT_EQ(DetectFamily("{{ '<|im_start|>' }}{{ '<think>' }}"), "qwen3");
  EXPECT_EQ(DetectFamily("{{ '<|im_start|>' }}{% if enable_thinking %}"), "qwen3");
  EXPECT_EQ(DetectFamily("{{ '<|im_start|>' }}"), "plain") << "ChatML alone makes no model think";
  EXPECT_EQ(DetectFamily("{{ '<|channel|>' }}"), "gpt-oss");
  EXPECT_EQ(DetectFamily("{{ '<｜Assistant｜>' }}"), "deepseek-r1");
  EXPECT_EQ(DetectFamily("{{ '<|im_start' }}"), "plain");
  EXPECT_EQ(DetectFamily(""), "plain");
}

TEST(DetectFamily, FindsEachFamilyInItsDefaultTemplate) {
  for (const std::string& name : BuiltInFamilies()) {
    const Family family = *LoadFamily(name);
    const bool is_found = !family.template_marks.empty();
    EXPECT_EQ(DetectFamily(family.default_template), is_found ? name : "plain");
  }
}

TEST(MergeOptions, PutsTheOverridesOnTop) {
  const TemplateOptions defaults = {.variables = {{"a", "1"}, {"b", true}}, .date = "2026-01-01"};
  const TemplateOptions overrides = {.variables = {{"b", false}, {"c", "3"}}, .date = "2026-11-22"};
  const TemplateOptions merged = {.variables = {{"a", "1"}, {"b", false}, {"c", "3"}}, .date = "2026-11-22"};
  EXPECT_EQ(MergeOptions(defaults, overrides), merged);
  EXPECT_EQ(MergeOptions(defaults, {}), defaults);
  EXPECT_EQ(MergeOptions({}, overrides), overrides);
}

TEST(LoadFamily, AFileIsTheSameWhateverEditorWroteIt) {
  const auto path = std::filesystem::path(testing::TempDir()) / "editor.toml";
  std::string text = FamilyText("default_template", "default_template = '''\na\nb\n'''");
  for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.insert(at, "\r");
  std::ofstream(path, std::ios::binary) << "\xEF\xBB\xBF" << text;
  const Result<Family> family = LoadFamily(path.string());
  ASSERT_TRUE(family) << family.error().message;
  EXPECT_EQ(family->default_template, "a\nb\n");
  std::filesystem::remove(path);
}

TEST(ParseFamily, DeepNestingIsRefusedWithItsLine) {
  EXPECT_EQ(ProblemOf("name = \"x\"\ny = " + std::string(100'000, '[')),
            "f.toml:2: nested more than 200 levels deep");
}

}  // namespace
}  // namespace tessy
