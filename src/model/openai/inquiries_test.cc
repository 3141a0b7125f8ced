#include "model/openai/inquiries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "model/openai/testing/hand_server.h"
#include "model/openai/testing/test_loop.h"

namespace tessy {
namespace {

using testing::HasSubstr;
using Client = HandServer::Client;

class InquiriesTest : public testing::Test {
 protected:
  Result<std::string> Ask(HandServer::Answer answer) {
    auto server = HandServer::Start(std::move(answer));
    EXPECT_TRUE(server) << server.error().message;
    TestLoop loop;
    auto http = HttpClient::Create({}, loop.Post());
    EXPECT_TRUE(http) << http.error().message;
    Inquiries inquiries(**http, 5);
    std::optional<Result<std::string>> said;
    inquiries.Ask((*server)->url() + "/health", [&](Result<std::string> result) {
      EXPECT_FALSE(said);
      said = std::move(result);
    });
    EXPECT_TRUE(loop.RunUntil([&] { return said.has_value(); }));
    return said.value_or(Fail(ErrorCode::kBackend, "nothing came"));
  }
};

TEST_F(InquiriesTest, TheBodyOfAGoodAnswerIsGivenWhole) {
  EXPECT_EQ(Ask([](const WireRequest&, Client& client) { client.Reply(200, "fine"); }).value(), "fine");
  const std::string most(size_t{1} << 20, 'x');
  EXPECT_EQ(Ask([&](const WireRequest&, Client& client) { client.Reply(200, most); }).value(), most);
}

TEST_F(InquiriesTest, AnyOtherStatusIsAnError) {
  const auto said = Ask([](const WireRequest&, Client& client) { client.Reply(500, "broken"); });
  ASSERT_FALSE(said);
  EXPECT_THAT(said.error().message, HasSubstr("status 500: broken"));
}

// Half a list of models would say that the server has another one.
TEST_F(InquiriesTest, AnAnswerThatIsTooLongIsNoAnswer) {
  const auto said = Ask(
      [](const WireRequest&, Client& client) { client.Reply(200, std::string((size_t{1} << 20) + 1, 'x')); });
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().message, "its answer is longer than 1.0 MiB");
}

TEST_F(InquiriesTest, AnAnswerWithoutAnEndIsNotWaitedFor) {
  const auto said = Ask([](const WireRequest&, Client& client) {
    client.BeginStream();
    while (client.Event(std::string(10'000, 'x'))) continue;
  });
  ASSERT_FALSE(said);
  EXPECT_THAT(said.error().message, HasSubstr("longer than 1.0 MiB"));
}

}  // namespace
}  // namespace tessy
