#include "model/openai/testing/wire_transport.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace tessy {
namespace {

namespace asio = boost::asio;

class PlainTransport final : public WireTransport {
 public:
  explicit PlainTransport(Socket socket) : socket_(std::move(socket)) {
    Error ignored;
    socket_.non_blocking(true, ignored);
  }
  void Open(OnOpen done) override {
    asio::post(socket_.get_executor(), [done = std::move(done)] { done({}); });
  }
  void Read(OnRead done) override {
    socket_.async_wait(Socket::wait_read, [this, done = std::move(done)](Error error) mutable {
      if (error) return done(error, {});
      static thread_local std::array<char, 65536> buffer;
      const size_t count = socket_.read_some(asio::buffer(buffer), error);
      if (error == asio::error::would_block) return Read(std::move(done));
      done(error, {buffer.data(), count});
    });
  }
  void Write(std::string bytes, OnWritten done) override {
    out_ = std::move(bytes);
    asio::async_write(socket_, asio::buffer(out_),
                      [done = std::move(done)](const Error& error, size_t) { done(error); });
  }

 protected:
  Socket& socket() override { return socket_; }

 private:
  Socket socket_;
  std::string out_;
};

class TlsTransport final : public WireTransport {
 public:
  TlsTransport(Socket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}
  void Open(OnOpen done) override {
    stream_.async_handshake(asio::ssl::stream_base::server, std::move(done));
  }
  void Read(OnRead done) override {
    stream_.async_read_some(asio::buffer(in_),
                            [this, done = std::move(done)](const Error& error, size_t count) {
                              done(error, {in_.data(), count});
                            });
  }
  void Write(std::string bytes, OnWritten done) override {
    out_ = std::move(bytes);
    asio::async_write(stream_, asio::buffer(out_),
                      [done = std::move(done)](const Error& error, size_t) { done(error); });
  }

 protected:
  Socket& socket() override { return stream_.next_layer(); }

 private:
  asio::ssl::stream<Socket> stream_;
  std::array<char, 4096> in_{};
  std::string out_;
};

}  // namespace

std::unique_ptr<WireTransport> WireTransport::Plain(Socket socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

std::unique_ptr<WireTransport> WireTransport::Tls(Socket socket, asio::ssl::context& context) {
  return std::make_unique<TlsTransport>(std::move(socket), context);
}

void WireTransport::Close(bool reset) {
  Error ignored;
  if (reset) {
    socket().set_option(asio::socket_base::linger(true, 0), ignored);
  } else {
    socket().shutdown(Socket::shutdown_both, ignored);
  }
  socket().close(ignored);
}

}  // namespace tessy
