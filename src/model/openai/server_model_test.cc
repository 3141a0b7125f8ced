#include "model/openai/server_model.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "model/openai/testing/hand_server.h"
#include "model/openai/testing/test_loop.h"

namespace tessy {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Client = HandServer::Client;

class ServerModelTest : public testing::Test {
 protected:
  // A server that answers completions by `complete`, and all else as one of the dialect does.
  void Serve(const HandServer::Answer& complete, bool llama = true) {
    ServeAll([complete, llama](const WireRequest& request, Client& client) {
      const bool known = llama ? AnswerAsLlamaServer(request, client) : AnswerAsVllm(request, client);
      if (!known && request.path.find("completion") != std::string::npos) complete(request, client);
    });
  }
  void ServeAll(HandServer::Answer answer) {
    auto server = HandServer::Start(std::move(answer));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  Status Connect(const std::string& behind = "/v1#m", const std::string& family = "plain") {
    ServerModelOptions options;
    options.addresses = {*ServerAddress::Parse(server_->url() + behind)};
    options.family = family;
    options.retries_max = 1;
    options.retry_pause_ms = options.check_pause_ms = 5;
    options.first_token_ms = first_token_ms_;
    options.token_ms = token_ms_;
    options.patience_ms = patience_ms_;
    auto model = ServerModel::Connect(options, loop_.Post(), loop_.Delay());
    if (!model) return tl::unexpected(model.error());
    model_ = std::move(*model);
    return {};
  }
  // Drafts until the session ends, fails, or has `tokens_max` tokens.
  Result<std::string> Write(uint32_t tokens_max = 100'000) {
    const std::vector<Message> messages{{.role = "user", .content = "hi"}};
    auto session = model_->Open(messages);
    if (!session) return tl::unexpected(session.error());
    std::string text;
    tokens_ = 0;
    while (tokens_ < tokens_max) {
      std::optional<Result<Draft>> draft;
      (*session)->Generate(
          {.tokens_max = tokens_max - tokens_, .position = {.offset = text.size()}, .stop_texts = {}},
          [&](Result<Draft> result) { draft = std::move(result); });
      if (!loop_.RunUntil([&] { return draft.has_value(); })) return Fail(ErrorCode::kBackend, "hangs");
      if (!*draft) return tl::unexpected(draft->error());
      if ((*draft)->context_full) return text;
      for (const DraftToken& token : (*draft)->tokens) {
        ++tokens_;
        text += token.text;
        if (token.end != DraftToken::End::kNone) return text;
      }
    }
    return text;
  }

  int64_t first_token_ms_ = 20'000, token_ms_ = 20'000, patience_ms_ = 400;
  std::atomic<int> asked_ = 0;  // for the answers of the server
  TestLoop loop_;
  std::unique_ptr<HandServer> server_;
  std::unique_ptr<ServerModel> model_;
  uint32_t tokens_ = 0;
};

std::string Token(std::string_view text, std::string_view more = "") {
  return fmt::format(R"({{"content":"{}","tokens":[7],"stop":false{}}})", text, more);
}
constexpr const char* kEnd = R"({"content":"","tokens":[],"stop":true,"stop_type":"eos","truncated":false})";

TEST_F(ServerModelTest, TakesWhatServersSayBesideTokensForWhatItIs) {
  Serve(
      [](const WireRequest&, Client& client) {
        client.BeginStream();
        client.Send(": PROCESSING\n\ndata:\n\ndata:   \n\n");
        client.Event(R"({"type":"ping"})");
        client.Event(R"({"choices":[{"text":"a\ud83d","finish_reason":null}],"error":null})");
        client.Event(R"({"id":"x","usage":{"completion_tokens":1}})");
        client.Event(R"({"choices":null,"usage":{}})");
        client.Event(R"({"choices":[{"text":"\ude00b","finish_reason":null}],"error":null})");
        client.Event(R"({"choices":[{"text":"c\ud83d","finish_reason":"stop"}],"error":null})");
        client.Event("[DONE]");
      },
      /*llama=*/false);
  ASSERT_TRUE(Connect());
  const auto text = Write();
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, "a\U0001F600bc\uFFFD");
  EXPECT_EQ(model_->counts().retries, 0U);
}

TEST_F(ServerModelTest, CountsOfTheServerAreNotBelievedBeyondWhatWasAskedFor) {
  for (const char* count : {"4611686018427387904", "18446744073709551615", "2000"}) {
    Serve([count](const WireRequest&, Client& client) {
      client.BeginStream();
      client.Event(Token("hello", std::string(R"(,"tokens_predicted":)") + count));
      client.WaitUntilGone();
    });
    ASSERT_TRUE(Connect());
    const auto text = Write();
    ASSERT_FALSE(text) << count;
    EXPECT_THAT(text.error().message, HasSubstr("more than the 1024 tokens")) << count;
  }
}

TEST_F(ServerModelTest, AListOfIdsIsNotBelievedBeyondWhatWasAskedFor) {
  std::string ids = "7";
  for (int i = 0; i < 100'000; ++i) ids += ",7";
  Serve([ids](const WireRequest&, Client& client) {
    client.BeginStream();
    client.Event(R"({"content":"","tokens":[)" + ids + R"(],"stop":false})");
    client.WaitUntilGone();
  });
  ASSERT_TRUE(Connect());
  EXPECT_FALSE(Write());
}

TEST_F(ServerModelTest, LongTextsOfNoCountAreManyTokens) {
  Serve(
      [](const WireRequest&, Client& client) {
        client.BeginStream();
        while (client.Event(R"({"choices":[{"text":")" + std::string(200'000, 'x') + R"("}]})")) {
        }
      },
      /*llama=*/false);
  ASSERT_TRUE(Connect());
  const auto text = Write(3000);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_LT(text->size(), 3000U * 300);
  Serve(
      [](const WireRequest&, Client& client) {
        client.BeginStream();
        client.Event(R"({"choices":[{"text":")" + std::string(2'000'000, 'x') + R"("}]})");
        client.WaitUntilGone();
      },
      /*llama=*/false);
  ASSERT_TRUE(Connect());
  EXPECT_FALSE(Write());
}

TEST_F(ServerModelTest, AServerThatGoesOnPastTheLimitIsReadNoFurther) {
  Serve([&](const WireRequest&, Client& client) {
    ++asked_;
    client.BeginStream();
    while (client.Event(Token(" word"))) {
    }
  });
  ASSERT_TRUE(Connect());
  const auto text = Write(3000);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(tokens_, 3000U);
  EXPECT_EQ(asked_, 3) << "of 1024 tokens each, and a few more";
  EXPECT_EQ(model_->counts().retries, 0U);
}

TEST_F(ServerModelTest, AStreamThatOnlyCountsOrPingsEndsByTheTokenTimeout) {
  token_ms_ = first_token_ms_ = 300;
  for (const bool first : {false, true}) {
    for (const char* nothing : {R"({"content":"","tokens":[],"stop":false,"tokens_predicted":1})", "{}"}) {
      asked_ = 0;
      Serve([this, first, nothing](const WireRequest&, Client& client) {
        client.BeginStream();
        if (first && asked_++ == 0) client.Event(Token("a"));
        while (client.Event(nothing)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      });
      ASSERT_TRUE(Connect());
      const auto text = Write();
      ASSERT_FALSE(text);
      EXPECT_THAT(text.error().message, HasSubstr("no token came for 0.3 s")) << nothing;
    }
  }
}

TEST_F(ServerModelTest, TokensWithoutTextEndAtTheLimit) {
  Serve([](const WireRequest&, Client& client) {
    client.BeginStream();
    while (client.Event(Token(""))) {
    }
  });
  ASSERT_TRUE(Connect());
  const auto text = Write();
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("ended without text"));
}

TEST_F(ServerModelTest, AnEventOrACommentWithoutAnEndIsBrokenOff) {
  for (const char* begin : {"data: {\"content\":\"", ": ", "data: a\n"}) {
    const bool lines = std::string_view(begin).ends_with('\n');
    Serve([begin, lines](const WireRequest&, Client& client) {
      client.BeginStream();
      client.Send(begin);
      while (client.Send(lines ? std::string("data: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n")
                               : std::string(4096, 'a'))) {
      }
    });
    ASSERT_TRUE(Connect());
    const auto text = Write();
    ASSERT_FALSE(text) << begin;
    EXPECT_THAT(text.error().message, HasSubstr("an event without an end")) << begin;
  }
}

TEST_F(ServerModelTest, AnErrorThatNestsDeeplyIsAnErrorLikeAnyOther) {
  const std::string deep = R"({"error":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}";
  for (const int status : {200, 400, 500}) {
    Serve([deep, status](const WireRequest&, Client& client) {
      if (status != 200) return client.Reply(status, deep);
      client.BeginStream();
      client.Event(deep);
    });
    ASSERT_TRUE(Connect());
    const auto text = Write();
    ASSERT_FALSE(text) << status;
    EXPECT_LT(text.error().message.size(), 500U);
  }
}

// A llama-server that was started without a model.
void AnswerAsRouter(const WireRequest& request, Client& client) {
  if (request.path == "/props" && request.query.empty()) {
    return client.Reply(200, R"({"role":"router","model_alias":"llama-server","model_path":"none",)"
                             R"("default_generation_settings":{"params":null,"n_ctx":0}})");
  }
  if (request.path == "/v1/models") {
    return client.Reply(200, R"({"data":[{"id":"small one","status":{"value":"loaded"}},{"id":"large"}]})");
  }
  const bool named =
      request.method == "GET" || Json::parse(request.body, nullptr, false).value("model", "") == "small one";
  if (!named) return client.Reply(400, R"({"error":{"message":"model name is missing from the request"}})");
  if (request.path != "/completion") {
    AnswerAsLlamaServer(request, client);
    return;
  }
  client.BeginStream();
  client.Event(Token("hi"));
  client.Event(kEnd);
}

TEST_F(ServerModelTest, ARouterIsToldTheModelInEveryRequest) {
  ServeAll(&AnswerAsRouter);
  const auto status = Connect("/v1#small one");
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(model_->context_tokens(), 4096U);
  const auto text = Write();
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, "hi");
  std::vector<std::string> bodies;
  bool asked = false;
  for (const WireRequest& request : server_->requests()) {
    asked = asked || (request.path == "/props" && request.query == "model=small%20one");
    if (request.method == "POST") bodies.push_back(request.body);
  }
  EXPECT_TRUE(asked);
  EXPECT_THAT(bodies, Each(HasSubstr(R"("model":"small one")")));
}

TEST_F(ServerModelTest, ARouterWithoutANameSaysWhatItServes) {
  ServeAll(&AnswerAsRouter);
  for (const char* behind : {"/v1", "/v1#tiny"}) {
    const auto status = Connect(behind);
    ASSERT_FALSE(status);
    EXPECT_FALSE(status.error().retryable);
    EXPECT_THAT(status.error().message, AllOf(HasSubstr("small one, large"), HasSubstr("name one behind #")));
  }
}

TEST_F(ServerModelTest, NamesThatAreLongOrManyAreCutInTheMessage) {
  Json models = Json::array();
  for (int i = 0; i < 3000; ++i) models.push_back({{"id", fmt::format("{}-{}", i, std::string(500, 'x'))}});
  const std::string list = Json{{"data", models}}.dump();
  ServeAll([list](const WireRequest& request, Client& client) {
    if (request.path == "/v1/models") client.Reply(200, list);
  });
  const auto status = Connect("/v1#" + std::string(5000, 'y'));
  ASSERT_FALSE(status);
  EXPECT_LT(status.error().message.size(), 1500U);
  EXPECT_THAT(status.error().message, HasSubstr("and 2,990 more"));
}

TEST_F(ServerModelTest, EntriesOfAnotherTypeInTheListAreNoModels) {
  for (const char* list :
       {R"({"data":[{"id":null},{"id":"m","max_model_len":"x"}]})", R"({"data":[5,[],{"id":"m"}]})",
        R"({"data":[{"id":7},{"id":"m","owned_by":{}}]})"}) {
    for (const char* behind : {"/v1#m", "/v1"}) {
      ServeAll([list](const WireRequest& request, Client& client) {
        if (request.path == "/v1/models") client.Reply(200, list);
      });
      const auto status = Connect(behind);
      EXPECT_TRUE(status) << list << behind << status.error().message;
    }
  }
  for (const char* list :
       {"null", "[]", "5", R"({"data":5})", R"({"data":[{"id":5}]})", R"({"data":{}})", "{"}) {
    ServeAll([list](const WireRequest& request, Client& client) {
      if (request.path == "/v1/models") client.Reply(200, list);
    });
    EXPECT_FALSE(Connect("/v1#m")) << list;
  }
}

TEST_F(ServerModelTest, PropertiesOfAnotherTypeAreNotThere) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const std::pair<std::string, size_t> cases[] = {
      {R"({"default_generation_settings":null,"chat_template":5,"eos_token":[],"bos_token":{}})", 0},
      {R"({"default_generation_settings":{"n_ctx":-1},"chat_template":"x"})", 0},
      {R"({"default_generation_settings":{"n_ctx":18446744073709551615},"chat_template":"x"})",
       size_t{1} << 30},
      {"[1]", 0},
      {"null", 0},
      {R"({"default_generation_settings":)" + deep + "}", 0}};
  for (const auto& [props, context] : cases) {
    ServeAll([props = props](const WireRequest& request, Client& client) {
      if (request.path == "/props") return client.Reply(200, props);
      AnswerAsLlamaServer(request, client);
    });
    ASSERT_TRUE(Connect());
    EXPECT_EQ(model_->context_tokens(), context) << props.substr(0, 100);
  }
}

