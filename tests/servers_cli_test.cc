// The program over servers that say what it must not obey, and over addresses, keys and certificates as
// people give them.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "cli_fixture.h"
#include "model/openai/testing/hand_server.h"
#include "model/openai/testing/scripted_server.h"
#include "model/openai/testing/self_signed.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using Client = HandServer::Client;

class ServersTest : public CliTest {
 protected:
  ServersTest() { Write("q.jsonl", "{\"id\":\"a\",\"prompt\":\"What is 12 + 30?\",\"answer\":\"42\"}\n"); }

  static std::unique_ptr<ScriptedServer> Sound(ScriptedServerOptions options = {}) {
    options.served = {"m"};
    options.text = {.thinking_words_min = 8, .thinking_words_max = 20};
    auto server = ScriptedServer::Start(options);
    if (!server) ADD_FAILURE() << server.error().message;
    return std::move(*server);
  }
  // Answers completions by `complete`, all else as a llama-server.
  static std::unique_ptr<HandServer> ByHand(const HandServer::Answer& complete) {
    return AllByHand([complete](const WireRequest& request, Client& client) {
      if (!AnswerAsLlamaServer(request, client) && request.path == "/completion") complete(request, client);
    });
  }
  static std::unique_ptr<HandServer> AllByHand(HandServer::Answer answer) {
    auto server = HandServer::Start(std::move(answer));
    if (!server) ADD_FAILURE() << server.error().message;
    return std::move(*server);
  }
  ProgramResult Run(const std::string& student, const Arguments& more = {},
                    const std::vector<std::string>& environment = {}) const {
    const std::string patience = std::to_string(kSlowness);
    const std::string token = std::to_string(2 * kSlowness);
    Arguments all{"synth",
                  "--questions",
                  "q.jsonl",
                  "--student",
                  student,
                  "--method",
                  "student-only",
                  "--out",
                  "r.jsonl",
                  "--fresh",
                  "--progress",
                  "none",
                  "--retries",
                  "0",
                  "--server-retries",
                  "1",
                  "--retry-pause",
                  "0.02",
                  "--patience",
                  patience,
                  "--token-timeout",
                  token,
                  "--first-token-timeout",
                  token};
    all.insert(all.end(), more.begin(), more.end());
    return Tessy(all, {.environment = environment, .time_limit = std::chrono::seconds(60 * kSlowness)});
  }
  ProgramResult RunQwen(const std::string& student, Arguments more = {},
                        const std::vector<std::string>& environment = {}) const {
    more.insert(more.end(), {"--student-family", "qwen3"});
    return Run(student, more, environment);
  }
  // The sample failed, and that is all: nothing crashed, and little memory was taken.
  static void ExpectFailedSample(const ProgramResult& result) {
    EXPECT_EQ(result.exit_status, 2) << result.err;
    EXPECT_LT(result.err.size(), 4'000U);
    if (!kSanitized) {
      EXPECT_LT(result.peak_bytes, 500U << 20);
    }
  }
};

std::string Token(const std::string& text, const std::string& more = "") {
  return R"({"content":")" + text + R"(","tokens":[7],"stop":false)" + more + "}";
}

TEST_F(ServersTest, BlanksAroundAKeyAreTakenOff) {
  const auto server = Sound({.bearer_token = "sk-1"});
  for (const char* key : {"sk-1\n", "\r\nsk-1\r\n", "  sk-1\t"}) {
    const auto result = RunQwen(server->spec(), {}, {std::string("TESSY_API_KEY=") + key});
    EXPECT_EQ(result.exit_status, 0) << result.err;
  }
  const auto blank = RunQwen(server->spec(), {}, {"TESSY_STUDENT_API_KEY= \n", "TESSY_API_KEY=sk-1"});
  EXPECT_EQ(blank.exit_status, 0) << "a blank one is none: " << blank.err;
}

TEST_F(ServersTest, AKeyThatIsNoHeaderIsRefusedAndNotShown) {
  const auto server = AllByHand(&AnswerAsLlamaServer);
  for (const char* key : {"sk-1\r\nX-Evil: 1", "sk-1\nsk-2", "sk-1\x01", "sk-\x7f"}) {
    const auto result = RunQwen(server->url() + "/v1#m", {}, {std::string("TESSY_STUDENT_API_KEY=") + key});
    ExpectRefusal(result, {"TESSY_STUDENT_API_KEY", "control character"});
    EXPECT_THAT(result.err, Not(HasSubstr("sk-")));
  }
  EXPECT_TRUE(server->requests().empty());
}

TEST_F(ServersTest, AddressesWithoutASchemeAndInCapitalsAreServers) {
  const auto server = Sound();
  const std::string port = std::to_string(server->port());
  for (const std::string& address :
       {"127.0.0.1:" + port + "/v1#m", "HTTP://127.0.0.1:" + port + "/v1#m", "localhost:" + port + "#m"}) {
    const auto result = RunQwen(address);
    EXPECT_EQ(result.exit_status, 0) << address << result.err;
    EXPECT_EQ(Responses("r.jsonl").begin()->second["models"]["student"], address);
  }
}

TEST_F(ServersTest, SecretsInAnAddressAreRefusedAndNotShown) {
  for (const char* address :
       {"http://127.0.0.1:1/v1?api_key=hunter2#m", "http://me:hunter2@127.0.0.1:1/v1"}) {
    const auto result = RunQwen(address);
    ExpectRefusal(result, {"--student", "environment"});
    EXPECT_THAT(result.err, Not(HasSubstr("hunter2")));
  }
}

TEST_F(ServersTest, AHomeIsUnderstoodInFilesOfModelsAndCertificates) {
  std::filesystem::copy_file(Model("student"), Path("student.gguf"));
  const std::vector<std::string> home{"HOME=" + Path(".")};
  Write("run.toml", "max-thinking-tokens = 5\nmax-answer-tokens = 5\nthreads = 1\n");
  const auto typed = Run("~/student.gguf", {"run.toml"}, home);
  EXPECT_THAT(typed.exit_status, testing::AnyOf(0, 2)) << typed.err;
  ASSERT_TRUE(WriteSelfSigned(Path("c.pem"), Path("k.pem")).has_value());
  const auto server = Sound({.certificate_file = Path("c.pem"), .key_file = Path("k.pem")});
  const auto result = RunQwen(server->spec(), {"--ca-file=~/c.pem"}, home);
  EXPECT_EQ(result.exit_status, 0) << result.err;
}

TEST_F(ServersTest, CertificatesAreTakenFromTheEnvironmentAndAskedForByName) {
  ASSERT_TRUE(WriteSelfSigned(Path("c.pem"), Path("k.pem")).has_value());
  const auto server = Sound({.certificate_file = Path("c.pem"), .key_file = Path("k.pem")});
  for (const auto& [variable, other] :
       {std::pair("CURL_CA_BUNDLE=", "SSL_CERT_FILE="), std::pair("SSL_CERT_FILE=", "CURL_CA_BUNDLE=")}) {
    const auto result = RunQwen(server->spec(), {}, {variable + Path("c.pem"), other});
    EXPECT_EQ(result.exit_status, 0) << variable << result.err;
  }
  const auto refused = RunQwen(server->spec());
  EXPECT_EQ(refused.exit_status, 4);
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("certificate"), HasSubstr("--ca-file"), Not(HasSubstr("is the server up"))));
}

