#include "model/openai/testing/fault_proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "model/openai/testing/scripted_server.h"
#include "model/openai/testing/wire_client.h"

namespace tessy {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::SizeIs;

class FaultProxyTest : public testing::Test {
 protected:
  FaultProxyTest() : server_(std::move(*ScriptedServer::Start({}))) {}

  std::unique_ptr<FaultProxy> Proxy(FaultProxyOptions options) const {
    options.target_port = server_->port();
    return std::move(*FaultProxy::Start(options));
  }
  static WireAnswer Complete(const std::string& url, int tokens, long timeout_ms = 30000) {
    return Ask({.url = url + "/v1/completions",
                .body = "{\"model\":\"scripted\",\"prompt\":\"x\\n\",\"stream\":true,\"max_tokens\":" +
                        std::to_string(tokens) + "}",
                .timeout_ms = timeout_ms});
  }

  std::unique_ptr<ScriptedServer> server_;
};

TEST_F(FaultProxyTest, PassesOnWhatItGets) {
  const auto proxy = Proxy({});
  const auto direct = Complete(server_->url(), 30);
  const auto passed = Complete(proxy->url(), 30);
  EXPECT_EQ(passed.Events().size(), 31U);
  EXPECT_EQ(passed.Events().size(), direct.Events().size());
  EXPECT_EQ(Ask({.url = proxy->url() + "/v1/models"}).body, Ask({.url = server_->url() + "/v1/models"}).body);
  EXPECT_EQ(proxy->counts().connections, 2U);
  EXPECT_GT(proxy->counts().bytes_down, passed.body.size());
  EXPECT_GT(proxy->counts().bytes_up, 200U);
}

TEST_F(FaultProxyTest, PacesEvents) {
  const auto proxy = Proxy({.event_ms = 20.0});
  const auto begin = steady_clock::now();
  EXPECT_THAT(Complete(proxy->url(), 16).Events(), SizeIs(17));
  EXPECT_GE(steady_clock::now() - begin, milliseconds(16 * 20 - 20));
  const auto early = Complete(proxy->url(), 100, 200);
  EXPECT_EQ(early.code, CURLE_OPERATION_TIMEDOUT);
  EXPECT_LE(early.Events().size(), 12U);
  EXPECT_GE(early.Events().size(), 2U);
}

TEST_F(FaultProxyTest, AddsLatencyEachWay) {
  const auto proxy = Proxy({.latency_ms = 60.0});
  const auto begin = steady_clock::now();
  EXPECT_EQ(Ask({.url = proxy->url() + "/health"}).status, 200);
  EXPECT_GE(steady_clock::now() - begin, milliseconds(120));
}

TEST_F(FaultProxyTest, ResetsAfterSoManyBytes) {
  const auto proxy = Proxy({.resets_after = [](uint64_t connection) { return connection == 0 ? 700 : -1; }});
  const auto cut = Complete(proxy->url(), 30);
  EXPECT_EQ(cut.code, CURLE_RECV_ERROR);
  EXPECT_EQ(proxy->counts().resets, 1U);
  EXPECT_LE(cut.header.size() + cut.body.size(), 700U);
  EXPECT_EQ(Complete(proxy->url(), 30).code, CURLE_OK);
  const auto schedule = RandomResets(3, 0.5, 100);
  size_t resets = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(schedule(i), RandomResets(3, 0.5, 100)(i));
    EXPECT_LE(schedule(i), 100);
    resets += schedule(i) > 0 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(resets), 500.0, 80.0);
}

TEST_F(FaultProxyTest, CutsARouteInThreeWays) {
  const auto proxy = Proxy({});
  proxy->SetMode(FaultProxy::Mode::kBlackhole);
  EXPECT_EQ(Ask({.url = proxy->url() + "/health", .timeout_ms = 150}).code, CURLE_OPERATION_TIMEDOUT);
  proxy->SetMode(FaultProxy::Mode::kRefuse);
  EXPECT_EQ(Ask({.url = proxy->url() + "/health"}).code, CURLE_COULDNT_CONNECT);
  proxy->SetMode(FaultProxy::Mode::kPass);
  EXPECT_EQ(Ask({.url = proxy->url() + "/health"}).status, 200);
  proxy->SetMode(FaultProxy::Mode::kCutOff);
  EXPECT_NE(Ask({.url = proxy->url() + "/health"}).code, CURLE_OK);
  proxy->SetMode(FaultProxy::Mode::kPass);
  EXPECT_EQ(Ask({.url = proxy->url() + "/health"}).status, 200);
}

TEST_F(FaultProxyTest, TellsTheServerThatTheClientHasGone) {
  const auto slow = std::move(*ScriptedServer::Start({.token_ms = 10.0}));
  const auto proxy = std::move(*FaultProxy::Start({.target_port = slow->port()}));
  EXPECT_EQ(Complete(proxy->url(), 1000, 100).code, CURLE_OPERATION_TIMEDOUT);
  for (int i = 0; i < 1000 && slow->counts().connections_open > 0; ++i)
    std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(slow->counts().connections_open, 0U);
  EXPECT_EQ(proxy->counts().connections_open, 0U);
}

}  // namespace
}  // namespace tessy
