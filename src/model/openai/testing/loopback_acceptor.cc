#include "model/openai/testing/loopback_acceptor.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace tessy {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using SystemError = boost::system::error_code;

// A program that a test starts must hold neither the port nor a connection.
void CloseOnExec(int descriptor) { fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

}  // namespace

Status LoopbackAcceptor::Listen(Taken taken) {
  taken_ = std::move(taken);
  SystemError error;
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port_);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) CloseOnExec(acceptor_.native_handle());
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    const auto failed = Fail(ErrorCode::kIo, fmt::format("{}: {}", address(), error.message()));
    Close();
    return failed;
  }
  port_ = acceptor_.local_endpoint().port();
  Accept();
  return {};
}

void LoopbackAcceptor::Close() {
  SystemError ignored;
  acceptor_.close(ignored);
  again_.cancel();
}

std::string LoopbackAcceptor::address() const { return fmt::format("127.0.0.1:{}", port_); }

void LoopbackAcceptor::Accept() {
  acceptor_.async_accept([this](const SystemError& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      CloseOnExec(socket.native_handle());
      taken_(std::move(socket));
      if (acceptor_.is_open()) Accept();
      return;
    }
    // No more open files: somebody will go.
    again_.expires_after(std::chrono::milliseconds(10));
    again_.async_wait([this](const SystemError& cancelled) {
      if (!cancelled && acceptor_.is_open()) Accept();
    });
  });
}

}  // namespace tessy
