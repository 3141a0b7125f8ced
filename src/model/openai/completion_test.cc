#include "model/openai/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "base/random.h"
#include "model/openai/server_address.h"

namespace tessy {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using End = CompletionEvent::End;

const ServerDialect& kLlama = *FindDialect("llama-server");
const ServerDialect& kVllm = *FindDialect("vllm");

TEST(CompletionBodyTest, GrowsAndShrinksAndStaysJson) {
  CompletionBody body({.dialect = kLlama, .model = {}});
  body.AppendText("Say \"hi\"\n\t");
  const size_t before = body.size();
  body.AppendText("中文\x01 \\");
  Json json = Json::parse(body.Request(20, 123456789));
  EXPECT_EQ(json["prompt"], "Say \"hi\"\n\t中文\x01 \\");
  EXPECT_EQ(json["n_predict"], 20);
  EXPECT_EQ(json["seed"], 123456789);
  body.Truncate(before);
  json = Json::parse(body.Request(4294967295, 0));
  EXPECT_EQ(json["prompt"], "Say \"hi\"\n\t");
  EXPECT_EQ(json["n_predict"], 4294967295);
}

TEST(CompletionBodyTest, AnyBytesBecomeJson) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    CompletionBody body({.dialect = kVllm, .model = "m"});
    std::string text;
    for (uint64_t i = 0; i < 40; ++i) text += static_cast<char>(UniformAt(seed, i, 0) * 256);
    body.AppendText(text);
    EXPECT_TRUE(Json::accept(body.Request(1, 1))) << seed;
  }
}

TEST(CompletionBodyTest, TokenIdsStandInAList) {
  CompletionBody body({.dialect = kVllm, .model = "m", .ids = true});
  EXPECT_EQ(Json::parse(body.Request(1, 1))["prompt"], Json::array());
  const std::array<TokenId, 3> tokens{5, 151645, 0};
  body.AppendTokens(tokens.data(), 2);
  const size_t before = body.size();
  body.AppendTokens(&tokens[2], 1);
  EXPECT_EQ(Json::parse(body.Request(1, 1))["prompt"], (Json{5, 151645, 0}));
  body.Truncate(before);
  EXPECT_EQ(Json::parse(body.Request(1, 1))["prompt"], (Json{5, 151645}));
}

TEST(CompletionBodyTest, EverySamplingFieldIsSent) {
  for (const ServerDialect* dialect : ServerDialects()) {
    const CompletionBody body({.dialect = *dialect, .model = "m", .sampling = {.top_k = 0}});
    const Json json = Json::parse(body.Request(7, 8));
    for (const char* key : {"temperature", "top_p", "top_k", "min_p", "seed", "stream"}) {
      EXPECT_TRUE(json.contains(key)) << dialect->name << " " << key;
    }
  }
  const CompletionBody vllm({.dialect = kVllm, .model = "m", .sampling = {.top_k = 0}});
  EXPECT_EQ(Json::parse(vllm.Request(7, 8))["top_k"], -1) << "0 is refused there";
  EXPECT_EQ(Json::parse(vllm.Request(7, 8))["skip_special_tokens"], false);
}

TEST(CompletionEventTest, ReadsWhatLlamaServerSends) {
  const auto token = ParseCompletionEvent(
      kLlama,
      R"({"index":0,"content":" so","tokens":[42],"stop":false,"tokens_predicted":3,"tokens_evaluated":9})");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->text, " so");
  EXPECT_THAT(token->ids, ElementsAre(42));
  EXPECT_EQ(token->tokens_so_far, 3);
  EXPECT_EQ(token->end, End::kNone);
  const auto end = [](const char* rest) {
    const auto event =
        ParseCompletionEvent(kLlama, std::string(R"({"content":"","tokens":[],"stop":true,)") + rest);
    return event ? event->end : End::kNone;
  };
  EXPECT_EQ(end(R"("stop_type":"eos","truncated":false})"), End::kSequence);
  EXPECT_EQ(end(R"("stop_type":"limit","truncated":false})"), End::kLimit);
  EXPECT_EQ(end(R"("stop_type":"limit","truncated":true})"), End::kContext);
}

TEST(CompletionEventTest, ReadsWhatVllmSends) {
  const auto token = ParseCompletionEvent(
      kVllm,
      R"({"choices":[{"index":0,"text":"</think>","finish_reason":null,"prompt_token_ids":[0,354],"token_ids":[3]}]})");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->text, "</think>");
  EXPECT_THAT(token->ids, ElementsAre(3));
  const auto last = ParseCompletionEvent(
      kVllm, R"({"choices":[{"text":"","finish_reason":"stop","stop_reason":null,"token_ids":[1]}]})");
  EXPECT_EQ(last->end, End::kSequence);
  const auto limit =
      ParseCompletionEvent(kVllm, R"({"choices":[{"text":" x","finish_reason":"length","token_ids":null}]})");
  EXPECT_EQ(limit->end, End::kLimit);
  const auto abort = ParseCompletionEvent(kVllm, R"({"choices":[{"text":"","finish_reason":"abort"}]})");
  EXPECT_EQ(abort->end, End::kOther);
  EXPECT_EQ(abort->end_name, "abort");
  const auto usage = ParseCompletionEvent(kVllm, R"({"choices":[],"usage":{"total_tokens":5}})");
  ASSERT_TRUE(usage);
  EXPECT_THAT(usage->text, IsEmpty());
}