TEST_F(ServerModelTest, AServerThatLoadsIsWaitedForAndThenGivenUp) {
  for (const int code : {502, 503, 504}) {
    asked_ = 0;
    ServeAll([this, code](const WireRequest& request, Client& client) {
      if (asked_++ < 1) return client.Reply(code, "<html><body><h1>Bad Gateway</h1></body></html>");
      AnswerAsLlamaServer(request, client);
    });
    patience_ms_ = 5000;
    const auto status = Connect();
    EXPECT_TRUE(status) << code << status.error().message;
    ServeAll([code](const WireRequest&, Client& client) { client.Reply(code, "loading"); });
    patience_ms_ = 100;
    const auto given_up = Connect();
    ASSERT_FALSE(given_up);
    EXPECT_TRUE(given_up.error().retryable) << code;
    EXPECT_THAT(given_up.error().message, HasSubstr(fmt::format("status {}", code)));
  }
}

// The family's marks are looked for by /tokenize, which such a server does not have or cannot answer yet.
TEST_F(ServerModelTest, AServerThatCannotTokenizeYetIsWaitedForAndThenGivenUp) {
  for (const int code : {502, 503, 504}) {
    asked_ = 0;
    ServeAll([this, code](const WireRequest& request, Client& client) {
      if (request.path == "/tokenize" && asked_++ < 1) return client.Reply(code, "loading");
      AnswerAsLlamaServer(request, client);
    });
    patience_ms_ = 5000;
    const auto status = Connect("/v1#m", "qwen3");
    EXPECT_TRUE(status) << code << status.error().message;
    EXPECT_GT(asked_, 1) << code;
    ServeAll([code](const WireRequest& request, Client& client) {
      if (request.path == "/tokenize") return client.Reply(code, "loading");
      AnswerAsLlamaServer(request, client);
    });
    patience_ms_ = 100;
    const auto given_up = Connect("/v1#m", "qwen3");
    ASSERT_FALSE(given_up) << code;
    EXPECT_TRUE(given_up.error().retryable) << code;
    EXPECT_THAT(given_up.error().message,
                AllOf(HasSubstr("/tokenize: "), HasSubstr(fmt::format("{}", code))));
  }
}

