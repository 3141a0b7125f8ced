#include "base/numbers.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace tessy {
namespace {

TEST(FormatBytes, TakesTheUnitThatSuits) {
  EXPECT_EQ(FormatBytes(0), "0.0 KiB");
  EXPECT_EQ(FormatBytes(768), "0.8 KiB");
  EXPECT_EQ(FormatBytes(uint64_t{1} << 20), "1.0 MiB");
  EXPECT_EQ(FormatBytes(42152960), "40.2 MiB");
  EXPECT_EQ(FormatBytes(uint64_t{6} << 30), "6.0 GiB");
}

TEST(Decimal, GivesTheNumberAsItWasWritten) {
  EXPECT_EQ(Decimal(0.7F), 0.7);
  EXPECT_EQ(Decimal(1e-6F), 1e-6);
  EXPECT_EQ(Decimal(20.0F), 20.0);
}

TEST(Numbers, ReadWell) {
  EXPECT_EQ(WithThousands(0), "0");
  EXPECT_EQ(WithThousands(999), "999");
  EXPECT_EQ(WithThousands(1000), "1,000");
  EXPECT_EQ(WithThousands(1234567), "1,234,567");
  EXPECT_EQ(Counted(1, "switch", "switches"), "1 switch");
  EXPECT_EQ(Counted(1000, "token"), "1,000 tokens");
  EXPECT_EQ(Duration(123.4), "2:03");
  EXPECT_EQ(Duration(3723.0), "1:02:03");
}

TEST(Numbers, TheLastOneOfATextIsRead) {
  const std::pair<const char*, double> cases[] = {{"8", 8},
                                                  {"8.5", 8.5},
                                                  {"I give it 7, no: 8.25.", 8.25},
                                                  {"score: .5", 0.5},
                                                  {".75", 0.75},
                                                  {"Score:.5", 0.5},
                                                  {"**.5**", 0.5},
                                                  {"It is good.5", 5},
                                                  {"12,345", 12345},
                                                  {"1,234,567.5 points", 1234567.5},
                                                  {"7,8", 8},
                                                  {"1234,567", 567},
                                                  {"100 200", 200},
                                                  {"-3", 3},
                                                  {"8/10", 10},
                                                  {"123456789012", 123456789012.0},
                                                  {"**90** out of 100\n", 100}};
  for (const auto& [text, number] : cases) EXPECT_EQ(LastNumberIn(text), number) << text;
  EXPECT_EQ(LastNumberIn("none"), std::nullopt);
  EXPECT_EQ(LastNumberIn(""), std::nullopt);
  EXPECT_EQ(LastNumberIn(std::string(400, '9')), std::nullopt);
}

}  // namespace
}  // namespace tessy
