#include "model/openai/fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A fleet under a clock of its own.
class FleetTest : public testing::Test {
 protected:
  void Make(size_t servers, int requests_max = 4) {
    Fleet::Options options{.addresses = {}, .requests_max = requests_max, .patience_ms = 60'000};
    for (size_t i = 0; i < servers; ++i) options.addresses.push_back("http://server" + std::to_string(i));
    fleet_ = std::make_unique<Fleet>(
        options,
        Fleet::Surroundings{
            .now_ms = [this] { return now_ms_; },
            .post = [this](std::function<void()> call) { posted_.push_back(std::move(call)); },
            .delay =
                [this](int64_t milliseconds, std::function<void()> call) {
                  timers_.emplace(now_ms_ + milliseconds, std::move(call));
                },
            .check =
                [this](size_t server, const std::function<void(std::optional<std::string>)>& done) {
                  ++checks_;
                  done(down_.contains(server) ? std::optional<std::string>("still down") : std::nullopt);
                }});
  }
  void Run() {
    while (!posted_.empty()) {
      const auto calls = std::exchange(posted_, {});
      for (const auto& call : calls) call();
    }
  }
  void Pass(int64_t milliseconds) {
    const int64_t until = now_ms_ + milliseconds;
    while (!timers_.empty() && timers_.begin()->first <= until) {
      auto timer = timers_.extract(timers_.begin());
      now_ms_ = timer.key();
      timer.mapped()();
      Run();
    }
    now_ms_ = until;
    Run();
  }
  struct Asker {
    std::unique_ptr<Fleet::Place> place;
    std::optional<Result<size_t>> entered;
  };
  std::unique_ptr<Asker> Ask(uint64_t key) {
    auto asker = std::make_unique<Asker>();
    asker->place =
        fleet_->Enter(key, [raw = asker.get()](Result<size_t> server) { raw->entered = std::move(server); });
    return asker;
  }
  // Which server a session of this key is given.
  size_t ServerOf(uint64_t key) {
    const auto asker = Ask(key);
    Run();
    return asker->entered.value().value();
  }
  void Break(uint64_t key, int times) {
    for (int i = 0; i < times; ++i) {
      const auto asker = Ask(key);
      Run();
      asker->place->Failed("connection refused");
    }
  }

  int64_t now_ms_ = 1000;
  int checks_ = 0;
  std::vector<std::function<void()>> posted_;
  std::multimap<int64_t, std::function<void()>> timers_;
  std::map<size_t, bool> down_;
  std::unique_ptr<Fleet> fleet_;
};

TEST_F(FleetTest, ASessionKeepsToItsServerAndAllServersHaveSessions) {
  Make(4);
  std::array<int, 4> counts{};
  for (uint64_t key = 0; key < 400; ++key) {
    const size_t server = ServerOf(key);
    ++counts[server];
    EXPECT_EQ(ServerOf(key), server);
  }
  for (const int count : counts) EXPECT_GT(count, 60);
}

TEST_F(FleetTest, ATurnIsNeverGivenInsideTheCallThatAsks) {
  Make(1);
  const auto asker = Ask(1);
  EXPECT_FALSE(asker->entered);
  Run();
  EXPECT_TRUE(asker->entered);
}

TEST_F(FleetTest, RequestsBeyondTheLimitWaitInTheirOrder) {
  Make(1, 2);
  std::vector<std::unique_ptr<Asker>> askers;
  for (uint64_t key = 0; key < 4; ++key) askers.push_back(Ask(key));
  Run();
  EXPECT_TRUE(askers[1]->entered);
  EXPECT_FALSE(askers[2]->entered);
  askers[0].reset();
  Run();
  EXPECT_TRUE(askers[2]->entered);
  EXPECT_FALSE(askers[3]->entered);
}

TEST_F(FleetTest, WhoeverGivesUpWaitingLeavesTheQueue) {
  Make(1, 1);
  const auto first = Ask(0);
  auto second = Ask(1);
  const auto third = Ask(2);
  Run();
  second.reset();
  first->place.reset();
  Run();
  EXPECT_TRUE(third->entered);
}

TEST_F(FleetTest, RefusalsHalveTheLimitOnceABurstAndSuccessRaisesItAgain) {
  Make(1, 64);
  std::vector<std::unique_ptr<Asker>> askers;
  for (uint64_t key = 0; key < 64; ++key) askers.push_back(Ask(key));
  Run();
  for (int i = 0; i < 10; ++i) askers[static_cast<size_t>(i)]->place->Overloaded(0);
  EXPECT_EQ(fleet_->limit(0), 32);
  Pass(2000);
  askers[10]->place->Overloaded(0);
  EXPECT_EQ(fleet_->limit(0), 16);
  for (int i = 0; i < 17; ++i) askers[static_cast<size_t>(20 + i)]->place->Succeeded();
  EXPECT_EQ(fleet_->limit(0), 17);
}

TEST_F(FleetTest, AServerThatAsksForAPauseGetsIt) {
  Make(1);
  auto refused = Ask(0);
  Run();
  refused->place->Overloaded(5000);
  refused.reset();
  const auto next = Ask(1);
  Pass(4900);
  EXPECT_FALSE(next->entered);
  Pass(200);
  EXPECT_TRUE(next->entered);
}

TEST_F(FleetTest, OnlySessionsOfAServerThatFailsMoveAndTheyComeBack) {
  Make(3);
  std::map<uint64_t, size_t> before;
  for (uint64_t key = 0; key < 60; ++key) before[key] = ServerOf(key);
  down_[before[7]] = true;
  Break(7, 3);
  EXPECT_FALSE(fleet_->healthy(before[7]));
  for (const auto& [key, server] : before) {
    if (server == before[7]) {
      EXPECT_NE(ServerOf(key), server);
    } else {
      EXPECT_EQ(ServerOf(key), server);
    }
  }
  down_.clear();
  Pass(10'000);
  for (const auto& [key, server] : before) EXPECT_EQ(ServerOf(key), server);
}

TEST_F(FleetTest, SuccessInBetweenKeepsAServerThatFailsNowAndThen) {
  Make(1);
  for (int i = 0; i < 20; ++i) {
    Break(0, 2);
    const auto asker = Ask(0);
    Run();
    asker->place->Succeeded();
  }
  EXPECT_TRUE(fleet_->healthy(0));
}

TEST_F(FleetTest, WhoWaitsForAServerThatGoesDownIsMoved) {
  Make(2, 1);
  const size_t own = ServerOf(5);
  const auto holder = Ask(5);
  const auto waiting = Ask(5);
  Run();
  EXPECT_FALSE(waiting->entered);
  down_[own] = true;
  holder->place->Failed("reset");
  holder->place->Failed("reset");
  holder->place->Failed("reset");
  Run();
  ASSERT_TRUE(waiting->entered);
  EXPECT_EQ(**waiting->entered, 1 - own);
}

TEST_F(FleetTest, WithoutAnyServerSessionsWaitUntilOneIsBack) {
  Make(1);
  down_[0] = true;
  Break(0, 3);
  const auto waiting = Ask(1);
  Pass(30'000);
  EXPECT_FALSE(waiting->entered);
  EXPECT_GT(checks_, 3);
  down_.clear();
  Pass(6'000);
  ASSERT_TRUE(waiting->entered);
  EXPECT_TRUE(waiting->entered->has_value());
}

TEST_F(FleetTest, PatienceEnds) {
  Make(2);
  down_ = {{0, true}, {1, true}};
  for (uint64_t key = 0; key < 20 && (fleet_->healthy(0) || fleet_->healthy(1)); ++key) Break(key, 3);
  const auto waiting = Ask(1);
  Pass(70'000);
  ASSERT_TRUE(waiting->entered);
  ASSERT_FALSE(waiting->entered->has_value());
  EXPECT_EQ(waiting->entered->error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(waiting->entered->error().message, HasSubstr("http://server1: still down"));
}

TEST_F(FleetTest, NothingIsCalledWhenTheFleetIsGone) {
  Make(1);
  down_[0] = true;
  Break(0, 3);
  fleet_.reset();
  Pass(10'000);
  EXPECT_EQ(checks_, 0);
}

}  // namespace
}  // namespace tessy