TEST_F(ServerModelTest, AServerOfWhichOnlyTheListIsNotReadyIsWaitedFor) {
  ServeAll([&](const WireRequest& request, Client& client) {
    if (request.path == "/v1/models" && asked_++ < 1) return client.Reply(502, "");
    AnswerAsVllm(request, client);
  });
  patience_ms_ = 5000;
  const auto status = Connect();
  EXPECT_TRUE(status) << status.error().message;
}

// How the session's next drafts end, and the text of them.
class ServedFamilyTest : public ServerModelTest {
 protected:
  // Every completion is "hm" and the end of the sequence.
  void ServeHm(bool llama = true) {
    Serve(
        [llama](const WireRequest&, Client& client) {
          client.BeginStream();
          client.Event(llama ? Token("hm") : R"({"choices":[{"text":"hm","finish_reason":null}]})");
          client.Event(llama ? kEnd : R"({"choices":[{"text":"","finish_reason":"stop"}]})");
          if (!llama) client.Event("[DONE]");
        },
        llama);
  }
  std::unique_ptr<Session> Open(bool thinks = true) {
    const std::vector<Message> messages{{.role = "user", .content = "hi"}};
    auto session = model_->Open(messages, thinks);
    EXPECT_TRUE(session) << session.error().message;
    return session ? std::move(*session) : nullptr;
  }
  DraftToken::End EndOfDraft(Session& session) {
    auto end = DraftToken::End::kNone;
    while (end == DraftToken::End::kNone) {
      std::optional<Result<Draft>> draft;
      session.Generate({.tokens_max = 8, .position = {}, .stop_texts = {}},
                       [&](Result<Draft> result) { draft = std::move(result); });
      if (!loop_.RunUntil([&] { return draft.has_value(); }) || !*draft) return DraftToken::End::kNone;
      if (!(*draft)->tokens.empty()) end = (*draft)->tokens.back().end;
    }
    return end;
  }
  std::vector<std::string> Prompts() const {
    std::vector<std::string> prompts;
    for (const WireRequest& request : server_->requests()) {
      const Json body = Json::parse(request.body, nullptr, false);
      if (body.is_object() && body.contains("prompt")) prompts.push_back(body["prompt"]);
    }
    return prompts;
  }
};

