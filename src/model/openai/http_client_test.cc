#include "model/openai/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>

#include "model/openai/testing/hand_server.h"
#include "model/openai/testing/scripted_server.h"
#include "model/openai/testing/self_signed.h"
#include "model/openai/testing/test_loop.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::unique_ptr<HandServer> Serve(HandServer::Answer answer) {
  auto server = HandServer::Start(std::move(answer));
  EXPECT_TRUE(server) << server.error().message;
  return std::move(*server);
}

std::string Location(const std::string& place) { return "Location: " + place + "\r\n"; }

// One exchange of a client, waited for.
struct Exchanged {
  HttpClient::Ended ended;
  std::string body;
};
Exchanged Exchange(HttpRequest request, const HttpOptions& options = {}) {
  TestLoop loop;
  const auto client = HttpClient::Create(options, loop.Post());
  Exchanged got;
  bool over = false;
  const auto exchange = (*client)->Start(
      std::move(request), [&](std::string_view bytes) { got.body += bytes; },
      [&](const HttpClient::Ended& ended) {
        got.ended = ended;
        over = true;
      });
  EXPECT_TRUE(loop.RunUntil([&] { return over; }));
  return got;
}

TEST(RedirectTest, IsFollowedOnTheSameHostWithKeyAndBody) {
  for (const int status : {301, 302, 307, 308}) {
    const auto server = Serve([&](const WireRequest& request, HandServer::Client& client) {
      if (request.path == "/v1/completions")
        return client.Reply(status, "", Location("/moved/v1/completions"));
      client.Reply(200, request.method + " " + request.authorization + " " + request.body);
    });
    const HttpOptions options{.bearer_token = "sk-1"};
    const HttpRequest request{.url = server->url() + "/v1/completions", .body = "{}"};
    const auto answer = Fetch(request, options);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->second, "POST Bearer sk-1 {}") << status;
    EXPECT_EQ(server->requests().back().path, "/moved/v1/completions");
    const auto streamed = Exchange(request, options);
    EXPECT_EQ(streamed.ended.status, 200);
    EXPECT_EQ(streamed.body, "POST Bearer sk-1 {}") << status;
  }
}

TEST(RedirectTest, ToAnotherHostOrPortIsNamedAndGetsNothing) {
  const auto other = Serve([](const WireRequest&, HandServer::Client& client) { client.Reply(200, "{}"); });
  for (const std::string& place :
       {other->url() + "/v1/models?key=hunter2", std::string("//localhost/v1"),
        std::string("ftp://127.0.0.1/x"), std::string("http://example.invalid/a")}) {
    const auto server = Serve(
        [&](const WireRequest&, HandServer::Client& client) { client.Reply(307, "", Location(place)); });
    const auto answer = Fetch({.url = server->url() + "/props"}, {.bearer_token = "sk-1"});
    ASSERT_FALSE(answer) << place;
    EXPECT_FALSE(answer.error().retryable);
    EXPECT_THAT(answer.error().message, AllOf(HasSubstr(server->url()), HasSubstr("redirects to "),
                                              Not(HasSubstr("hunter2")), Not(HasSubstr("is the server up"))));
    EXPECT_THAT(Exchange({.url = server->url() + "/props"}).ended.error, HasSubstr("redirects to "));
  }
  EXPECT_TRUE(other->requests().empty());
  const auto server = Serve([&](const WireRequest&, HandServer::Client& client) {
    client.Reply(302, "", Location(other->url() + "/v1/models"));
  });
  EXPECT_THAT(Fetch({.url = server->url()}, {}).error().message, HasSubstr(other->url() + "/v1/models"));
}

TEST(RedirectTest, InACircleEnds) {
  const auto server = Serve([](const WireRequest& request, HandServer::Client& client) {
    client.Reply(307, "", Location(request.path));
  });
  const auto answer = Fetch({.url = server->url() + "/props"}, {});
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("redirects"));
  EXPECT_THAT(answer.error().message, Not(HasSubstr("is the server up")));
  EXPECT_FALSE(answer.error().retryable);
}

