#include "model/text/guessed_family.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kTurns = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}";

std::string Doubt(const std::string& chat_template, const std::string& family = "plain",
                  bool has_close_token = false, bool thinks = true) {
  const Family loaded = *LoadFamily(family);
  return DoubtOf({.model = "m.gguf",
                  .chat_template = chat_template,
                  .family = loaded,
                  .has_close_token = has_close_token,
                  .thinks = thinks})
      .value_or("none");
}

TEST(DoubtOf, ATemplateThatSpeaksOfNoThinkingIsOne) {
  EXPECT_THAT(Doubt(kTurns), AllOf(HasSubstr("m.gguf: its chat template opens no thinking"),
                                   HasSubstr("waits for </think>"), HasSubstr("family instruct")));
  EXPECT_EQ(Doubt(kTurns, "qwen3"), "none");
  EXPECT_EQ(Doubt(kTurns, "plain", /*has_close_token=*/true), "none");
}

TEST(DoubtOf, ATemplateThatOpensOrClosesAThinkingIsNone) {
  EXPECT_EQ(Doubt(std::string(kTurns) + "<think>"), "none");
  EXPECT_EQ(Doubt(std::string("{{ m.content.split('</think>')[-1] }}") + kTurns), "none");
}

TEST(DoubtOf, AModelThatIsToldNotToThinkNeedsNoCloseMark) {
  EXPECT_EQ(Doubt(kTurns, "plain", /*has_close_token=*/false, /*thinks=*/false), "none");
}

TEST(DoubtOf, AModelWithoutATemplateIsOneAnyway) {
  for (const bool thinks : {true, false}) {
    EXPECT_THAT(Doubt("", "plain", /*has_close_token=*/true, thinks),
                AllOf(HasSubstr("m.gguf: has no chat template"), HasSubstr("family few-shot")));
  }
}

}  // namespace
}  // namespace tessy