TEST_F(ServersTest, ARedirectToAnotherHostIsNamed) {
  const auto server = AllByHand([](const WireRequest&, Client& client) {
    client.Reply(308, "", "Location: https://elsewhere.invalid/v1/models?token=hunter2\r\n");
  });
  const auto result = RunQwen(server->url() + "/v1#m");
  ExpectRefusal(result, {server->url(), "https://elsewhere.invalid/v1/models"});
  EXPECT_THAT(result.err, Not(HasSubstr("hunter2")));
}

TEST_F(ServersTest, AServerThatNeverComesUpIsGivenUpWithStatusFour) {
  for (const int code : {502, 503, 504}) {
    const auto server = AllByHand([code](const WireRequest&, Client& client) {
      client.Reply(code, "<html><body><h1>Bad Gateway</h1></body></html>");
    });
    const auto result = RunQwen(server->url() + "/v1#m");
    EXPECT_EQ(result.exit_status, 4) << result.err;
    EXPECT_THAT(result.err, HasSubstr("status " + std::to_string(code)));
  }
}

TEST_F(ServersTest, ARouterIsAskedForTheModelAndListsWhatItHas) {
  const auto server = AllByHand([](const WireRequest& request, Client& client) {
    if (request.path == "/props" && request.query.empty()) {
      return client.Reply(200,
                          R"({"role":"router","default_generation_settings":{"params":null,"n_ctx":0}})");
    }
    if (request.path == "/v1/models") return client.Reply(200, R"({"data":[{"id":"small"},{"id":"large"}]})");
    if (AnswerAsLlamaServer(request, client)) return;
    if (request.path != "/completion" || Json::parse(request.body)["model"] != "small") return;
    client.BeginStream();
    client.Event(Token("so.</think>\\n\\n42"));
    client.Event(R"({"content":"","tokens":[],"stop":true,"stop_type":"eos"})");
  });
  for (const auto& [address, named] : {std::pair("/v1", "#"), std::pair("/v1#tiny", "tiny")}) {
    const auto refused = RunQwen(server->url() + address);
    EXPECT_EQ(refused.exit_status, 1);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("small, large"), HasSubstr(named)));
  }
  const auto result = RunQwen(server->url() + "/v1#small");
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(Responses("r.jsonl"), SizeIs(1));
}

