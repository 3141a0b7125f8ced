#include "job/retry_failed.h"

#include <gtest/gtest.h>

namespace tessy {
namespace {

TEST(FailuresToRetry, NoneUnlessAskedFor) {
  EXPECT_FALSE(FailuresToRetry("", false, "", ""));
  EXPECT_FALSE(FailuresToRetry("", true, R"({"seed":1})", R"({"seed":2})"));
}

TEST(FailuresToRetry, AllOrThoseOfAReason) {
  EXPECT_TRUE(FailuresToRetry("all", false, "", "")("repetition"));
  const auto backend = FailuresToRetry("backend_error", false, "", "");
  EXPECT_TRUE(backend("backend_error: status 500"));
  EXPECT_FALSE(backend("repetition"));
}

TEST(FailuresToRetry, WhatARaisedLimitFailedIfTheChangeIsAccepted) {
  const char* before = R"({"max_thinking_tokens":10,"max_answer_tokens":20,"context":100})";
  const char* more_thinking = R"({"max_thinking_tokens":150,"max_answer_tokens":20,"context":50})";
  const auto retries = FailuresToRetry("", true, before, more_thinking);
  ASSERT_TRUE(retries);
  EXPECT_TRUE(retries("thinking_not_closed"));
  EXPECT_FALSE(retries("answer_not_finished"));
  EXPECT_FALSE(retries("context_full")) << "that limit was lowered";
  EXPECT_FALSE(FailuresToRetry("", false, before, more_thinking)) << "not accepted";
  EXPECT_TRUE(FailuresToRetry("", true, before, R"({"context":0})")("context_full"))
      << "all that the models know";
  EXPECT_FALSE(FailuresToRetry("", true, R"({"context":0})", R"({"context":256})"));
  const auto context = FailuresToRetry("", true, before, R"({"context":200})");
  EXPECT_TRUE(context("prompt_too_long: 150 of 100 tokens"));
}

TEST(FailuresToRetry, DamagedRecordsRaiseNoLimit) {
  EXPECT_FALSE(FailuresToRetry("", true, "not JSON", "[]"));
  EXPECT_FALSE(FailuresToRetry("", true, R"({"context":null})", R"({"context":"many"})"));
}

}  // namespace
}  // namespace tessy
