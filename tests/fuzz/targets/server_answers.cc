// The answers by which a probe recognises a server: /props, /v1/models and all others, with record separators
// between them.
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "fuzz/target.h"
#include "model/openai/completion.h"
#include "model/openai/dialect.h"
#include "model/openai/json_fields.h"

namespace tessy::fuzz {
namespace {

using Json = nlohmann::json;

Result<Json> ObjectIn(std::string_view text) {
  Json json = ParseServerJson(text);
  if (json.is_object()) return json;
  return Fail(ErrorCode::kBackend, "did not answer in JSON");
}

void Probe(const ServerDialect& dialect, const ServerAnswers& answers, const Json& props) {
  Note(dialect.recognises(answers) ? "recognised" : "not recognised");
  auto identity = dialect.identify(answers);
  if (!identity) {
    Require(IsValidUtf8(identity.error().message), "an error is UTF-8");
    return Note(identity.error().message);
  }
  identity->dialect = &dialect;
  Note(std::string(Name(dialect)) + (identity->context_tokens > 0 ? "c" : "") +
       (identity->vocabulary_size > 0 ? "v" : "") + (identity->chat_template.empty() ? "" : "t") +
       (identity->bos.empty() ? "" : "b"));
  Require(dialect.identity_path(*identity).find_first_of(" \r\n") == std::string::npos, "a path is one word");
  if (answers.models) dialect.still_serves(*answers.models, *identity);
  if (props.is_object()) dialect.still_serves(props, *identity);
  // Bodies are written for what the server said of itself.
  Require(!dialect.tokenize_body(*identity, "a", true).dump().empty(), "a body can be written");
  CompletionBody body({.dialect = dialect, .model = identity->model});
  body.AppendText(identity->chat_template);
  Require(Json::accept(body.Request(1, 2)), "a request is JSON");
}

void Run(std::string_view input) {
  const auto [first, rest] = InTwo(input);
  const auto [second, third] = InTwo(rest);
  const std::string said = ServerErrorText(input);
  Require(IsValidUtf8(said) && said.size() < 210, "what a server says in an error is short and UTF-8");
  Require(said.find_first_of("\r\n") == std::string::npos, "what a server says in an error is one line");
  Json props = ParseServerJson(first);
  if (!props.is_object()) props = Json();
  const Result<Json> models = ObjectIn(second);
  for (const char* model : {"", "m"}) {
    const ServerAddress address{.base = "http://h:1", .model = model};
    bool odd = false;
    const ServerAnswers answers{
        .address = address,
        .props = props,
        .models = models,
        .get = [&, other = third](std::string_view) { return ObjectIn(other); },
        .post = [&, other = third](std::string_view, const Json&) -> Result<std::string> {
          odd = !odd;
          return std::string(odd ? other : other.substr(other.size() / 2));
        }};
    for (const ServerDialect* dialect : ServerDialects()) Probe(*dialect, answers, props);
  }
}

const Registration kRegistered(
    {.name = "server_answers",
     .grammar = kJson,
     .seeds =
         {R"({"default_generation_settings":{"n_ctx":4096.0},"chat_template":"{{ a }}","bos_token":"<s>","eos_token":"</s>"})"
          "\x1E"
          R"({"data":[{"id":"m","meta":{"n_vocab":32000},"max_model_len":4096,"owned_by":"sglang"},{"id":"n"}]})"
          "\x1E"
          R"({"tokens":[1,2]})",
          "{\"role\":\"router\"}\x1E{\"data\":[{\"id\":\"m\"}]}\x1E{\"chat_template\":\"a\",\"bos_token\":"
          "\"b\"}",
          R"({"error":{"message":"no","type":"x"}})", R"({"message":"\ud83d"})"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
