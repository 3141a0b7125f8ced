#include "model/openai/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "base/random.h"
#include "model/openai/json_fields.h"

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

TEST(CompletionEventTest, AnErrorThatIsNullOrEmptyIsNone) {
  for (const char* none : {"null", "false", R"("")", "{}", "[]"}) {
    const auto token = ParseCompletionEvent(
        kVllm, std::string(R"({"choices":[{"text":" so","finish_reason":null}],"error":)") + none + "}");
    ASSERT_TRUE(token) << none;
    EXPECT_EQ(token->text, " so");
  }
  EXPECT_EQ(ServerErrorText(R"({"error":null,"message":"m"})"), "m");
  for (const char* error : {"17", "[1]", R"("x")", R"({"a":1})", "true"}) {
    EXPECT_FALSE(ParseCompletionEvent(kVllm, std::string(R"({"choices":[],"error":)") + error + "}"))
        << error;
  }
}

TEST(CompletionEventTest, WhatServersSayBetweenTokensHasNoText) {
  for (const char* nothing :
       {"{}", R"({"type":"ping"})", R"({"id":"x","usage":{"completion_tokens":2}})",
        R"({"choices":null,"usage":{}})", R"({"choices":[],"prompt_filter_results":[]})",
        R"({"prompt_filter_results":[{}]})"}) {
    const auto event = ParseCompletionEvent(kVllm, nothing);
    ASSERT_TRUE(event) << nothing;
    EXPECT_THAT(event->text, IsEmpty());
    EXPECT_EQ(event->end, End::kNone);
  }
}

TEST(CompletionEventTest, WhatNestsDeeplyIsRefused) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  for (const std::string& event :
       {"{\"error\":" + deep + "}", "{\"content\":\"a\",\"x\":" + deep + "}", deep}) {
    for (const ServerDialect* dialect : ServerDialects()) {
      const auto parsed = ParseCompletionEvent(*dialect, event);
      ASSERT_FALSE(parsed);
      EXPECT_TRUE(parsed.error().retryable);
      EXPECT_LT(parsed.error().message.size(), 300U);
    }
    EXPECT_LT(ServerErrorText(event).size(), 300U);
  }
}

TEST(CompletionEventTest, ACountThatFitsNoTypeIsTheLargest) {
  EXPECT_EQ(ParseCompletionEvent(kLlama, R"({"content":"","tokens_predicted":18446744073709551615})")
                ->tokens_so_far,
            INT64_MAX);
  EXPECT_EQ(ParseCompletionEvent(kLlama, R"({"content":"","tokens_predicted":-9223372036854775808})")
                ->tokens_so_far,
            -1);
}

// The texts of a stream, joined event by event.
std::vector<std::string> JoinedTexts(const std::vector<std::string>& escaped) {
  HalfJoiner joiner;
  std::vector<std::string> texts;
  for (size_t i = 0; i < escaped.size(); ++i) {
    const bool last = i + 1 == escaped.size();
    auto event = ParseCompletionEvent(kLlama, R"({"content":")" + escaped[i] + R"(","stop":)" +
                                                  (last ? R"(true,"stop_type":"eos"})" : "false}"));
    EXPECT_TRUE(event) << escaped[i];
    joiner.Join(*event);
    EXPECT_FALSE(event->has_halves);
    texts.push_back(event->text);
  }
  return texts;
}

TEST(HalfJoinerTest, HalvesInTwoEventsAreOneCharacter) {
  EXPECT_THAT(JoinedTexts({R"(a\ud83d)", R"(\ude00b)", ""}), ElementsAre("a", "\U0001F600b", ""));
  EXPECT_THAT(JoinedTexts({R"(\ud83d)", "", R"(\ude00\ud83d)", R"(\ude01)"}),
              ElementsAre("", "", "\U0001F600", "\U0001F601"));
}

TEST(HalfJoinerTest, AHalfAloneIsAReplacement) {
  EXPECT_THAT(JoinedTexts({R"(a\ud83d)", "b", "c"}), ElementsAre("a", "\uFFFDb", "c"));
  EXPECT_THAT(JoinedTexts({R"(a\ude00b)", ""}), ElementsAre("a\uFFFDb", ""));
  EXPECT_THAT(JoinedTexts({R"(a\ud83d)", ""}), ElementsAre("a", "\uFFFD")) << "at the end of the stream";
  EXPECT_THAT(JoinedTexts({R"(\ud83d\ud83d\ude00)"}), ElementsAre("\uFFFD\U0001F600"));
  EXPECT_THAT(JoinedTexts({R"(\ud83d\ud83d)", R"(\ude00)"}), ElementsAre("\uFFFD", "\U0001F600"));
  EXPECT_THAT(JoinedTexts({"\U0010F83D", ""}), ElementsAre("\U0010F83D", "")) << "a character of its own";
}

TEST(ServerErrorTest, IsShortened) {
  const std::string text = ServerErrorText("{\"error\":\"" + std::string(100'000, 'x') + "\"}");
  EXPECT_LT(text.size(), 250U);
  EXPECT_TRUE(text.ends_with("…"));
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
    EXPECT_TRUE(dialect->completion_path.starts_with('/')) << dialect->name;
    EXPECT_TRUE(dialect->identity_path({.model = "m"}).starts_with('/')) << dialect->name;
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
  const ServerAnswers answers{.address = address, .props = props, .models = models, .get = {}, .post = {}};
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

}  // namespace
}  // namespace tessy
