#include "model/openai/testing/scripted_server.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>

#include "model/openai/testing/counting_loop.h"
#include "model/openai/testing/loopback_acceptor.h"
#include "model/openai/testing/wire_request.h"
#include "model/openai/testing/wire_transport.h"

namespace tessy {

using Json = nlohmann::json;

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using SystemError = boost::system::error_code;
using Kind = Fault::Kind;

constexpr size_t kHugeEventBytes = 20U << 20;
constexpr std::string_view kChatMl =
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + "
    "'<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
    "{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif "
    "%}"
    "{% endif %}";

std::string_view StatusText(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

std::string Chunk(std::string_view bytes) { return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes); }
constexpr std::string_view kLastChunk = "0\r\n\r\n";
constexpr std::string_view kStreamHeader =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";

class Connection;

}  // namespace

struct ScriptedServer::Impl : CountingLoop<ScriptedServerCounts> {
  ScriptedServerOptions options;
  WireGeneration::Server generation;
  std::optional<asio::ssl::context> tls;
  LoopbackAcceptor acceptor{io};
  std::unordered_set<Connection*> open;  // each keeps itself alive; the io thread's, as what follows
  uint64_t generating = 0;
  uint64_t faulty_requests = 0;
  uint64_t generations = 0;
  std::atomic<bool> loading = false;

  std::deque<std::string> bodies;  // guarded by mutex
  FaultSchedule faults;            // likewise

  Status Listen();
  void Admit(tcp::socket socket);
  void CloseAll();
};

namespace {

// One client. Keeps itself alive through the handlers that wait for it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ScriptedServer::Impl& server, std::unique_ptr<WireTransport> transport)
      : server_(server), transport_(std::move(transport)), timer_(server.io) {}

  void Begin();
  // The server's end; nothing is called after it.
  void Close(bool reset);

 private:
  void Read();
  void OnGone();
  void NextRequest();
  void Handle(WireRequest request);
  bool FailsBefore(const WireRequest& request);
  void Route(const WireRequest& request);
  void RouteJson(const std::string& path, const Json& body);
  void ReplyProps();
  void ReplyModels();
  void ReplyTokenize(const Json& body);
  void ReplyDetokenize(const Json& body);
  void ReplyPooling(const Json& body);
  void ReplyCounts();
  bool IsServed(const Json& body);

  void Generate(const Json& body);
  void Step();
  void AfterToken();
  bool FailsHere();
  void EndGeneration();
  void DripForEver();
  void SendHuge(size_t bytes);

  void Reply(int status, std::string body, std::string_view type = "application/json",
             const std::string& headers = {});
  void ReplyError(int status, std::string_view message) {
    const WireError error = MakeWireError(server_.options.dialect, status, message);
    Reply(error.status, error.body);
  }
  // Sends bytes, of which `body_at` and after are of the body; a fault may cut them.
  void Send(std::string bytes, size_t body_at, std::function<void()> then);
  void Finish();  // of one answer
  template <class F>
  void After(Clock::time_point time, F&& call) {
    timer_.expires_at(time);
    timer_.async_wait([self = shared_from_this(), call = std::forward<F>(call)](const SystemError& error) {
      if (!error && !self->closed_) call();
    });
  }

  ScriptedServer::Impl& server_;
  std::unique_ptr<WireTransport> transport_;
  asio::steady_timer timer_;
  WireRequestReader reader_;
  bool busy_ = false;
  bool closed_ = false;
  bool keeps_alive_ = true;
  Fault fault_;
  size_t body_sent_ = 0;
  std::unique_ptr<WireGeneration> generation_;
  bool header_sent_ = false;
  Clock::time_point due_;
};

void Connection::Begin() {
  server_.open.insert(this);
  server_.Count([&](ScriptedServerCounts& counts) {
    ++counts.connections;
    counts.connections_open = server_.open.size();
    counts.connections_most = std::max(counts.connections_most, counts.connections_open);
  });
  transport_->Open([self = shared_from_this()](const SystemError& error) {
    if (error) return self->OnGone();
    if (!self->closed_) self->Read();
  });
}

