#include "base/file_text.h"

#include <gtest/gtest.h>

namespace tessy {
namespace {

TEST(FileTextTest, TheMarkAndCarriageReturnsOfEditorsAreTakenOff) {
  EXPECT_EQ(AsPlainText("\xEF\xBB\xBFOkay.\r\nWait.\r\n"), "Okay.\nWait.\n");
  EXPECT_EQ(AsPlainText("a\rb\n\xEF\xBB\xBF\r"), "a\rb\n\xEF\xBB\xBF\r");
  EXPECT_EQ(AsPlainText("\r\r\n"), "\r\n");
  EXPECT_EQ(AsPlainText(""), "");
}

TEST(FileTextTest, PointersOfGitLfsAreKnown) {
  EXPECT_TRUE(IsLfsPointer("version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 123\n"));
  EXPECT_FALSE(IsLfsPointer("version 1"));
  EXPECT_FALSE(IsLfsPointer(""));
}

}  // namespace
}  // namespace tessy
