#include "base/toml_depth.h"

#include <gtest/gtest.h>

#include <string>

namespace tessy {
namespace {

std::string Repeated(const std::string& text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

std::string Refusal(const std::string& toml) {
  const auto status = CheckTomlNesting(toml, "run.toml");
  return status ? "" : status.error().message;
}

TEST(TomlDepthTest, DeepKeysListsAndTablesAreRefusedByLine) {
  const std::string refusal = "run.toml:2: nested more than 200 levels deep";
  EXPECT_EQ(Refusal("x = 1\n" + Repeated("a.", 100000) + "a = 1\n"), refusal);
  EXPECT_EQ(Refusal("x = 1\n[" + Repeated("a.", 100000) + "a]\n"), refusal);
  EXPECT_EQ(Refusal("x = 1\ny = " + Repeated("[", 100000)), refusal);
  EXPECT_EQ(Refusal("x = 1\ny = " + Repeated("{a=", 100000)), refusal);
  EXPECT_EQ(Refusal("x = 1\n" + Repeated("\"a\" . ", 300) + "a = 1\n"), refusal);
}

TEST(TomlDepthTest, DottedKeysOfInlineTablesAddUp) {
  const std::string key = Repeated("a.", 20) + "a = ";
  EXPECT_EQ(Refusal("x = 1\n" + Repeated(key + "{", 9) + "b = 1" + Repeated("}", 9)), "");
  EXPECT_EQ(Refusal("x = 1\n" + Repeated(key + "[{", 10) + "b = 1" + Repeated("}]", 10)),
            "run.toml:2: nested more than 200 levels deep");
  EXPECT_EQ(Refusal(Repeated(key + "{", 9) + "b = 1" + Repeated("}", 9) + "\n" + Repeated(key + "{", 9)), "");
}

TEST(TomlDepthTest, QuotesAtTheEndOfALongTextHideNothing) {
  const std::string deep = Repeated("b.", 100000) + "b = 1}\n";
  EXPECT_EQ(Refusal("t = {a = \"\"\"x\"\"\"\", " + deep), "run.toml:1: nested more than 200 levels deep");
  EXPECT_EQ(Refusal("t = {a = \'\'\'x\'\'\'\'\', " + deep), "run.toml:1: nested more than 200 levels deep");
  EXPECT_EQ(Refusal("t = \"\"\"x\\\n\"\"\"\nu = {" + deep), "run.toml:3: nested more than 200 levels deep");
}

TEST(TomlDepthTest, TextsAndCommentsDoNotCount) {
  EXPECT_EQ(Refusal("a = \"" + Repeated("[.", 1000) + "\"\n"), "");
  EXPECT_EQ(Refusal("a = \"\\\"" + Repeated("[.", 1000) + "\"\n"), "");
  EXPECT_EQ(Refusal("a = '''\n" + Repeated("[.\n", 1000) + "'''\n# " + Repeated("[.", 1000)), "");
  EXPECT_EQ(Refusal(Repeated("a.b = 1.5\n", 1000)), "");
  EXPECT_EQ(Refusal("a = [" + Repeated("1.5, ", 1000) + "]"), "");
}

}  // namespace
}  // namespace tessy