// The template of this server writes each message and a newline, and then <think>.
TEST_F(ServedFamilyTest, TheEndOfASequenceClosesAThinkingThatIsATurn) {
  ServeHm();
  ASSERT_TRUE(Connect("/v1#m", "instruct"));
  const std::string request = model_->family().answer_request;
  EXPECT_EQ(model_->family().handover, "\n" + request + "\n<think>\n</think>\n\n") << "it opens a thinking";
  const auto session = Open();
  ASSERT_TRUE(session);
  EXPECT_EQ(EndOfDraft(*session), DraftToken::End::kThinking);
  session->OpenAnswer("hm", model_->family().handover);
  EXPECT_EQ(EndOfDraft(*session), DraftToken::End::kSequence);
  const auto prompts = Prompts();
  ASSERT_EQ(prompts.size(), 2U);
  EXPECT_EQ(prompts[0], "hi" + model_->family().thinking_request + "\n<think>\n</think>\n\n")
      << "what it opens is closed: the turn is the thinking";
  EXPECT_EQ(prompts[1], prompts[0] + "hm" + model_->family().handover);
}

TEST_F(ServedFamilyTest, ABaseModelIsAskedByWorkedExamplesWhateverItsTemplate) {
  for (const bool llama : {true, false}) {
    ServeHm(llama);
    ASSERT_TRUE(Connect("/v1#m", "few-shot"));
    const auto session = Open();
    ASSERT_TRUE(session);
    EXPECT_EQ(EndOfDraft(*session), DraftToken::End::kThinking) << llama;
    // A server of the other dialect was asked for a close mark before.
    ASSERT_EQ(Prompts().size(), llama ? 1U : 2U);
    EXPECT_TRUE(Prompts().back().ends_with("\n\nQuestion:\nhi\n<think>\n")) << Prompts().back();
  }
}