class CertificateTest : public testing::Test {
 protected:
  CertificateTest() {
    for (const char* name : kVariables) ::unsetenv(name);
    std::filesystem::create_directories(folder_);
    EXPECT_TRUE(WriteSelfSigned(certificate_, key_).has_value());
    auto server = ScriptedServer::Start({.certificate_file = certificate_, .key_file = key_});
    EXPECT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  ~CertificateTest() override {
    for (const char* name : kVariables) ::unsetenv(name);
    std::filesystem::remove_all(folder_);
  }
  Result<std::pair<int, std::string>> Ask(const HttpOptions& options = {}) const {
    return Fetch({.url = server_->url() + "/health"}, options);
  }

  static constexpr const char* kVariables[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"};
  const std::string folder_ = testing::TempDir() + "/tessy-certificates-" + std::to_string(::getpid());
  const std::string certificate_ = folder_ + "/c.pem";
  const std::string key_ = folder_ + "/k.pem";
  std::unique_ptr<ScriptedServer> server_;
};

TEST_F(CertificateTest, AnUnknownOneIsNoQuestionOfTheServerBeingUp) {
  const auto refused = Ask();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("certificate"), HasSubstr("--ca-file"), Not(HasSubstr("is the server up"))));
  const auto missing = Ask({.ca_file = folder_ + "/nowhere.pem"});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message,
              AllOf(HasSubstr("nowhere.pem"), HasSubstr("--ca-file"), Not(HasSubstr("is the server up"))));
}

TEST_F(CertificateTest, AuthoritiesAreTakenFromTheEnvironmentAsCurlDoes) {
  EXPECT_TRUE(Ask({.ca_file = certificate_}));
  ::setenv("SSL_CERT_FILE", certificate_.c_str(), 1);
  EXPECT_TRUE(Ask());
  ::setenv("CURL_CA_BUNDLE", (folder_ + "/nowhere.pem").c_str(), 1);
  EXPECT_FALSE(Ask()) << "CURL_CA_BUNDLE goes first";
  EXPECT_TRUE(Ask({.ca_file = certificate_})) << "--ca-file goes before all";
  ::setenv("CURL_CA_BUNDLE", certificate_.c_str(), 1);
  ::unsetenv("SSL_CERT_FILE");
  EXPECT_TRUE(Ask());
  EXPECT_EQ(Exchange({.url = server_->url() + "/health"}).ended.status, 200);
}

TEST(FetchTest, AnswersAndHeadersWithoutAnEndAreBrokenOff) {
  const auto body = Serve([](const WireRequest&, HandServer::Client& client) {
    client.BeginStream();
    while (client.Send(std::string(65536, '{'))) {
    }
  });
  const auto answer = Fetch({.url = body->url()}, {});
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("answers without an end"));
  const auto headers = Serve([](const WireRequest&, HandServer::Client& client) {
    client.Send("HTTP/1.1 200 OK\r\n");
    while (client.Send("X-A: " + std::string(1000, 'a') + "\r\n")) {
    }
  });
  EXPECT_FALSE(Fetch({.url = headers->url()}, {}));
  EXPECT_NE(Exchange({.url = headers->url()}).ended.error, "");
}

TEST(HttpClientTest, AStreamThatIsNotTakenIsNotReadOn) {
  constexpr size_t kBlock = 65536;
  constexpr size_t kAll = 64U << 20;
  std::atomic<size_t> sent = 0;
  const auto server = Serve([&](const WireRequest&, HandServer::Client& client) {
    client.BeginStream();
    for (; sent < kAll && client.Send(std::string(kBlock, 'x')); sent += kBlock) {
    }
  });
  TestLoop loop;
  const auto client = HttpClient::Create({}, loop.Post());
  size_t got = 0;
  bool over = false;
  const auto exchange = (*client)->Start(
      {.url = server->url()}, [&](std::string_view bytes) { got += bytes.size(); },
      [&](const HttpClient::Ended&) { over = true; });
  // The driving thread is busy with something else. Sockets hold some megabytes, too.
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  EXPECT_GT(sent, 0U);
  EXPECT_LT(sent, 24U << 20);
  EXPECT_TRUE(loop.RunUntil([&] { return over; }, 60));
  EXPECT_EQ(got, kAll) << "and nothing is lost";
}

TEST(HttpClientTest, ManyStreamsPauseAndGoOn) {
  const auto server = Serve([&](const WireRequest&, HandServer::Client& client) {
    client.BeginStream();
    for (int i = 0; i < 128; ++i) client.Send(std::string(65536, 'x'));
  });
  TestLoop loop;
  const auto client = HttpClient::Create({}, loop.Post());
  size_t got = 0;
  size_t over = 0;
  std::vector<std::unique_ptr<HttpClient::Exchange>> exchanges;
  for (int i = 0; i < 6; ++i) {
    exchanges.push_back((*client)->Start(
        {.url = server->url()}, [&](std::string_view bytes) { got += bytes.size(); },
        [&](const HttpClient::Ended&) { ++over; }));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  exchanges.front().reset();  // while it is paused
  EXPECT_TRUE(loop.RunUntil([&] { return over == 5; }, 60));
  EXPECT_EQ(got, 5U * 128 * 65536);
}

}  // namespace
}  // namespace tessy
