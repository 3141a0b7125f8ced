#include "model/text/class_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace tessy {
namespace {

int StyleOf(const std::vector<std::string>& names) { return StyleClass(names).value_or(-1); }

TEST(ClassNamesTest, NamesThatTellDecide) {
  EXPECT_EQ(StyleOf({"STYLE", "CAPABILITY"}), 0);
  EXPECT_EQ(StyleOf({"capability", "style"}), 1);
  EXPECT_EQ(StyleOf({"not_style", "style"}), 1);
  EXPECT_EQ(StyleOf({"Style", "Non-Style"}), 0);
  EXPECT_EQ(StyleOf({"style", "other"}), 0);
  EXPECT_EQ(StyleOf({"capability", "LABEL_1"}), 1);
}

TEST(ClassNamesTest, NamesThatDoNotTellKeepTheOrder) {
  EXPECT_EQ(StyleOf({"LABEL_0", "LABEL_1"}), 1);
  EXPECT_EQ(StyleOf({"0", "1"}), 1);
  EXPECT_EQ(StyleOf({}), 1);
}

TEST(ClassNamesTest, OthersAreRefusedByName) {
  EXPECT_EQ(StyleOf({"style", "style"}), -1);
  const std::vector<std::string> names{"yes", "no"};
  EXPECT_THAT(StyleClass(names).error().message, testing::HasSubstr("\"yes\" and \"no\""));
}

}  // namespace
}  // namespace tessy