void Connection::Close(bool reset) {
  if (std::exchange(closed_, true)) return;
  if (generation_) --server_.generating;
  generation_.reset();
  timer_.cancel();
  transport_->Close(reset);
  server_.open.erase(this);
  server_.Count([&](ScriptedServerCounts& counts) { counts.connections_open = server_.open.size(); });
}

void Connection::OnGone() {
  if (closed_) return;
  if (generation_ && !generation_->over()) {
    const size_t more = std::min(server_.options.tokens_after_close, generation_->tokens_left());
    server_.Count([&](ScriptedServerCounts& counts) {
      counts.tokens_generated += more;
      counts.tokens_after_close += more;
    });
  }
  Close(false);
}

// A read is always under way, so that a client who goes is noticed.
void Connection::Read() {
  transport_->Read([self = shared_from_this()](const SystemError& error, std::string_view bytes) {
    if (self->closed_) return;
    if (error) return self->OnGone();
    self->server_.Count([&](ScriptedServerCounts& counts) { counts.bytes_received += bytes.size(); });
    self->reader_.Push(bytes);
    self->Read();
    if (!self->busy_) self->NextRequest();
  });
}

void Connection::NextRequest() {
  if (auto request = reader_.Next()) return Handle(std::move(*request));
  if (reader_.broken()) {
    busy_ = true;
    keeps_alive_ = false;
    return ReplyError(400, "this is no HTTP that is known here");
  }
  if (!reader_.TakeExpectation()) return;
  busy_ = true;
  transport_->Write("HTTP/1.1 100 Continue\r\n\r\n", [self = shared_from_this()](const SystemError& error) {
    if (error) return self->OnGone();
    self->busy_ = false;
    if (!self->closed_) self->NextRequest();
  });
}

void Connection::Handle(WireRequest request) {
  busy_ = true;
  keeps_alive_ = request.keeps_alive;
  fault_ = {};
  body_sent_ = 0;
  header_sent_ = false;
  const ScriptedServerOptions& options = server_.options;
  const bool may_fail = (options.faults_everywhere && request.path != "/scripted/counts") ||
                        request.path == "/completion" || request.path == "/v1/completions" ||
                        request.path == "/pooling";
  {
    const std::lock_guard lock(server_.mutex);
    ++server_.counts.requests[request.path];
    if (options.bodies_kept > 0 && request.path != "/scripted/counts") {
      server_.bodies.push_back(request.body);
      if (server_.bodies.size() > options.bodies_kept) server_.bodies.pop_front();
    }
    if (may_fail && server_.faults) fault_ = server_.faults(server_.faulty_requests++);
    server_.counts.faults += fault_.kind == Kind::kNone ? 0 : 1;
  }
  // vLLM guards what is under /v1 alone.
  const bool guarded = options.dialect == WireDialect::kVllm
                           ? request.path.starts_with("/v1/") || request.path == "/pooling"
                           : request.path != "/health";
  if (!options.bearer_token.empty() && guarded && request.authorization != "Bearer " + options.bearer_token) {
    return ReplyError(401, "Invalid API Key");
  }
  if (server_.loading) return ReplyError(503, "Loading model");
  if (FailsBefore(request)) return;
  Route(request);
}

