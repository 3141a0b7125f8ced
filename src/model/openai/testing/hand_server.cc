#include "model/openai/testing/hand_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace tessy {

struct HandServer::Impl {
  Answer answer;
  int listener = -1;
  uint16_t port = 0;
  std::thread acceptor;
  std::atomic<bool> stopping = false;

  std::mutex mutex;
  std::vector<WireRequest> requests;  // guarded by mutex
  std::vector<int> sockets;           // likewise; closed when their threads are done
  std::vector<std::thread> threads;   // likewise

  Status Listen();
  void Accept();
  void Serve(int socket);
};

Status HandServer::Impl::Listen() {
  listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* place = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || ::bind(listener, place, size) != 0 || ::listen(listener, 128) != 0 ||
      ::getsockname(listener, place, &size) != 0) {
    return Fail(ErrorCode::kIo, "no port of 127.0.0.1 can be listened on");
  }
  port = ntohs(address.sin_port);
  acceptor = std::thread([this] { Accept(); });
  return {};
}

void HandServer::Impl::Accept() {
  while (!stopping) {
    pollfd waiting{.fd = listener, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    const std::lock_guard lock(mutex);
    sockets.push_back(socket);
    threads.emplace_back([this, socket] { Serve(socket); });
  }
}

void HandServer::Impl::Serve(int socket) {
  WireRequestReader reader;
  std::array<char, 16384> bytes;
  std::optional<WireRequest> request;
  while (!(request = reader.Next()) && !reader.broken()) {
    const ssize_t count = ::recv(socket, bytes.data(), bytes.size(), 0);
    if (count <= 0) break;
    reader.Push({bytes.data(), static_cast<size_t>(count)});
  }
  if (request) {
    {
      const std::lock_guard lock(mutex);
      requests.push_back(*request);
    }
    Client client(socket);
    answer(*request, client);
    if (!client.answered()) client.Reply(404, R"({"error":"not found"})");
  }
  ::shutdown(socket, SHUT_RDWR);
}

bool HandServer::Client::Send(std::string_view bytes) {
  answered_ = true;
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

void HandServer::Client::Reply(int status, std::string_view body, std::string_view headers) {
  Send(fmt::format("HTTP/1.1 {} Status\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}", status,
                   body.size(), headers, body));
}

bool HandServer::Client::BeginStream() {
  return Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
}

bool HandServer::Client::Event(std::string_view data) { return Send(fmt::format("data: {}\n\n", data)); }

void HandServer::Client::WaitUntilGone() const {
  std::array<char, 256> bytes;
  while (::recv(socket_, bytes.data(), bytes.size(), 0) > 0) {
  }
}

Result<std::unique_ptr<HandServer>> HandServer::Start(Answer answer) {
  std::unique_ptr<HandServer> server(new HandServer);
  server->impl_ = std::make_unique<Impl>();
  server->impl_->answer = std::move(answer);
  if (auto status = server->impl_->Listen(); !status) return tl::unexpected(status.error());
  return server;
}

HandServer::~HandServer() {
  impl_->stopping = true;
  if (impl_->acceptor.joinable()) impl_->acceptor.join();
  {
    const std::lock_guard lock(impl_->mutex);
    for (const int socket : impl_->sockets) ::shutdown(socket, SHUT_RDWR);
  }
  for (std::thread& thread : impl_->threads) thread.join();
  for (const int socket : impl_->sockets) ::close(socket);
  if (impl_->listener >= 0) ::close(impl_->listener);
}

std::string HandServer::url() const { return fmt::format("http://127.0.0.1:{}", impl_->port); }
uint16_t HandServer::port() const { return impl_->port; }

std::vector<WireRequest> HandServer::requests() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->requests;
}

bool AnswerAsLlamaServer(const WireRequest& request, HandServer::Client& client) {
  if (request.path == "/health") return client.Reply(200, "{}"), true;
  if (request.path == "/props") {
    client.Reply(200, R"({"chat_template":"{% for m in messages %}{{ m.content }}\n{% endfor %}<think>",)"
                      R"("bos_token":"","eos_token":"</s>","default_generation_settings":{"n_ctx":4096}})");
    return true;
  }
  if (request.path == "/v1/models") {
    return client.Reply(200, R"({"data":[{"id":"m","meta":{"n_vocab":1000}}]})"), true;
  }
  if (request.path == "/tokenize") return client.Reply(200, R"({"tokens":[5,6]})"), true;
  return false;
}

bool AnswerAsVllm(const WireRequest& request, HandServer::Client& client) {
  if (request.path == "/health") return client.Reply(200, ""), true;
  if (request.path != "/v1/models") return false;
  return client.Reply(200, R"({"data":[{"id":"m","owned_by":"vllm","max_model_len":4096}]})"), true;
}

}  // namespace tessy
