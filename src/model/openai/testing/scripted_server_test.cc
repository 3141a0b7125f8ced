#include "model/openai/testing/scripted_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

#include "base/utf8.h"
#include "model/openai/testing/self_signed.h"
#include "model/openai/testing/wire_client.h"

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using Json = nlohmann::json;
using Kind = Fault::Kind;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kPrompt =
    "<|im_start|>user\nHow much is it?<|im_end|>\n<|im_start|>assistant\n<think>\n";

std::unique_ptr<ScriptedServer> Serve(const ScriptedServerOptions& options) {
  auto server = ScriptedServer::Start(options);
  EXPECT_TRUE(server.has_value()) << server.error().message;
  return std::move(*server);
}

std::unique_ptr<ScriptedServer> ServeLlama(ScriptedServerOptions options = {}) {
  options.dialect = WireDialect::kLlamaServer;
  return Serve(options);
}

Json Completion(bool stream, Json more = Json::object()) {
  Json body{{"model", "scripted"}, {"prompt", kPrompt}, {"max_tokens", 1000}, {"stream", stream}};
  body.update(more);
  return body;
}

WireAnswer Complete(const ScriptedServer& server, const Json& body) {
  return Ask({.url = server.url() + (body.contains("n_predict") ? "/completion" : "/v1/completions"),
              .body = body.dump()});
}

// The texts, ids and reasons of a stream of vLLM.
struct Stream {
  std::string text;
  std::vector<int32_t> ids;
  std::string finish;
  bool done = false;
};
Stream ReadStream(const WireAnswer& answer) {
  Stream stream;
  for (const std::string& data : answer.Events()) {
    if (data == "[DONE]") {
      stream.done = true;
      continue;
    }
    const Json choice = Json::parse(data)["choices"][0];
    stream.text += choice["text"].get<std::string>();
    for (const Json& id : choice["token_ids"].is_array() ? choice["token_ids"] : Json::array())
      stream.ids.push_back(id);
    if (choice["finish_reason"].is_string()) stream.finish = choice["finish_reason"];
  }
  return stream;
}