bool Connection::FailsBefore(const WireRequest& request) {
  switch (fault_.kind) {
    case Kind::kDelay:
      After(Clock::now() + std::chrono::milliseconds(fault_.ms), [this, request] { Route(request); });
      return true;
    case Kind::kResetBeforeStatus:
      Close(true);
      return true;
    case Kind::kCloseBeforeStatus:
      Close(false);
      return true;
    case Kind::kStatus: {
      const WireError error =
          MakeWireError(server_.options.dialect, fault_.status, "scripted to answer so this time");
      Reply(error.status, error.body, "application/json",
            fault_.retry_after < 0 ? "" : fmt::format("Retry-After: {}\r\n", fault_.retry_after));
      return true;
    }
    case Kind::kHtmlPage:
      Reply(fault_.status,
            fmt::format("<html>\r\n<head><title>{0} {1}</title></head>\r\n<body>\r\n<center><h1>{0} "
                        "{1}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
                        fault_.status, StatusText(fault_.status)),
            "text/html");
      return true;
    case Kind::kHang:
      return true;
    case Kind::kEmpty:
      Reply(200, "");
      return true;
    default:
      return false;
  }
}

void Connection::Route(const WireRequest& request) {
  const bool llama = server_.options.dialect == WireDialect::kLlamaServer;
  if (request.method == "GET") {
    if (request.path == "/health") return Reply(200, llama ? "{\"status\":\"ok\"}" : "");
    if (request.path == "/v1/models") return ReplyModels();
    if (request.path == "/props" && llama) return ReplyProps();
    if (request.path == "/scripted/counts") return ReplyCounts();
  }
  const Json body = Json::parse(request.body, nullptr, false);
  if (request.method == "POST") {
    if (!body.is_object()) return ReplyError(400, "the body is no JSON object");
    return RouteJson(request.path, body);
  }
  llama ? ReplyError(404, "File Not Found") : Reply(404, "{\"detail\":\"Not Found\"}");
}

void Connection::RouteJson(const std::string& path, const Json& body) {
  const bool llama = server_.options.dialect == WireDialect::kLlamaServer;
  if (path == "/tokenize") return ReplyTokenize(body);
  if (path == "/detokenize") return ReplyDetokenize(body);
  if (path == (llama ? "/completion" : "/v1/completions")) return Generate(body);
  if (path == "/pooling" && !llama) return ReplyPooling(body);
  llama ? ReplyError(404, "File Not Found") : Reply(404, "{\"detail\":\"Not Found\"}");
}

void Connection::ReplyProps() {
  const ScriptedServerOptions& options = server_.options;
  Reply(200, Json{{"default_generation_settings", {{"n_ctx", options.context_tokens}}},
                  {"total_slots", 4},
                  {"model_alias", options.served.front()},
                  {"chat_template", options.chat_template.empty() ? kChatMl : options.chat_template},
                  {"bos_token", ""},
                  {"eos_token", "<|im_end|>"},
                  {"build_info", "scripted"}}
                 .dump());
}

void Connection::ReplyModels() {
  const ScriptedServerOptions& options = server_.options;
  Json list = Json::array();
  for (const std::string& name : options.served) {
    list.push_back({{"id", name},
                    {"object", "model"},
                    {"created", 1700000000},
                    {"owned_by", options.owned_by},
                    {"root", name},
                    {"max_model_len", options.context_tokens}});
    if (options.dialect == WireDialect::kVllm) continue;
    list.back().erase("max_model_len");
    list.back()["owned_by"] = "llamacpp";
    list.back()["meta"] = {{"n_vocab", server_.generation.vocabulary->size()},
                           {"n_ctx_train", options.context_tokens}};
  }
  Reply(200, Json{{"object", "list"}, {"data", list}}.dump());
}

void Connection::ReplyCounts() {
  Json json;
  {
    const std::lock_guard lock(server_.mutex);
    const ScriptedServerCounts& counts = server_.counts;
    json = {{"completions", counts.completions()},
            {"bytes_received", counts.bytes_received},
            {"bytes_sent", counts.bytes_sent},
            {"tokens_generated", counts.tokens_generated},
            {"tokens_after_close", counts.tokens_after_close},
            {"connections", counts.connections},
            {"connections_open", counts.connections_open},
            {"connections_most", counts.connections_most},
            {"generating_most", counts.generating_most}};
  }
  Reply(200, json.dump());
}

