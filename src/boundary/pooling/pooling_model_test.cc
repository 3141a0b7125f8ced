#include "boundary/pooling/pooling_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "model/openai/testing/hand_server.h"
#include "model/openai/testing/scripted_server.h"
#include "model/openai/testing/wire_text.h"

namespace tessy {
namespace {

namespace asio = boost::asio;
using Json = nlohmann::json;
using testing::HasSubstr;
using testing::SizeIs;

class PoolingTest : public testing::Test {
 protected:
  void Serve(ScriptedServerOptions options = {}) {
    options.served = {"boundary"};
    options.bodies_kept = 100;
    auto server = ScriptedServer::Start(options);
    ASSERT_TRUE(server) << server.error().message;
    servers_.push_back(std::move(*server));
  }
  Result<std::unique_ptr<PoolingModel>> Connect(std::vector<std::string> specs = {}) {
    PoolingModelOptions options;
    for (const auto& server : servers_) specs.push_back(server->spec());
    for (const std::string& spec : specs) options.addresses.push_back(*ServerAddress::Parse(spec));
    options.retry_pause_ms = 2;
    options.check_pause_ms = 2;
    return PoolingModel::Connect(
        options, [this](std::function<void()> call) { asio::post(io_, std::move(call)); },
        [this](int64_t milliseconds, std::function<void()> call) {
          auto timer = std::make_shared<asio::steady_timer>(io_, std::chrono::milliseconds(milliseconds));
          timer->async_wait([timer, call = std::move(call)](const boost::system::error_code&) { call(); });
        });
  }
  // Runs until it is so; false after ten seconds.
  template <class F>
  bool RunUntil(F done) {
    const auto guard = asio::make_work_guard(io_);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done() && std::chrono::steady_clock::now() < until)
      io_.run_one_for(std::chrono::milliseconds(20));
    return done();
  }
  Result<std::vector<float>> Ask(BoundaryReader& reader, std::vector<uint32_t> places) {
    std::optional<Result<std::vector<float>>> answer;
    reader.Ask(places, [&](Result<std::vector<float>> p_style) { answer = std::move(p_style); });
    EXPECT_FALSE(answer) << "answered inside the call that asked";
    EXPECT_TRUE(RunUntil([&] { return answer.has_value(); }));
    return answer.value_or(Fail(ErrorCode::kBackend, "nothing came"));
  }
  static std::vector<DraftToken> Words(std::string_view text) {
    std::vector<DraftToken> tokens;
    for (const char c : text) {
      if (c == ' ' || tokens.empty()) tokens.push_back({});
      tokens.back().text += c;
    }
    return tokens;
  }

  asio::io_context io_{1};
  std::vector<std::unique_ptr<ScriptedServer>> servers_;
};

TEST_F(PoolingTest, AnswersForEveryPlaceOnTheTextUpToThere) {
  Serve();
  const auto model = Connect();
  ASSERT_TRUE(model) << model.error().message;
  const auto reader = (*model)->Open({});
  const auto tokens = Words("Okay, so 12 + 3 = 15. Wait,");
  reader->Append(Role::kStudent, tokens);
  const auto p_style = Ask(*reader, {1, 4, static_cast<uint32_t>(tokens.size())});
  ASSERT_TRUE(p_style) << p_style.error().message;
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) {
    text += tokens[i].text;
    if (i != 0 && i != 3) continue;
    EXPECT_NEAR((*p_style)[i / 3], WireStyleProbability(text), 1e-5);
  }
  EXPECT_NEAR((*p_style)[2], WireStyleProbability(text), 1e-5);
}

TEST_F(PoolingTest, WhatWasRolledBackIsNotRead) {
  Serve();
  const auto model = Connect();
  const auto reader = (*model)->Open({});
  reader->Append(Role::kTeacher, Words("12 + 3 nonsense"));
  reader->Rollback(1);
  reader->EndSpan();
  reader->Append(Role::kStudent, Words(" = 15"));
  ASSERT_TRUE(Ask(*reader, {2}));
  EXPECT_EQ(Json::parse(servers_[0]->bodies().back())["input"][0], "12 + 3 = 15");
}