// A client that waits for nothing.
class RawClient {
 public:
  explicit RawClient(uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() {
    if (socket_ >= 0) close(socket_);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void Send(std::string_view bytes) const {
    EXPECT_EQ(send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  void Post(std::string_view path, const std::string& body) const {
    Send("POST " + std::string(path) +
         " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  // What comes within the time; *end: "" (nothing more came), "closed" or "reset".
  std::string Receive(milliseconds time, std::string* end) const {
    std::string all;
    *end = "";
    timeval wait{.tv_sec = time.count() / 1000, .tv_usec = time.count() % 1000 * 1000};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    char buffer[4096];
    while (true) {
      const ssize_t count = recv(socket_, buffer, sizeof buffer, 0);
      if (count > 0) {
        all.append(buffer, static_cast<size_t>(count));
        continue;
      }
      if (count == 0) *end = "closed";
      if (count < 0 && errno == ECONNRESET) *end = "reset";
      return all;
    }
  }

 private:
  int socket_;
  bool connected_ = false;
};

template <class F>
bool Eventually(F&& holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

TEST(ScriptedServer, SpeaksAsVllm) {
  const auto server = Serve({.served = {"scripted", "other"}});
  EXPECT_EQ(Ask({.url = server->url() + "/health"}).status, 200);
  EXPECT_EQ(Ask({.url = server->url() + "/props"}).status, 404);
  const Json models = Json::parse(Ask({.url = server->url() + "/v1/models"}).body);
  EXPECT_EQ(models["data"][1]["id"], "other");
  EXPECT_EQ(models["data"][0]["max_model_len"], 40960);
  EXPECT_EQ(models["data"][0]["owned_by"], "vllm");

  const auto answer = Complete(*server, Completion(true, {{"return_token_ids", true}}));
  EXPECT_THAT(answer.header, HasSubstr("text/event-stream"));
  const Stream stream = ReadStream(answer);
  EXPECT_TRUE(stream.done);
  EXPECT_EQ(stream.finish, "stop");
  EXPECT_THAT(stream.text, HasSubstr("</think>"));
  EXPECT_THAT(stream.text, Not(HasSubstr("<|im_end|>")));  // cut from the text, not from the ids
  EXPECT_EQ(PhraseVocabulary::Edition(0).Text(stream.ids), stream.text + "<|im_end|>");
  const Json first = Json::parse(answer.Events()[0])["choices"][0];
  EXPECT_EQ(first["prompt_token_ids"].get<std::vector<int32_t>>(),
            PhraseVocabulary::Edition(0).Tokenize(kPrompt, true));
  EXPECT_THAT(answer.Events()[1], HasSubstr("\"prompt_token_ids\":null"));

  const Json whole = Json::parse(Complete(*server, Completion(false)).body);
  EXPECT_EQ(whole["choices"][0]["text"], stream.text);
  EXPECT_EQ(whole["usage"]["completion_tokens"], stream.ids.size());
  EXPECT_FALSE(whole["choices"][0].contains("token_ids"));
}

TEST(ScriptedServer, TakesTheIdsOfAPromptForItsText) {
  const auto server = Serve({});
  const Json tokenized = Json::parse(Ask({.url = server->url() + "/tokenize",
                                          .body = Json{{"model", "scripted"}, {"prompt", kPrompt}}.dump()})
                                         .body);
  EXPECT_EQ(tokenized["count"], tokenized["tokens"].size());
  const auto by_ids = Complete(*server, Completion(true, {{"prompt", tokenized["tokens"]}}));
  const auto by_text = Complete(*server, Completion(true));
  EXPECT_EQ(ReadStream(by_ids).text, ReadStream(by_text).text);
  const Json text =
      Json::parse(Ask({.url = server->url() + "/detokenize",
                       .body = Json{{"model", "scripted"}, {"tokens", tokenized["tokens"]}}.dump()})
                      .body);
  EXPECT_EQ(text["prompt"], kPrompt);
}

TEST(ScriptedServer, SpeaksAsLlamaServer) {
  const auto server = ServeLlama();
  EXPECT_EQ(Ask({.url = server->url() + "/health"}).body, "{\"status\":\"ok\"}");
  const Json props = Json::parse(Ask({.url = server->url() + "/props"}).body);
  EXPECT_EQ(props["default_generation_settings"]["n_ctx"], 40960);
  EXPECT_THAT(props["chat_template"].get<std::string>(), HasSubstr("<|im_start|>"));
  const Json models = Json::parse(Ask({.url = server->url() + "/v1/models"}).body);
  EXPECT_EQ(models["data"][0]["meta"]["n_vocab"], PhraseVocabulary::Edition(0).size());

  const Json body{{"prompt", kPrompt}, {"n_predict", 1000}, {"stream", true}, {"return_tokens", true}};
  std::string text;
  Json last;
  for (const std::string& data : Complete(*server, body).Events()) {
    const Json event = Json::parse(data);
    text += event["content"].get<std::string>();
    if (!event["stop"].get<bool>()) {
      EXPECT_THAT(event["tokens"], SizeIs(1));
    }
    last = event;
  }
  EXPECT_TRUE(last["stop"].get<bool>());
  EXPECT_EQ(last["stop_type"], "eos");
  EXPECT_EQ(last["content"], "");

  Json still = body;
  still["stream"] = false;
  const Json whole = Json::parse(Complete(*server, still).body);
  EXPECT_EQ(whole["content"], text);
  EXPECT_EQ(whole["tokens"].size(), whole["tokens_predicted"]);
  const Json ids =
      Json::parse(Ask({.url = server->url() + "/tokenize", .body = Json{{"content", text}}.dump()}).body);
  EXPECT_EQ(Json::parse(Ask({.url = server->url() + "/detokenize", .body = ids.dump()}).body)["content"],
            text);
}

TEST(ScriptedServer, NoCharacterIsTornAndNoIdLost) {
  const auto server = Serve({});
  const auto llama = ServeLlama();
  size_t silent = 0;
  for (int question = 0; question < 20; ++question) {
    const std::string prompt = std::to_string(question) + kPrompt;
    const auto answer = Complete(*server, Completion(true, {{"prompt", prompt}, {"return_token_ids", true}}));
    for (const std::string& data : answer.Events()) {
      ASSERT_TRUE(IsValidUtf8(data));
      if (data != "[DONE]")
        silent += Json::parse(data)["choices"][0]["text"].get<std::string>().empty() ? 1 : 0;
    }
    const Stream stream = ReadStream(answer);
    EXPECT_THAT(stream.text, Not(HasSubstr("\xEF\xBF\xBD")));
    EXPECT_EQ(PhraseVocabulary::Edition(0).Text(stream.ids), stream.text + "<|im_end|>");
    std::string text;
    for (const std::string& data :
         Complete(*llama, {{"prompt", prompt}, {"n_predict", 1000}, {"stream", true}}).Events()) {
      text += Json::parse(data)["content"].get<std::string>();
    }
    EXPECT_EQ(text, stream.text);
  }
  EXPECT_GT(silent, 20U);  // tokens that end inside a character are told by their ids alone
}

TEST(ScriptedServer, SeveralTokensMayComeInAnEvent) {
  const auto one = Serve({});
  const auto four = Serve({.tokens_an_event = 4});
  const auto slow = Complete(*one, Completion(true));
  const auto quick = Complete(*four, Completion(true));
  EXPECT_EQ(ReadStream(slow).text, ReadStream(quick).text);
  EXPECT_LE(quick.Events().size(), slow.Events().size() / 4 + 2);
}

TEST(ScriptedServer, StopsWhereItIsToldTo) {
  const auto server = Serve({});
  const auto cut =
      ReadStream(Complete(*server, Completion(true, {{"max_tokens", 5}, {"return_token_ids", true}})));
  EXPECT_EQ(cut.finish, "length");
  EXPECT_THAT(cut.ids, SizeIs(5));
  Json unlimited = Completion(true, {{"return_token_ids", true}});
  unlimited.erase("max_tokens");
  EXPECT_THAT(ReadStream(Complete(*server, unlimited)).ids, SizeIs(16));
  const auto stopped = Complete(*server, Completion(true, {{"stop", {"</think>"}}}));
  EXPECT_THAT(ReadStream(stopped).text, Not(HasSubstr("<")));
  EXPECT_THAT(stopped.body, HasSubstr("\"stop_reason\":\"</think>\""));
  const auto by_id =
      Complete(*server, Completion(false, {{"stop_token_ids", {PhraseVocabulary::kCloseThink}}}));
  EXPECT_EQ(Json::parse(by_id.body)["choices"][0]["stop_reason"], PhraseVocabulary::kCloseThink);
  EXPECT_EQ(Json::parse(by_id.body)["choices"][0]["finish_reason"], "stop");
  const auto llama = ServeLlama();
  EXPECT_THAT(Complete(*llama, {{"prompt", kPrompt}, {"n_predict", 3}, {"stream", true}}).body,
              HasSubstr("\"stop_type\":\"limit\""));
  const Json word =
      Json::parse(Complete(*llama, {{"prompt", kPrompt}, {"n_predict", 900}, {"stop", {"</think>"}}}).body);
  EXPECT_EQ(word["stop_type"], "word");
  EXPECT_EQ(word["stopping_word"], "</think>");
}

TEST(ScriptedServer, ContextsAreOfALength) {
  const auto strict = Serve({.context_tokens = 60, .refuses_beyond_context = true});
  const auto long_one = Complete(*strict, Completion(true));
  EXPECT_EQ(long_one.status, 400);
  EXPECT_THAT(long_one.body,
              HasSubstr("This model's maximum context length is 60 tokens. However, you requested"));
  EXPECT_EQ(Complete(*strict, Completion(true, {{"max_tokens", 5}})).status, 200);
  const auto server = Serve({.context_tokens = 60});
  const size_t prompt = PhraseVocabulary::Edition(0).Tokenize(kPrompt, true).size();
  const auto clamped = ReadStream(Complete(*server, Completion(true, {{"return_token_ids", true}})));
  EXPECT_THAT(clamped.ids, SizeIs(60 - prompt));
  EXPECT_EQ(clamped.finish, "length");
  const auto full = Complete(*server, Completion(true, {{"prompt", std::string(61, '#')}}));
  EXPECT_EQ(full.status, 400);
  EXPECT_THAT(full.body, HasSubstr("your prompt contains 61 input tokens"));
  EXPECT_THAT(Complete(*server, Completion(true, {{"prompt", std::string(60, '#')}})).body,
              HasSubstr("max_tokens must be at least 1, got 0."));
  const auto llama = ServeLlama({.context_tokens = 60});
  const auto ended = Complete(*llama, {{"prompt", kPrompt}, {"n_predict", 1000}});
  EXPECT_EQ(Json::parse(ended.body)["truncated"], true);
  EXPECT_EQ(Json::parse(ended.body)["stop_type"], "limit");
  const auto refused = Complete(*llama, {{"prompt", kPrompt + std::string(200, '#')}, {"n_predict", 1}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("exceeds the available context size (60 tokens)"));
  EXPECT_THAT(refused.body, HasSubstr("exceed_context_size_error"));
}

TEST(ScriptedServer, RefusesWhatARealOneRefuses) {
  const auto server = Serve({.bearer_token = "secret"});
  EXPECT_EQ(Ask({.url = server->url() + "/v1/models"}).status, 401);
  EXPECT_EQ(Ask({.url = server->url() + "/v1/models", .key = "wrong"}).status, 401);
  EXPECT_EQ(Ask({.url = server->url() + "/v1/models", .key = "secret"}).status, 200);
  EXPECT_EQ(Ask({.url = server->url() + "/health"}).status, 200);
  const auto post = [&](const std::string& body) {
    return Ask({.url = server->url() + "/v1/completions", .body = body, .key = "secret"});
  };
  const auto unknown = post("{\"model\":\"nobody\",\"prompt\":\"x\"}");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("The model `nobody` does not exist. Valid aliases: scripted."));
  EXPECT_EQ(post("{oh").status, 400);
  EXPECT_EQ(post("{\"model\":\"scripted\",\"prompt\":[1,-7]}").status, 400);
  EXPECT_EQ(post("{\"model\":\"scripted\"}").status, 400);
  const RawClient stranger(server->port());
  stranger.Send("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  std::string end;
  EXPECT_THAT(stranger.Receive(milliseconds(2000), &end), HasSubstr("HTTP/1.1 400"));
  EXPECT_EQ(end, "closed");
}

TEST(ScriptedServer, PoolsTokens) {
  const auto server = Serve({});
  const Json body{
      {"model", "scripted"}, {"input", {"Wait, 1 + 1 = 2.", " Let me"}}, {"task", "token_classify"}};
  const Json pooled = Json::parse(Ask({.url = server->url() + "/pooling", .body = body.dump()}).body);
  ASSERT_THAT(pooled["data"], SizeIs(2));
  const auto ids = PhraseVocabulary::Edition(0).Tokenize("Wait, 1 + 1 = 2.", true);
  const Json& rows = pooled["data"][0]["data"];
  ASSERT_THAT(rows, SizeIs(ids.size()));
  for (const Json& row : rows) EXPECT_NEAR(row[0].get<double>() + row[1].get<double>(), 1.0, 1e-9);
  EXPECT_GT(rows.back()[1].get<double>(), 0.5);
  EXPECT_LT(rows[2][1].get<double>(), 0.5);
  // Cut at the end unless it is told to cut at the beginning, as vLLM does.
  Json cut{{"model", "scripted"}, {"input", {"Wait, 1 + 1 = 2."}}, {"truncate_prompt_tokens", 3}};
  const auto ask = [&] {
    return Json::parse(Ask({.url = server->url() + "/pooling", .body = cut.dump()}).body);
  };
  EXPECT_LT(ask()["data"][0]["data"].back()[1].get<double>(), 0.5);
  cut["truncation_side"] = "left";
  EXPECT_GT(ask()["data"][0]["data"].back()[1].get<double>(), 0.5);
  EXPECT_THAT(ask()["data"][0]["data"], SizeIs(3));
}

TEST(ScriptedServer, KeepsThePace) {
  const auto server = Serve({.first_token_ms = 100.0, .token_ms = 10.0});
  const auto begin = steady_clock::now();
  const auto stream =
      ReadStream(Complete(*server, Completion(true, {{"max_tokens", 20}, {"return_token_ids", true}})));
  EXPECT_THAT(stream.ids, SizeIs(20));
  EXPECT_GE(steady_clock::now() - begin, milliseconds(100 + 20 * 10 - 5));
}

TEST(ScriptedServer, StopsGeneratingWhenTheClientGoes) {
  const auto server = Serve({.token_ms = 5.0, .tokens_after_close = 7});
  const auto cut =
      Ask({.url = server->url() + "/v1/completions", .body = Completion(true).dump(), .bytes_max = 900});
  EXPECT_NE(cut.code, CURLE_OK);
  ASSERT_TRUE(Eventually([&] { return server->counts().connections_open == 0; }));
  const auto generated = server->counts().tokens_generated;
  EXPECT_EQ(server->counts().tokens_after_close, 7U);
  EXPECT_LT(generated, 40U);
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(server->counts().tokens_generated, generated);
}

TEST(ScriptedServer, TellsTheManyToComeBack) {
  const auto server =
      Serve({.token_ms = 20.0, .generating_max = 2, .overload_status = 429, .overload_retry_after = 3});
  const RawClient first(server->port());
  const RawClient second(server->port());
  for (const RawClient* client : {&first, &second}) client->Post("/v1/completions", Completion(true).dump());
  ASSERT_TRUE(Eventually([&] { return server->counts().generating_most == 2; }));
  const auto third = Complete(*server, Completion(true));
  EXPECT_EQ(third.status, 429);
  EXPECT_THAT(third.header, HasSubstr("Retry-After: 3"));
}

TEST(ScriptedServer, CountsAndKeepsWhatCame) {
  const auto server = Serve({.bodies_kept = 2});
  for (const int tokens : {1, 2, 3}) Complete(*server, Completion(true, {{"max_tokens", tokens}}));
  const auto counts = server->counts();
  EXPECT_EQ(counts.completions(), 3U);
  EXPECT_EQ(counts.requests.at("/v1/completions"), 3U);
  EXPECT_EQ(counts.tokens_generated, 6U);
  EXPECT_GT(counts.bytes_received, 3 * Completion(true).dump().size());
  ASSERT_THAT(server->bodies(), SizeIs(2));
  EXPECT_EQ(Json::parse(server->bodies()[1])["max_tokens"], 3);
  const Json told = Json::parse(Ask({.url = server->url() + "/scripted/counts"}).body);
  EXPECT_EQ(told["completions"], 3);
  EXPECT_EQ(told["tokens_generated"], 6);
}

TEST(ScriptedServer, IsGoneAndComesBackOnItsPort) {
  const auto server = Serve({.token_ms = 10.0});
  const RawClient client(server->port());
  client.Post("/v1/completions", Completion(true).dump());
  ASSERT_TRUE(Eventually([&] { return server->counts().tokens_generated > 2; }));
  server->Stop();
  std::string end;
  client.Receive(milliseconds(2000), &end);
  EXPECT_EQ(end, "reset");
  EXPECT_EQ(Ask({.url = server->url() + "/health"}).code, CURLE_COULDNT_CONNECT);
  const uint16_t port = server->port();
  ASSERT_TRUE(server->Restart().has_value());
  EXPECT_EQ(server->port(), port);
  EXPECT_EQ(Ask({.url = server->url() + "/health"}).status, 200);
}

TEST(ScriptedServer, LoadsBeforeItAnswers) {
  const auto server = ServeLlama();
  server->SetLoading(true);
  const auto health = Ask({.url = server->url() + "/health"});
  EXPECT_EQ(health.status, 503);
  EXPECT_THAT(health.body, HasSubstr("Loading model"));
  server->SetLoading(false);
  EXPECT_EQ(Ask({.url = server->url() + "/health"}).status, 200);
}

TEST(ScriptedServer, SpeaksTlsToWhomeverTrustsItsCertificate) {
  const std::string folder = testing::TempDir() + "scripted_server_tls_" + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  const std::string certificate = folder + "/certificate.pem";
  ASSERT_TRUE(WriteSelfSigned(certificate, folder + "/key.pem").has_value());
  const auto server = Serve({.certificate_file = certificate, .key_file = folder + "/key.pem"});
  EXPECT_THAT(server->url(), HasSubstr("https://127.0.0.1:"));
  EXPECT_EQ(Ask({.url = server->url() + "/health"}).code, CURLE_PEER_FAILED_VERIFICATION);
  EXPECT_EQ(Ask({.url = server->url() + "/health", .ca_file = certificate}).status, 200);
  const auto answer = Ask(
      {.url = server->url() + "/v1/completions", .body = Completion(true).dump(), .ca_file = certificate});
  EXPECT_TRUE(ReadStream(answer).done);
  std::filesystem::remove_all(folder);
}

// What a client sees of each fault.
class FaultTest : public testing::Test {
 protected:
  WireAnswer Meet(const Fault& fault, bool stream = true, long timeout_ms = 30000) {
    const auto server = Serve({.faults = [fault](uint64_t number) { return number == 0 ? fault : Fault{}; }});
    auto answer = Ask({.url = server->url() + "/v1/completions",
                       .body = Completion(stream).dump(),
                       .timeout_ms = timeout_ms});
    EXPECT_EQ(server->counts().faults, 1U);
    // The next request is none the worse for it.
    EXPECT_TRUE(ReadStream(Complete(*server, Completion(true))).done) << Describe(fault);
    return answer;
  }
};

TEST_F(FaultTest, BeforeTheAnswer) {
  EXPECT_EQ(Meet({.kind = Kind::kResetBeforeStatus}).code, CURLE_RECV_ERROR);
  EXPECT_EQ(Meet({.kind = Kind::kCloseBeforeStatus}).code, CURLE_GOT_NOTHING);
  for (const int status : {400, 401, 404, 408, 413, 429, 500, 502, 503, 504}) {
    const auto answer =
        Meet({.kind = Kind::kStatus, .status = status, .retry_after = status == 429 ? 2 : -1});
    EXPECT_EQ(answer.status, status);
    EXPECT_THAT(answer.body, HasSubstr("\"error\""));
    EXPECT_EQ(answer.header.find("Retry-After: 2") != std::string::npos, status == 429);
  }
  const auto page = Meet({.kind = Kind::kHtmlPage, .status = 502});
  EXPECT_EQ(page.status, 502);
  EXPECT_THAT(page.body, HasSubstr("<html>"));
  const auto empty = Meet({.kind = Kind::kEmpty});
  EXPECT_EQ(empty.status, 200);
  EXPECT_EQ(empty.body, "");
  const auto hang = Meet({.kind = Kind::kHang}, true, 200);
  EXPECT_EQ(hang.code, CURLE_OPERATION_TIMEDOUT);
  EXPECT_EQ(hang.header, "");
  const auto begin = steady_clock::now();
  EXPECT_TRUE(ReadStream(Meet({.kind = Kind::kDelay, .ms = 150})).done);
  EXPECT_GE(steady_clock::now() - begin, milliseconds(150));
}

TEST_F(FaultTest, InMidStream) {
  const auto cut = Meet({.kind = Kind::kCloseAfterBytes, .bytes = 500});
  EXPECT_EQ(cut.code, CURLE_PARTIAL_FILE);
  EXPECT_LE(cut.body.size(), 500U);
  EXPECT_GE(cut.body.size(), 450U);  // without the chunks' own bytes
  EXPECT_EQ(Meet({.kind = Kind::kResetAfterBytes, .bytes = 500}).code, CURLE_RECV_ERROR);

  const auto truncated = Meet({.kind = Kind::kTruncatedJson, .tokens = 3});
  EXPECT_EQ(truncated.code, CURLE_OK);
  ASSERT_THAT(truncated.Events(), SizeIs(4));
  EXPECT_TRUE(Json::parse(truncated.Events()[3], nullptr, false).is_discarded());

  const auto garbage = Meet({.kind = Kind::kGarbageLine, .tokens = 3});
  EXPECT_THAT(garbage.body, HasSubstr("garbage"));
  EXPECT_TRUE(ReadStream(garbage).done);
  EXPECT_THAT(Meet({.kind = Kind::kEventNotJson, .tokens = 2}).Events()[2], HasSubstr("{'text'"));
  const auto no_text = Meet({.kind = Kind::kEventNotUtf8, .tokens = 2});
  EXPECT_FALSE(IsValidUtf8(no_text.Events()[2]));
  EXPECT_EQ(no_text.Events().back(), "[DONE]");
  const auto torn = Meet({.kind = Kind::kEventCutInCharacter, .tokens = 2});
  EXPECT_EQ(torn.code, CURLE_PARTIAL_FILE);
  EXPECT_TRUE(torn.body.ends_with('\xe6'));
  std::set<std::string> shapes;
  for (size_t i = 0; i < 4; ++i)
    shapes.insert(Meet({.kind = Kind::kEventOfOtherShape, .tokens = 1, .bytes = i}).Events()[1]);
  EXPECT_THAT(shapes, SizeIs(4));
  const auto error = Meet({.kind = Kind::kErrorEvent, .tokens = 1});
  EXPECT_EQ(error.status, 200);
  EXPECT_THAT(error.Events()[1], HasSubstr("EngineCore"));

  EXPECT_EQ(ReadStream(Meet({.kind = Kind::kFinishLength, .tokens = 4})).finish, "length");
  EXPECT_EQ(ReadStream(Meet({.kind = Kind::kFinishAbort, .tokens = 4})).finish, "abort");
}

TEST_F(FaultTest, WithoutAnEnd) {
  const auto stall = Meet({.kind = Kind::kStall, .tokens = 3}, true, 300);
  EXPECT_EQ(stall.code, CURLE_OPERATION_TIMEDOUT);
  EXPECT_THAT(stall.Events(), SizeIs(3));
  const auto loris = Meet({.kind = Kind::kSlowLoris, .ms = 5, .tokens = 1}, true, 300);
  EXPECT_EQ(loris.code, CURLE_OPERATION_TIMEDOUT);
  EXPECT_THAT(loris.Events(), SizeIs(1));
  EXPECT_THAT(loris.body, HasSubstr("\n\n::::"));
  const auto huge = Meet({.kind = Kind::kHugeEvent, .tokens = 1}, true, 2000);
  EXPECT_EQ(huge.code, CURLE_OPERATION_TIMEDOUT);
  EXPECT_GT(huge.body.size(), 20U << 20);
  EXPECT_THAT(huge.Events(), SizeIs(1));
}

TEST_F(FaultTest, OfAnAnswerThatIsNoStream) {
  for (const Kind kind : {Kind::kTruncatedJson, Kind::kEventNotJson, Kind::kEventNotUtf8}) {
    const auto answer = Meet({.kind = kind}, false);
    EXPECT_EQ(answer.code, CURLE_OK);
    EXPECT_TRUE(Json::parse(answer.body, nullptr, false).is_discarded());
  }
  EXPECT_THAT(Meet({.kind = Kind::kErrorEvent}, false).body, HasSubstr("\"error\""));
  EXPECT_EQ(Meet({.kind = Kind::kCloseAfterBytes, .bytes = 30}, false).code, CURLE_PARTIAL_FILE);
  EXPECT_EQ(Meet({.kind = Kind::kStall}, false, 200).code, CURLE_OPERATION_TIMEDOUT);
  EXPECT_THAT(Meet({.kind = Kind::kFinishLength, .tokens = 3}, false).body, HasSubstr("\"length\""));
}

TEST(RandomFaults, AreOfTheirSeed) {
  const FaultMix mix{.share = 0.5, .requests_max = 1000};
  const auto one = RandomFaults(7, mix);
  const auto again = RandomFaults(7, mix);
  const auto other = RandomFaults(8, mix);
  std::set<Kind> kinds;
  size_t differ = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(Describe(one(i)), Describe(again(i)));
    differ += Describe(one(i)) != Describe(other(i)) ? 1 : 0;
    kinds.insert(one(i).kind);
  }
  EXPECT_THAT(kinds, SizeIs(Fault::kKinds));
  EXPECT_GT(differ, 500U);
  EXPECT_EQ(one(1000).kind, Kind::kNone);
  const auto some = RandomFaults(7, {.share = 1.0, .kinds = BitOf(Kind::kHang) | BitOf(Kind::kEmpty)});
  for (uint64_t i = 0; i < 50; ++i) EXPECT_TRUE(some(i).kind == Kind::kHang || some(i).kind == Kind::kEmpty);
}

TEST(ScriptedServer, HoldsThousandsOfConnections) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  rlimit raised = files;
  raised.rlim_cur = raised.rlim_max;
  setrlimit(RLIMIT_NOFILE, &raised);
  const size_t count = std::min<size_t>(5000, (raised.rlim_cur - 100) / 2);
  {
    const auto server = Serve({.token_ms = 200.0});
    std::vector<std::unique_ptr<RawClient>> clients;
    for (size_t i = 0; i < count; ++i) {
      clients.push_back(std::make_unique<RawClient>(server->port()));
      ASSERT_TRUE(clients.back()->connected()) << i;
      clients.back()->Post("/v1/completions", Completion(true, {{"max_tokens", 3}}).dump());
    }
    EXPECT_TRUE(Eventually([&] { return server->counts().tokens_generated == 3 * count; }));
    EXPECT_EQ(server->counts().connections_open, count);
    EXPECT_EQ(server->counts().completions(), count);
  }
  setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace
}  // namespace tessy