void Connection::ReplyTokenize(const Json& body) {
  const bool llama = server_.options.dialect == WireDialect::kLlamaServer;
  const char* key = llama ? "content" : "prompt";
  if (!body.contains(key) || !body[key].is_string()) return ReplyError(400, "there is no text");
  const bool special = !llama || body.value("parse_special", true);
  const auto ids = server_.generation.vocabulary->Tokenize(body[key].get<std::string>(), special);
  if (llama) return Reply(200, Json{{"tokens", ids}}.dump());
  if (!IsServed(body)) return;
  Reply(200, Json{{"count", ids.size()},
                  {"max_model_len", server_.options.context_tokens},
                  {"tokens", ids},
                  {"token_strs", nullptr}}
                 .dump());
}

void Connection::ReplyDetokenize(const Json& body) {
  const bool llama = server_.options.dialect == WireDialect::kLlamaServer;
  std::string text;
  for (const Json& id : body.value("tokens", Json::array())) {
    if (!id.is_number_integer()) return ReplyError(400, "a token is no number");
    text += server_.generation.vocabulary->Spelling(id.get<int32_t>());
  }
  if (!llama && !IsServed(body)) return;
  Reply(200, Json{{llama ? "content" : "prompt", text}}.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void Connection::ReplyPooling(const Json& body) {
  if (!IsServed(body)) return;
  const Json input = body.value("input", Json());
  Json data = Json::array();
  size_t tokens = 0;
  const Json cut = body.value("truncate_prompt_tokens", Json());
  const size_t most = cut.is_number_unsigned() ? cut.get<size_t>() : 0;
  const bool from_left = body.value("truncation_side", Json()) == "left";
  const bool one = !input.is_array() || input.empty() || input[0].is_number();
  for (const Json& text : one ? Json::array({input}) : input) {
    std::vector<int32_t> ids;
    if (text.is_string()) {
      ids = server_.generation.vocabulary->Tokenize(text.get<std::string>(), true);
    } else if (text.is_array() && !text.empty() && text[0].is_number_integer()) {
      ids = text.get<std::vector<int32_t>>();
    }
    if (ids.empty()) return ReplyError(400, "an input is no text and no list of tokens");
    if (most > 0 && ids.size() > most) {
      const auto surplus = static_cast<ptrdiff_t>(ids.size() - most);
      from_left ? ids.erase(ids.begin(), ids.begin() + surplus) : ids.erase(ids.end() - surplus, ids.end());
    }
    std::string so_far;
    Json rows = Json::array();
    for (const int32_t id : ids) {
      so_far += server_.generation.vocabulary->Spelling(id);
      const double style = WireStyleProbability(so_far);
      rows.push_back({1.0 - style, style});
    }
    tokens += ids.size();
    data.push_back({{"index", data.size()}, {"object", "pooling"}, {"data", std::move(rows)}});
  }
  Reply(200, Json{{"id", "pool-0"},
                  {"object", "list"},
                  {"created", 1700000000},
                  {"model", body.value("model", "")},
                  {"data", std::move(data)},
                  {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}}
                 .dump());
}

bool Connection::IsServed(const Json& body) {
  const std::string name =
      body.contains("model") && body["model"].is_string() ? body["model"].get<std::string>() : "";
  const auto& served = server_.options.served;
  if (std::find(served.begin(), served.end(), name) != served.end()) return true;
  ReplyError(404,
             fmt::format("The model `{}` does not exist. Valid aliases: {}.", name, fmt::join(served, ", ")));
  return false;
}

void Connection::Generate(const Json& body) {
  const ScriptedServerOptions& options = server_.options;
  const bool llama = options.dialect == WireDialect::kLlamaServer;
  if (!llama && !IsServed(body)) return;
  if (options.generating_max > 0 && server_.generating >= options.generating_max) {
    const WireError error = MakeWireError(options.dialect, options.overload_status,
                                          "The engine is currently busy and cannot accept new requests.");
    return Reply(error.status, error.body, "application/json",
                 options.overload_retry_after < 0
                     ? ""
                     : fmt::format("Retry-After: {}\r\n", options.overload_retry_after));
  }
  WireError error;
  auto begun = WireGeneration::Begin(server_.generation, body,
                                     llama ? options.served.front() : body["model"].get<std::string>(),
                                     server_.generations++, &error);
  if (!begun) return Reply(error.status, error.body);
  generation_ = std::make_unique<WireGeneration>(std::move(*begun));
  ++server_.generating;
  server_.Count([&](ScriptedServerCounts& counts) {
    counts.generating_most = std::max(counts.generating_most, server_.generating);
  });
  due_ = Clock::now() + Milliseconds(options.first_token_ms + options.token_ms);
  AfterToken();
}

// The next one when it is due.
void Connection::AfterToken() {
  if (due_ <= Clock::now()) {
    // By way of the queue: others have their turn, and a client who went is noticed.
    asio::post(server_.io, [self = shared_from_this()] {
      if (!self->closed_) self->Step();
    });
    return;
  }
  After(due_, [this] { Step(); });
}

void Connection::Step() {
  if (FailsHere()) return;
  const size_t before = generation_->tokens();
  const bool speaks = generation_->Step();
  const size_t made = generation_->tokens() - before;
  server_.Count([&](ScriptedServerCounts& counts) { counts.tokens_generated += made; });
  due_ += Milliseconds(server_.options.token_ms * static_cast<double>(made));
  if (!speaks) return AfterToken();
  if (!generation_->streams()) {
    const std::string whole = generation_->Whole();
    EndGeneration();
    return Reply(200, whole);
  }
  std::string bytes(header_sent_ ? "" : kStreamHeader);
  const size_t body_at = bytes.size();
  header_sent_ = true;
  std::string events = generation_->Events();
  if (generation_->over()) events += generation_->Trailer();
  bytes += Chunk(events);
  const bool over = generation_->over();
  if (over) {
    bytes += kLastChunk;
    EndGeneration();
  }
  Send(std::move(bytes), body_at, [this, over] { over ? Finish() : AfterToken(); });
}

void Connection::EndGeneration() {
  generation_.reset();
  --server_.generating;
}

// A fault in the middle of a stream whose time has come.
bool Connection::FailsHere() {
  if (generation_->tokens() < fault_.tokens) return false;
  const Kind kind = fault_.kind;
  if (kind < Kind::kStall || kind > Kind::kFinishAbort) return false;
  if (kind == Kind::kFinishLength || kind == Kind::kFinishAbort) {
    generation_->EndWith(kind == Kind::kFinishLength ? WireGeneration::Finish::kLength
                                                     : WireGeneration::Finish::kAbort);
    fault_.kind = Kind::kNone;
    return false;
  }
  if (!generation_->streams()) return false;  // Reply has its own ways
  std::string bytes(std::exchange(header_sent_, true) ? "" : kStreamHeader);
  const size_t body_at = bytes.size();
  const auto send = [&](std::string_view body, std::function<void()> then) {
    fault_.kind = Kind::kNone;
    Send(bytes + std::string(body), body_at, std::move(then));
  };
  const auto go_on = [this] { AfterToken(); };
  const auto end_in_order = [this] { Finish(); };
  switch (kind) {
    case Kind::kStall:
      send("", [] {});
      break;
    case Kind::kSlowLoris:
      Send(bytes, body_at, [this] { DripForEver(); });
      break;
    case Kind::kTruncatedJson: {
      const std::string event = generation_->EventOf(" trunca", {}, false);
      EndGeneration();
      send(Chunk(event.substr(0, event.find("trunca") + 6) + "\n\n") + std::string(kLastChunk), end_in_order);
      break;
    }
    case Kind::kGarbageLine:
      send(Chunk("\x7f garbage: \x01\n"), go_on);
      break;
    case Kind::kEventNotJson:
      send(Chunk("data: {'text': oh}\n\n"), go_on);
      break;
    case Kind::kEventNotUtf8:
      send(Chunk(generation_->EventOf(" \xe6\x97", {}, false)), go_on);
      break;
    case Kind::kEventCutInCharacter: {
      const std::string event = generation_->EventOf("\xe6\x97\xa5", {}, false);
      send(Chunk(event.substr(0, event.find('\xe6') + 1)), [this] { Close(false); });
      break;
    }
    case Kind::kEventOfOtherShape: {
      constexpr std::string_view kShapes[] = {"{\"object\":\"ping\"}", "[1,2]",
                                              "{\"choices\":[{\"text\":5}],\"content\":[]}", "null"};
      send(Chunk(fmt::format("data: {}\n\n", kShapes[fault_.bytes % std::size(kShapes)])), go_on);
      break;
    }
    case Kind::kErrorEvent: {
      const WireError error = MakeWireError(server_.options.dialect, 500, "EngineCore encountered an issue");
      const std::string events = "data: " + error.body + "\n\n" + generation_->Trailer();
      EndGeneration();
      send(Chunk(events) + std::string(kLastChunk), end_in_order);
      break;
    }
    case Kind::kHugeEvent:
      send(Chunk("data: {\"text\":\""), [this] { SendHuge(kHugeEventBytes); });
      break;
    default:
      break;
  }
  return true;
}

void Connection::DripForEver() {
  After(Clock::now() + std::chrono::milliseconds(std::max<int64_t>(1, fault_.ms)),
        [this] { Send(Chunk(":"), 0, [this] { DripForEver(); }); });
}

void Connection::SendHuge(size_t bytes) {
  constexpr size_t kPiece = 256U << 10;
  if (bytes == 0) return;  // and waits for the client to have enough
  const size_t piece = std::min(bytes, kPiece);
  Send(Chunk(std::string(piece, 'x')), 0, [this, left = bytes - piece] { SendHuge(left); });
}

void Connection::Reply(int status, std::string body, std::string_view type, const std::string& headers) {
  // What is wrong with a body that is no stream.
  switch (fault_.kind) {
    case Kind::kTruncatedJson:
      body.resize(body.size() / 2);
      break;
    case Kind::kEventNotJson:
    case Kind::kEventCutInCharacter:
      body = "{'text': oh";
      break;
    case Kind::kEventNotUtf8:
      body = "{\"text\":\"\xe6\x97\"}";
      break;
    case Kind::kEventOfOtherShape:
      body = "{\"object\":\"ping\",\"data\":7,\"choices\":[],\"tokens\":{}}";
      break;
    case Kind::kErrorEvent:
      body = MakeWireError(server_.options.dialect, 500, "EngineCore encountered an issue").body;
      break;
    case Kind::kHugeEvent:
      body = std::string(kHugeEventBytes, 'x');
      break;
    default:
      break;
  }
  std::string bytes = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}{}\r\n",
                                  status, StatusText(status), type, body.size(), headers,
                                  keeps_alive_ ? "" : "Connection: close\r\n");
  const size_t body_at = bytes.size();
  if (fault_.kind == Kind::kStall || fault_.kind == Kind::kSlowLoris) {
    return Send(std::move(bytes), body_at, [this] {
      if (fault_.kind == Kind::kSlowLoris) DripForEver();
    });
  }
  bytes += body;
  Send(std::move(bytes), body_at, [this] { Finish(); });
}