TEST_F(ServedFamilyTest, WithoutThinkingThePromptEndsBeforeTheAnswer) {
  ServeHm();
  ASSERT_TRUE(Connect("/v1#m", "plain"));
  const auto session = Open(/*thinks=*/false);
  ASSERT_TRUE(session);
  session->OpenAnswer("", "");
  EXPECT_EQ(EndOfDraft(*session), DraftToken::End::kSequence);
  EXPECT_EQ(Prompts()[0], "hi\n<think></think>");
}

// A control token comes with its id and without a text.
TEST_F(ServedFamilyTest, AnAnswerAloneGoesOnBehindACloseTokenWithoutText) {
  ServeAll([this](const WireRequest& request, Client& client) {
    if (request.path == "/tokenize") return client.Reply(200, R"({"tokens":[9]})");
    if (AnswerAsLlamaServer(request, client) || request.path.find("completion") == std::string::npos) return;
    client.BeginStream();
    if (asked_++ == 0) {
      client.Event(R"({"content":"","tokens":[9],"stop":false})");
      client.Event(R"({"content":"","tokens":[],"stop":true,"stop_type":"limit","truncated":false})");
    } else {
      client.Event(Token("hm"));
      client.Event(kEnd);
    }
  });
  ASSERT_TRUE(Connect("/v1#m", "plain"));
  const auto session = Open(/*thinks=*/false);
  ASSERT_TRUE(session);
  session->OpenAnswer("", "");
  EXPECT_EQ(EndOfDraft(*session), DraftToken::End::kThinking);
  EXPECT_EQ(EndOfDraft(*session), DraftToken::End::kSequence);
  ASSERT_EQ(Prompts().size(), 2U);
  EXPECT_EQ(Prompts()[1], Prompts()[0] + "</think>");
}

TEST_F(ServedFamilyTest, AServerThatTellsNoTemplateCannotBeAskedInTwoTurns) {
  ServeHm(/*llama=*/false);
  const auto status = Connect("/v1#m", "instruct");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, AllOf(HasSubstr(server_->url()), HasSubstr("no chat template is known"),
                                            HasSubstr("--…vocabulary")));
}

}  // namespace
}  // namespace tessy
