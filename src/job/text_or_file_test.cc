#include "job/text_or_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tessy {
namespace {

using testing::HasSubstr;

std::string ReadBack(const std::string& bytes) {
  const auto path =
      std::filesystem::temp_directory_path() / ("text_or_file_test." + std::to_string(::getpid()));
  std::ofstream(path, std::ios::binary) << bytes;
  const auto text = TextOrFile("@" + path.string());
  std::filesystem::remove(path);
  return text ? *text : "error: " + text.error().message;
}

TEST(TextOrFile, ATextIsItself) {
  EXPECT_EQ(TextOrFile("Be brief.\n").value(), "Be brief.\n");
  EXPECT_EQ(TextOrFile("").value(), "");
  EXPECT_EQ(TextOrFile("@@home is a name.").value(), "@home is a name.");
  EXPECT_EQ(TextOrFile("@@@").value(), "@@");
  EXPECT_THAT(TextOrFile("a\xFF").error().message, HasSubstr("is not UTF-8 text"));
  EXPECT_THAT(TextOrFile(" \n").error().message, HasSubstr("its text: is blank"));
}

TEST(TextOrFile, AFilesTextIsWhatItsAuthorMeant) {
  EXPECT_EQ(ReadBack("\xEF\xBB\xBF Be\r\nbrief.\r\n"), " Be\nbrief.");
  EXPECT_EQ(ReadBack("Be brief."), "Be brief.");
}

TEST(TextOrFile, AFileIsNeededOnce) {
  const auto path =
      std::filesystem::temp_directory_path() / ("text_or_file_test.once." + std::to_string(::getpid()));
  for (const std::string text : {"Be brief.", "@home is a name.", "@@"}) {
    std::ofstream(path, std::ios::binary) << text;
    EXPECT_EQ(FileOfText("@" + path.string()), path);
    const auto value = WithoutFile("@" + path.string());
    std::filesystem::remove(path);
    ASSERT_TRUE(value) << value.error().message;
    EXPECT_EQ(FileOfText(*value), "") << text;
    EXPECT_EQ(TextOrFile(*value).value(), text);
    EXPECT_EQ(WithoutFile(*value).value(), *value);
  }
  EXPECT_EQ(WithoutFile("").value(), "");
  EXPECT_THAT(WithoutFile("@/nowhere/system.txt").error().message, HasSubstr("/nowhere/system.txt"));
}

TEST(TextOrFile, WhatIsNoTextIsRefusedByName) {
  EXPECT_THAT(ReadBack(" \n\n"), HasSubstr("is blank"));
  EXPECT_THAT(ReadBack("a\xFF"), HasSubstr("is not UTF-8 text"));
  EXPECT_THAT(ReadBack(std::string("a\0b", 3)), HasSubstr("is not UTF-8 text"));
  EXPECT_THAT(TextOrFile("@/nowhere/system.txt").error().message, HasSubstr("/nowhere/system.txt"));
}

}  // namespace
}  // namespace tessy
