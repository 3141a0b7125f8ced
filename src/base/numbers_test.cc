#include "base/numbers.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace tessy
