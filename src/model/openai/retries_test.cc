#include "model/openai/retries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

ServerGroupOptions Options() {
  ServerGroupOptions options;
  options.retries_max = 3;
  options.retry_pause_ms = 100;
  options.retry_pause_max_ms = 250;
  options.patience_ms = 10'000;
  return options;
}

TEST(RetriesTest, PausesGrowToTheirMaximumAndEndWithTheLastRetry) {
  const ServerGroupOptions options = Options();
  Retries retries(options, 7, 0);
  const RequestFailure broken{.reason = "connection reset"};
  for (const int64_t pause : {100, 200, 250}) {
    const auto next = retries.Next(broken, 0);
    ASSERT_TRUE(next);
    EXPECT_GE(*next, pause / 2);
    EXPECT_LE(*next, pause);
  }
  EXPECT_FALSE(retries.Next(broken, 0));
  EXPECT_EQ(retries.tries(), 4U);
  const Error error = retries.GivenUp(broken);
  EXPECT_EQ(error.message, "gave up after 4 tries: connection reset");
  EXPECT_TRUE(error.retryable);
}

TEST(RetriesTest, OverloadIsBorneForAsLongAsThePatienceLastsAndUsesUpNoRetry) {
  const ServerGroupOptions options = Options();
  Retries retries(options, 7, 0);
  const RequestFailure busy{.reason = "busy", .overload = true, .retry_after_ms = 3'000};
  for (int64_t now = 5'000; now < 15'000; now += 100) {
    const auto next = retries.Next(busy, now);
    ASSERT_TRUE(next) << now;
    EXPECT_EQ(*next, 3'000) << "as long as the server asked to wait";
  }
  EXPECT_FALSE(retries.Next(busy, 15'000));
  EXPECT_EQ(retries.GivenUp(busy).message, "gave up after 101 tries: busy");
  EXPECT_EQ(retries.tries(), 0U);
}

TEST(RetriesTest, RequestsThatFailedTogetherComeBackApart) {
  const ServerGroupOptions options = Options();
  EXPECT_NE(Retries(options, 1, 0).Next({.reason = "x"}, 0), Retries(options, 2, 0).Next({.reason = "x"}, 0));
}

TEST(RequestFailureTest, IsReadFromTheStatus) {
  const auto of = [](int status) { return FailureOf({.status = status, .retry_after = 2}, "no", 60'000); };
  for (const int status : {429, 503}) {
    EXPECT_TRUE(of(status).overload && !of(status).not_for_us) << status;
    EXPECT_EQ(of(status).retry_after_ms, 2'000) << status;
  }
  for (const int status : {401, 403, 404}) EXPECT_TRUE(of(status).not_for_us && !of(status).overload);
  EXPECT_FALSE(of(500).overload || of(500).not_for_us);
  EXPECT_EQ(of(500).reason, "status 500: no");
  EXPECT_EQ(of(0).reason, "no") << "no answer came";
}

}  // namespace
}  // namespace tessy