void Connection::Send(std::string bytes, size_t body_at, std::function<void()> then) {
  const bool cuts = fault_.kind == Kind::kResetAfterBytes || fault_.kind == Kind::kCloseAfterBytes;
  const size_t body = bytes.size() - body_at;
  if (cuts && body_sent_ + body > fault_.bytes) {
    bytes.resize(body_at + (fault_.bytes - body_sent_));
    then = [this, reset = fault_.kind == Kind::kResetAfterBytes] { Close(reset); };
  }
  body_sent_ += body;
  server_.Count([&](ScriptedServerCounts& counts) { counts.bytes_sent += bytes.size(); });
  transport_->Write(std::move(bytes),
                    [self = shared_from_this(), then = std::move(then)](const SystemError& error) {
                      if (self->closed_) return;
                      if (error) return self->OnGone();
                      then();
                    });
}

void Connection::Finish() {
  if (!keeps_alive_) return Close(false);
  busy_ = false;
  NextRequest();
}

}  // namespace

uint64_t ScriptedServerCounts::completions() const {
  uint64_t sum = 0;
  for (const char* path : {"/completion", "/v1/completions"}) {
    if (const auto found = requests.find(path); found != requests.end()) sum += found->second;
  }
  return sum;
}

Status ScriptedServer::Impl::Listen() {
  return acceptor.Listen([this](tcp::socket socket) { Admit(std::move(socket)); });
}

