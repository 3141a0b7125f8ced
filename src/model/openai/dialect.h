#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cooperation/trace.h"
#include "model/openai/server_address.h"
#include "model/sampling.h"

namespace tessy {

struct ServerDialect;

// The identity that a server tells.
struct ServerIdentity {
  const ServerDialect* dialect = nullptr;  // set by a probe; a row of the table, which outlives everything
  std::string model = {};                  // the served name; empty where requests need not name it
  size_t context_tokens = 0;               // 0: the server did not say
  size_t vocabulary_size = 0;              // 0: the server did not say
  std::string chat_template = {};          // empty unless the dialect tells its template
  std::string bos = {};                    // its text; empty unless the server puts it before every prompt
  std::string eos = {};                    // its text, where the dialect tells it

  // True if both servers serve the same model in the same way.
  bool Matches(const ServerIdentity& other) const {
    return dialect == other.dialect && model == other.model && chat_template == other.chat_template;
  }
};

// A server's answers to the two GET requests of every probe, and ways to ask it more. Valid only during the
// call that it is passed to.
struct ServerAnswers {
  const ServerAddress& address;
  const nlohmann::json& props;           // GET /props: an object, or null where the server has none
  const Result<nlohmann::json>& models;  // GET /v1/models: an object, or why there is none
  // GETs a path of the server, and waits for the answer, an object, also while the server loads its model.
  std::function<Result<nlohmann::json>(std::string_view path)> get;
  // POSTs a body to a path of the server and waits for the text of the answer; empty where the server has no
  // such path.
  std::function<Result<std::string>(std::string_view path, const nlohmann::json& body)> post;
};

// The part that all requests of one session have in common.
struct CompletionForm {
  const ServerDialect& dialect;
  std::string model = {};  // the served name; empty where requests need not name it
  Sampling sampling = {};
  bool ids = false;  // the prompt is token ids, else text
};

// One event of a stream.
struct CompletionEvent {
  enum class End : uint8_t {
    kNone,
    kSequence,  // the model ended, by a token or a stop text of its own
    kLimit,     // as many tokens as were asked for
    kContext,   // the context is full
    kOther,     // aborted, or a reason that the dialect does not know
  };
  std::string text;  // halves of surrogate pairs in it are marks (MarkHalves) until HalfJoiner joins them
  bool has_halves = false;     // the text may hold marks
  std::vector<TokenId> ids;    // where the server sends them
  int64_t tokens_so_far = -1;  // tokens of this request; -1 where the server does not count them
  End end = End::kNone;
  std::string end_name;  // the server's own word for kOther
};

// How one kind of completions server is spoken to: everything that differs between servers. A constant value,
// one in each file of dialects/; functions are pure but for what they ask of ServerAnswers. Every dialect
// streams server-sent events, takes a seed and the fields temperature, top_p, top_k and min_p, and answers
// GET /health.
struct ServerDialect {
  std::string_view name;  // "vllm": what --dialect takes and messages say

  // Recognition. The probe asks the rows of the table in their order, and the first that says true is taken.
  bool (*recognises)(const ServerAnswers& answers);
  // The server's identity; its `dialect` is set by the probe. An error says what the server lacks.
  Result<ServerIdentity> (*identify)(const ServerAnswers& answers);
  // True if `identify` brings the chat template and the size of the vocabulary. Where false, the user names
  // the family or gives a file.
  bool tells_template = false;

  // A server that comes back: what is asked of it (GET), and whether the answer, a JSON object, is that of
  // the server it was.
  std::string (*identity_path)(const ServerIdentity& identity);
  bool (*still_serves)(const nlohmann::json& answer, const ServerIdentity& identity);

  // Requests. The prompt goes into the field "prompt": a string, or a list of token ids.
  std::string_view completion_path;
  std::string_view tokens_max_field;  // limit of the tokens of one request
  // Adds the dialect's own fields: those that make the server send token ids, keep special tokens in the
  // text, and switch off samplers and penalties that it would apply by itself. `fields` holds the sampling
  // already, where a top_k of 0 means all tokens, and may be changed.
  void (*add_fields)(const CompletionForm& form, nlohmann::json& fields);

  // Answers.
  std::string_view event_field;  // a member that every event has; an event without it is an error
  CompletionEvent (*read_event)(const nlohmann::json& event);
  // Phrases by which a refusal (status 4xx) says that prompt and limit exceed the context, besides the
  // phrases that all servers use (MeansContextIsFull).
  std::span<const std::string_view> context_full_phrases = {};

  // The server's tokenizer: bodies of POST /tokenize (which answers with "tokens") and POST /detokenize
  // (which answers with a text in `detokenized_field`). `markup`: special tokens in the text are recognised,
  // where the server can be told.
  nlohmann::json (*tokenize_body)(const ServerIdentity& identity, const std::string& text, bool markup);
  nlohmann::json (*detokenize_body)(const ServerIdentity& identity, const std::vector<TokenId>& tokens);
  std::string_view detokenized_field;
};

inline std::string_view Name(const ServerDialect& dialect) { return dialect.name; }

// The table, in the order in which servers are recognised.
std::span<const ServerDialect* const> ServerDialects();
// Null if no dialect has this name.
const ServerDialect* FindDialect(std::string_view name);
// The names of the table, in its order.
std::vector<std::string> DialectNames();

}  // namespace tessy
