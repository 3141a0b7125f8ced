#include "base/visible.h"

#include <gtest/gtest.h>

namespace tessy {
namespace {

TEST(Visible, KeepsWhatPeopleWrite) {
  EXPECT_EQ(Visible("a\tb\n等 é 👨‍👩‍👧 ☀️ نمی‌خواهم"),
            "a\tb\n等 é 👨‍👩‍👧 ☀️ نمی‌خواهم");
  EXPECT_EQ(Visible("\r\x7F\xC2\x9B\xE2\x80\xAE\xFF"), "<U+000D><U+007F><U+009B><U+202E>\uFFFD");
  EXPECT_EQ(VisibleLine("a\tb\n"), "a<U+0009>b<U+000A>");
}

}  // namespace
}  // namespace tessy