void ScriptedServer::Impl::Admit(tcp::socket socket) {
  SystemError ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  auto transport =
      tls ? WireTransport::Tls(std::move(socket), *tls) : WireTransport::Plain(std::move(socket));
  std::make_shared<Connection>(*this, std::move(transport))->Begin();
}

void ScriptedServer::Impl::CloseAll() {
  acceptor.Close();
  const std::vector<Connection*> all(open.begin(), open.end());
  for (Connection* connection : all) connection->Close(/*reset=*/true);
}

ScriptedServer::ScriptedServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<ScriptedServer>> ScriptedServer::Start(const ScriptedServerOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->faults = options.faults;
  impl->generation = {
      .dialect = options.dialect,
      .vocabulary = options.vocabulary != nullptr ? options.vocabulary : &PhraseVocabulary::Edition(0),
      .text = options.text,
      .thinking_opener = options.thinking_opener,
      .context_tokens = options.context_tokens,
      .refuses_beyond_context = options.refuses_beyond_context,
      .tokens_an_event = std::max(1U, options.tokens_an_event)};
  if (!options.certificate_file.empty()) {
    SystemError error;
    impl->tls.emplace(asio::ssl::context::tls_server);
    impl->tls->use_certificate_chain_file(options.certificate_file, error);
    if (!error) impl->tls->use_private_key_file(options.key_file, asio::ssl::context::pem, error);
    if (error) return Fail(ErrorCode::kIo, fmt::format("{}: {}", options.certificate_file, error.message()));
  }
  if (auto status = impl->Listen(); !status) return tl::unexpected(status.error());
  impl->thread = std::thread([io = &impl->io] { io->run(); });
  return std::unique_ptr<ScriptedServer>(new ScriptedServer(std::move(impl)));
}

ScriptedServer::~ScriptedServer() {
  Stop();
  impl_->work.reset();
  impl_->thread.join();
}

uint16_t ScriptedServer::port() const { return impl_->acceptor.port(); }
std::string ScriptedServer::url() const {
  return fmt::format("{}://{}", impl_->tls ? "https" : "http", impl_->acceptor.address());
}
std::string ScriptedServer::spec() const {
  return fmt::format("{}/v1#{}", url(), impl_->options.served.front());
}

void ScriptedServer::Stop() {
  impl_->Await([this] { impl_->CloseAll(); });
}

Status ScriptedServer::Restart() {
  Status status;
  impl_->Await([&] { status = impl_->Listen(); });
  return status;
}

ScriptedServerCounts ScriptedServer::counts() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->counts;
}

std::vector<std::string> ScriptedServer::bodies() const {
  const std::lock_guard lock(impl_->mutex);
  return {impl_->bodies.begin(), impl_->bodies.end()};
}

void ScriptedServer::SetFaults(FaultSchedule faults) {
  const std::lock_guard lock(impl_->mutex);
  impl_->faults = std::move(faults);
}

void ScriptedServer::SetLoading(bool loading) { impl_->loading = loading; }

}  // namespace tessy