TEST_F(PoolingTest, LongResponsesAreReadFromAPlaceThatTheTextAloneDecides) {
  Serve();
  const auto model = Connect();
  std::string text;
  while (text.size() < 20'000) text += "so we add 12 to it and go on, then ";
  const auto words = Words(text);
  const auto at_once = (*model)->Open({});
  at_once->Append(Role::kStudent, words);
  ASSERT_TRUE(Ask(*at_once, {static_cast<uint32_t>(words.size())}));
  const std::string first = Json::parse(servers_[0]->bodies().back())["input"][0];
  const auto piecemeal = (*model)->Open({});
  for (size_t i = 0; i < words.size(); i += 7) {
    piecemeal->Append(Role::kStudent, std::span(words).subspan(i, std::min<size_t>(7, words.size() - i)));
    piecemeal->EndSpan();
  }
  piecemeal->Append(Role::kTeacher, Words("x"));
  piecemeal->Rollback(1);
  piecemeal->Append(Role::kTeacher, Words(" 5"));
  ASSERT_TRUE(Ask(*piecemeal, {1}));
  const std::string second = Json::parse(servers_[0]->bodies().back())["input"][0];
  EXPECT_EQ(second, first + " 5");
  EXPECT_LT(first.size(), 3'100U);
}

TEST_F(PoolingTest, LongTextWithoutBlanksIsReadFromACharacter) {
  Serve();
  const auto model = Connect();
  std::vector<DraftToken> characters(4000);
  for (auto& character : characters) character.text = "\u4f60";
  characters.emplace_back().text = "a";  // so that no round number of bytes is a character's begin
  const auto reader = (*model)->Open({});
  reader->Append(Role::kStudent, characters);
  ASSERT_TRUE(Ask(*reader, {static_cast<uint32_t>(characters.size())}));
  const std::string text = Json::parse(servers_[0]->bodies().back())["input"][0];
  EXPECT_EQ(text.size() % 3, 1U) << text.size();
  EXPECT_GT(text.size(), 1'900U);
  EXPECT_LE(text.size(), 3'000U);
  EXPECT_EQ(text.substr(0, 3), "\u4f60");
}

TEST_F(PoolingTest, QuestionsOfManySamplesGoOutTogether) {
  Serve();
  const auto model = Connect();
  std::vector<std::unique_ptr<BoundaryReader>> readers;
  size_t answered = 0;
  const std::vector<uint32_t> places{1};
  for (int i = 0; i < 100; ++i) {
    readers.push_back((*model)->Open({}));
    readers.back()->Append(Role::kStudent, Words("Wait " + std::to_string(i)));
    readers.back()->Ask(places, [&](const Result<std::vector<float>>& p) { answered += p ? 1 : 0; });
  }
  EXPECT_TRUE(RunUntil([&] { return answered == 100; }));
  EXPECT_EQ((*model)->counts().requests, 2U) << "64 and 36";
}

TEST_F(PoolingTest, FaultsAreTriedAgain) {
  Serve();
  const auto model = Connect();
  servers_[0]->SetFaults([](uint64_t number) -> Fault {
    const Fault::Kind kinds[] = {Fault::Kind::kResetBeforeStatus, Fault::Kind::kStatus,
                                 Fault::Kind::kTruncatedJson};
    if (number % 4 == 0) return {};
    Fault fault{.kind = kinds[number % 3]};
    fault.status = 500;
    return fault;
  });
  const auto reader = (*model)->Open({});
  reader->Append(Role::kStudent, Words("Okay, so"));
  for (int i = 0; i < 20; ++i) {
    const auto p_style = Ask(*reader, {1, 2});
    ASSERT_TRUE(p_style) << p_style.error().message;
    EXPECT_NEAR((*p_style)[1], WireStyleProbability("Okay, so"), 1e-5);
  }
  EXPECT_GT((*model)->counts().retries, 0U);
}

TEST_F(PoolingTest, AServerThatRefusesUsIsNotTriedForEverySample) {
  Serve();
  const auto model = Connect();
  servers_[0]->SetFaults([](uint64_t) {
    Fault fault{.kind = Fault::Kind::kStatus};
    fault.status = 401;
    return fault;
  });
  const auto reader = (*model)->Open({});
  reader->Append(Role::kStudent, Words("Okay, so"));
  const auto p_style = Ask(*reader, {1});
  ASSERT_FALSE(p_style);
  EXPECT_EQ(p_style.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(p_style.error().retryable);
  EXPECT_THAT(p_style.error().message, HasSubstr("status 401"));
}

TEST_F(PoolingTest, ALostReplicaIsNotMissed) {
  Serve();
  Serve();
  const auto model = Connect();
  ASSERT_TRUE(model);
  servers_[1]->Stop();
  const auto reader = (*model)->Open({});
  reader->Append(Role::kStudent, Words("Okay, so"));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Ask(*reader, {1}));
}

TEST_F(PoolingTest, ReadersMayGoWhileTheyWait) {
  Serve({.first_token_ms = 20});
  const auto model = Connect();
  const std::vector<uint32_t> places{1};
  auto gone = (*model)->Open({});
  gone->Append(Role::kStudent, Words("gone"));
  gone->Ask(places, [](const Result<std::vector<float>>&) { FAIL() << "nobody is there"; });
  gone.reset();
  const auto there = (*model)->Open({});
  there->Append(Role::kStudent, Words("there"));
  EXPECT_TRUE(Ask(*there, {1}));
}

TEST_F(PoolingTest, CancellingEndsEveryQuestion) {
  Serve();
  const auto model = Connect();
  servers_[0]->SetFaults([](uint64_t) { return Fault{.kind = Fault::Kind::kHang}; });
  const std::vector<uint32_t> places{1};
  std::vector<std::unique_ptr<BoundaryReader>> readers;
  size_t cancelled = 0;
  for (int i = 0; i < 3; ++i) {
    readers.push_back((*model)->Open({}));
    readers.back()->Append(Role::kStudent, Words("Wait"));
    readers.back()->Ask(places, [&](const Result<std::vector<float>>& p) {
      cancelled += !p && p.error().code == ErrorCode::kCancelled ? 1 : 0;
    });
  }
  (*model)->Cancel();
  EXPECT_TRUE(RunUntil([&] { return cancelled == 3; }));
  const auto late = Ask(*readers[0], {1});
  EXPECT_EQ(late.error().code, ErrorCode::kCancelled);
}

TEST_F(PoolingTest, WhatIsNoPredictorIsRefusedWithTheWayToServeOne) {
  Serve();
  const auto wrong = Connect({servers_[0]->url() + "/v1#nobody"});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("serves boundary, not \"nobody\""));
  servers_[0]->SetFaults([](uint64_t) {
    Fault fault{.kind = Fault::Kind::kStatus};
    fault.status = 404;
    return fault;
  });
  const auto none = Connect();
  ASSERT_FALSE(none);
  EXPECT_FALSE(none.error().retryable);
  EXPECT_THAT(none.error().message, HasSubstr("--runner pooling"));
  const auto dead = Connect({"http://127.0.0.1:1/v1#boundary"});
  EXPECT_TRUE(servers_[0]->counts().requests.contains("/pooling"));
}

// A server that answers questions by hand, once it was asked what it is.
std::unique_ptr<HandServer> ByHand(const std::string& models, const HandServer::Answer& pooling) {
  auto server = HandServer::Start([models, pooling](const WireRequest& request, HandServer::Client& client) {
    if (request.path == "/v1/models") return client.Reply(200, models);
    if (request.path == "/health") return client.Reply(200, "");
    if (request.path == "/pooling") pooling(request, client);
  });
  EXPECT_TRUE(server) << server.error().message;
  return std::move(*server);
}

constexpr const char* kModels = R"({"data":[{"id":null},{"id":"boundary"}]})";
constexpr const char* kAnswer = R"({"data":[{"index":0,"data":[[0.5,0.5],[0.25,0.75]]}]})";

TEST_F(PoolingTest, ModelsWhoseNamesAreNoTextArePassedOver) {
  const auto server =
      ByHand(kModels, [](const WireRequest&, HandServer::Client& client) { client.Reply(200, kAnswer); });
  EXPECT_TRUE(Connect({server->url() + "/v1#boundary"}));
  EXPECT_TRUE(Connect({server->url() + "/v1"})) << "its only one";
  const auto none = ByHand(R"({"data":[{"id":5}]})", [](const WireRequest&, HandServer::Client&) {});
  const auto refused = Connect({none->url() + "/v1"});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("lists no models"));
}

TEST_F(PoolingTest, AnswersOfAnotherFormAreRefused) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  for (const std::string& answer :
       {std::string("5"), std::string("null"), std::string(R"({"data":5})"), std::string(R"({"data":[5]})"),
        std::string(R"({"data":[{"data":[]}]})"), std::string(R"({"data":[{"data":[["a","b"]]}]})"),
        std::string(R"({"data":[{"data":[[0.5,1e300]]}]})"), std::string(R"({"data":[{"data":[[0.5,-1]]}]})"),
        std::string(R"({"data":[{"index":-1,"data":[[0.5,0.5]]}]})"),
        std::string(R"({"data":[{"index":"0","data":[[0.5,0.5]]}]})"),
        std::string(R"({"data":[{"index":18446744073709551615,"data":[[0.5,0.5]]}]})"),
        R"({"data":[{"data":)" + deep + "}]}", R"({"x":)" + deep + R"(,"data":[{"data":[[0.5,0.5]]}]})"}) {
    const auto server = ByHand(
        kModels, [answer](const WireRequest&, HandServer::Client& client) { client.Reply(200, answer); });
    const auto model = Connect({server->url() + "/v1#boundary"});
    ASSERT_FALSE(model) << answer.substr(0, 100);
    EXPECT_THAT(model.error().message, HasSubstr("--runner pooling"));
    EXPECT_LT(model.error().message.size(), 1'000U);
  }
}

TEST_F(PoolingTest, AnAnswerWithoutAnEndIsBrokenOffAndAskedForAgain) {
  std::atomic<int> asked = 0;
  std::atomic<size_t> sent = 0;
  const auto server = ByHand(kModels, [&](const WireRequest&, HandServer::Client& client) {
    if (++asked != 2) return client.Reply(200, kAnswer);
    client.BeginStream();
    while (client.Send(std::string(65536, ' '))) sent += 65536;
  });
  const auto model = Connect({server->url() + "/v1#boundary"});
  ASSERT_TRUE(model) << model.error().message;
  const auto reader = (*model)->Open({});
  reader->Append(Role::kStudent, Words("Okay"));
  const auto p_style = Ask(*reader, {1});
  ASSERT_TRUE(p_style) << p_style.error().message;
  EXPECT_NEAR(p_style->front(), 0.75, 1e-6);
  EXPECT_EQ((*model)->counts().retries, 1U);
  EXPECT_LT(sent, 64U << 20);
}

TEST_F(PoolingTest, AServerThatIsNotReadyForQuestionsMayBeLater) {
  const auto server = ByHand(kModels, [](const WireRequest&, HandServer::Client& client) {
    client.Reply(502, "<html>Bad Gateway");
  });
  const auto model = Connect({server->url() + "/v1#boundary"});
  ASSERT_FALSE(model);
  EXPECT_TRUE(model.error().retryable);
}

}  // namespace
}  // namespace tessy
