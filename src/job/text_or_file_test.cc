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
  EXPECT_THAT(TextOrFile("a\xFF").error().message, HasSubstr("is not UTF-8 text"));
}

TEST(TextOrFile, AFilesTextIsWhatItsAuthorMeant) {
  EXPECT_EQ(ReadBack("\xEF\xBB\xBF Be\r\nbrief.\r\n"), " Be\nbrief.");
  EXPECT_EQ(ReadBack("Be brief."), "Be brief.");
}

TEST(TextOrFile, WhatIsNoTextIsRefusedByName) {
  EXPECT_THAT(ReadBack(" \n\n"), HasSubstr("is blank"));
  EXPECT_THAT(ReadBack("a\xFF"), HasSubstr("is not UTF-8 text"));
  EXPECT_THAT(ReadBack(std::string("a\0b", 3)), HasSubstr("is not UTF-8 text"));
  EXPECT_THAT(TextOrFile("@/nowhere/system.txt").error().message, HasSubstr("/nowhere/system.txt"));
}

}  // namespace
}  // namespace tessy
