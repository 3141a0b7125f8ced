#include "synthesis/method.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tessy {
namespace {

using testing::ElementsAre;

// Names of the methods that a predicate holds for.
template <class Predicate>
std::vector<std::string> Those(Predicate predicate) {
  std::vector<std::string> names;
  for (const Method& method : Methods()) {
    if (predicate(method)) names.emplace_back(method.name);
  }
  return names;
}

TEST(Methods, TessyComesFirstAndIsTheDefault) {
  EXPECT_THAT(Those([](const Method&) { return true; }),
              ElementsAre("tessy", "student-only", "teacher-only", "teacher-think", "teacher-answer",
                          "teacher-mix", "teacher-score", "teacher-reference"));
  EXPECT_EQ(DefaultMethod().name, "tessy");
}

TEST(Methods, EachIsFoundByItsNameAndCanBeRun) {
  for (const Method& method : Methods()) {
    const auto found = FindMethod(method.name);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->name, method.name);
    EXPECT_NE(found->steps, nullptr) << method.name;
  }
}

TEST(Methods, UnknownNameIsAnErrorThatListsThemAll) {
  const auto found = FindMethod("tessi");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument);
  for (const Method& method : Methods()) {
    EXPECT_NE(found.error().message.find(method.name), std::string::npos) << method.name;
  }
}

TEST(Methods, NeedsFollowFromWhoWrites) {
  EXPECT_THAT(Those([](const Method& method) { return method.cooperative(); }), ElementsAre("tessy"));
  EXPECT_THAT(Those([](const Method& method) { return !method.Uses(Role::kTeacher); }),
              ElementsAre("student-only"));
  EXPECT_THAT(Those([](const Method& method) { return !method.Uses(Role::kStudent); }),
              ElementsAre("teacher-only"));
  EXPECT_THAT(Those([](const Method& method) { return method.scores_candidates; }),
              ElementsAre("teacher-score"));
}

}  // namespace
}  // namespace tessy