TEST_F(ServersTest, ErrorsThatNestDeeplyAreErrors) {
  const std::string deep = R"({"error":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}";
  for (const int status : {200, 500}) {
    const auto server = ByHand([deep, status](const WireRequest&, Client& client) {
      if (status != 200) return client.Reply(status, deep);
      client.BeginStream();
      client.Event(deep);
    });
    ExpectFailedSample(Run(server->url() + "/v1#m"));
  }
}

TEST_F(ServersTest, CountsAreNotBelieved) {
  const auto server = ByHand([](const WireRequest&, Client& client) {
    client.BeginStream();
    client.Event(Token("hello", R"(,"tokens_predicted":4611686018427387904)"));
    client.WaitUntilGone();
  });
  ExpectFailedSample(Run(server->url() + "/v1#m"));
}

TEST_F(ServersTest, StreamsThatSayNothingEndASample) {
  const auto server = ByHand([](const WireRequest&, Client& client) {
    client.BeginStream();
    for (int n = 1; client.Event(R"({"content":"","tokens":[],"stop":false,"tokens_predicted":)" +
                                 std::to_string(n) + "}");
         ++n) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  ExpectFailedSample(Run(server->url() + "/v1#m"));
}

// While a checker keeps one sample, the stream of the other has no end.
TEST_F(ServersTest, AFloodWhileOthersAreBusyTakesLittleMemory) {
  Write("q.jsonl",
        "{\"id\":\"a\",\"prompt\":\"hi\",\"answer\":\"4\"}\n{\"id\":\"b\",\"prompt\":\"hi\",\"answer\":\"4\"}"
        "\n");
  std::string block;
  while (block.size() < 65536) block += "data: " + Token(" word") + "\n\n";
  std::atomic<int> asked = 0;
  const auto server = ByHand([&](const WireRequest&, Client& client) {
    client.BeginStream();
    if (asked++ == 1) {
      while (client.Send(block)) {
      }
      return;
    }
    client.Event(Token("so.</think>\\n\\n4"));
    client.Event(R"({"content":"","tokens":[],"stop":true,"stop_type":"eos"})");
  });
  const auto result = Run(server->url() + "/v1#m", {"--keep", "correct", "--checker", "sleep 3",
                                                    "--concurrency", "2", "--max-answer-tokens", "500"});
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.exit_status, 2) << "one is right, the other repeats itself: " << result.err;
  if (!kSanitized) {
    EXPECT_LT(result.peak_bytes, 500U << 20);
  }
}

TEST_F(ServersTest, WhatDrivesATerminalIsVisibleInTheLog) {
  const auto server = ByHand([](const WireRequest&, Client& client) {
    client.Reply(500, R"({"error":{"message":"\u001b[31mboom\u009b31m\u202e\u2028\u007f"}})");
  });
  const auto result = Run(server->url() + "/v1#m");
  EXPECT_EQ(result.exit_status, 2);
  for (const char* raw : {"\x1b", "\u009b", "\u202e", "\u2028", "\x7f"})
    EXPECT_THAT(result.err, Not(HasSubstr(raw)));
  EXPECT_THAT(result.err, HasSubstr("<U+009B>"));
}

TEST_F(ServersTest, APredictorsServerWhoseModelHasNoNameIsRefusedInALine) {
  const auto server = AllByHand([](const WireRequest& request, Client& client) {
    if (request.path == "/v1/models") client.Reply(200, R"({"data":[{"id":5}]})");
  });
  const auto result = Tessy({"synth", "--questions", "q.jsonl", "--out", "r.jsonl", "--student",
                             Model("student"), "--teacher", Model("teacher"), "--student-boundary",
                             server->url() + "/v1", "--progress", "none", "--patience", "1"});
  ExpectRefusal(result, {server->url(), "lists no models"});
}

}  // namespace
}  // namespace tessy