TEST(CompletionEventTest, WhatIsNoEventIsAnErrorThatMayBeTriedAgain) {
  for (const char* bad :
       {"", "{", "[]", "17", R"({"x":1})", R"({"error":{"message":"out of\nmemory","code":500}})"}) {
    for (const ServerDialect* dialect : ServerDialects()) {
      const auto event = ParseCompletionEvent(*dialect, bad);
      ASSERT_FALSE(event) << bad;
      EXPECT_TRUE(event.error().retryable);
      EXPECT_EQ(event.error().message.find('\n'), std::string::npos);
    }
  }
  for (const char* odd :
       {R"({"content":5,"tokens":"x","stop":"yes"})", R"({"content":null,"tokens":[null,"a",{}]})"}) {
    EXPECT_TRUE(ParseCompletionEvent(kLlama, odd)) << odd;
  }
  for (const char* odd :
       {R"({"choices":5})", R"({"choices":[7]})", R"({"choices":[{"text":7,"finish_reason":9}]})"}) {
    EXPECT_TRUE(ParseCompletionEvent(kVllm, odd)) << odd;
  }
}

TEST(ServerErrorTest, IsToldInOneLine) {
  EXPECT_EQ(ServerErrorText(R"({"error":{"message":"a\nb"}})"), "a b");
  EXPECT_EQ(ServerErrorText(R"({"error":"plain"})"), "plain");
  EXPECT_EQ(ServerErrorText(R"({"message":"m"})"), "m");
  EXPECT_EQ(ServerErrorText("<html>\r\nBad Gateway"), "<html>  Bad Gateway");
}

TEST(ServerErrorTest, KnowsAFullContextWhenItReadsOfOne) {
  EXPECT_TRUE(MeansContextIsFull(
      kVllm, "This model's maximum context length is 256 tokens. However, your prompt contains 300"));
  EXPECT_TRUE(MeansContextIsFull(kVllm, "max_tokens must be at least 1, got 0."));
  EXPECT_TRUE(MeansContextIsFull(kVllm, "the request exceeds the available context size, try increasing it"));
  EXPECT_FALSE(MeansContextIsFull(kVllm, "Token id 99999 is out of vocabulary"));
}

TEST(DialectTest, EveryRowIsWholeAndHasItsOwnName) {
  std::set<std::string_view> names;
  for (const ServerDialect* dialect : ServerDialects()) {
    EXPECT_TRUE(names.insert(dialect->name).second) << dialect->name;
    EXPECT_EQ(FindDialect(dialect->name), dialect);
    for (const std::string_view path : {dialect->identity_path, dialect->completion_path})
      EXPECT_TRUE(path.starts_with('/')) << dialect->name;
    for (const std::string_view field :
         {dialect->tokens_max_field, dialect->event_field, dialect->detokenized_field})
      EXPECT_FALSE(field.empty()) << dialect->name;
    EXPECT_TRUE(dialect->recognises && dialect->identify && dialect->still_serves && dialect->add_fields &&
                dialect->read_event && dialect->tokenize_body && dialect->detokenize_body)
        << dialect->name;
  }
  EXPECT_EQ(FindDialect("auto"), nullptr);
}

// The first row that recognises a server with these answers.
std::string_view RecognisedAs(const Json& props, const Result<Json>& models) {
  const ServerAddress address{.base = "http://h", .model = ""};
  const ServerAnswers answers{.address = address, .props = props, .models = models, .post = {}};
  for (const ServerDialect* dialect : ServerDialects()) {
    if (dialect->recognises(answers)) return dialect->name;
  }
  return "";
}

TEST(DialectTest, IsRecognisedByWhatTheServerAnswers) {
  const auto list = [](const char* owner) {
    return Result<Json>(Json{{"data", Json::array({{{"id", "m"}, {"owned_by", owner}}})}});
  };
  const Json settings{{"default_generation_settings", Json::object()}};
  EXPECT_EQ(RecognisedAs(settings, list("llamacpp")), "llama-server");
  EXPECT_EQ(RecognisedAs(settings, Fail(ErrorCode::kBackend, "status 404")), "llama-server");
  EXPECT_EQ(RecognisedAs(Json(), list("sglang")), "sglang");
  EXPECT_EQ(RecognisedAs(Json(), list("vllm")), "vllm");
  EXPECT_EQ(RecognisedAs(Json(), list("somebody")), "vllm");
}

TEST(ServerAddressTest, IsReadAndRefused) {
  const auto address = ServerAddress::Parse("https://host:8000/v1#org/name");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->base, "https://host:8000");
  EXPECT_EQ(address->model, "org/name");
  EXPECT_EQ(ServerAddress::Parse("http://h:1/")->base, "http://h:1");
  EXPECT_EQ(ServerAddress::Parse("http://h:1/prefix/v1")->base, "http://h:1/prefix");
  const auto secret = ServerAddress::Parse("http://me:hunter2@host/v1");
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().message.find("hunter2"), std::string::npos);
  for (const char* bad : {"host:80", "ftp://host", "http://", "http://:80/v1"}) {
    EXPECT_FALSE(ServerAddress::Parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace tessy
