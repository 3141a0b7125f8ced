#include "base/bytes.h"

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

}  // namespace
}  // namespace tessy
