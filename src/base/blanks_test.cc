#include "base/blanks.h"

#include <gtest/gtest.h>

namespace tessy {
namespace {

TEST(WithoutBlanksAround, LeavesTheTextAsItIs) {
  EXPECT_EQ(WithoutBlanksAround(" \t a b\r\n"), "a b");
  EXPECT_EQ(WithoutBlanksAround("a"), "a");
  EXPECT_EQ(WithoutBlanksAround(" \n"), "");
  EXPECT_EQ(WithoutBlanksAround(""), "");
  EXPECT_EQ(WithoutBlanksAround("\u00A0a\v"), "\u00A0a\v") << "other whitespace is text";
}

}  // namespace
}  // namespace tessy
