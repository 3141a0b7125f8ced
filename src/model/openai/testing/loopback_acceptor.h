#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"

namespace tessy {

// Takes connections on 127.0.0.1. Not thread-safe.
class LoopbackAcceptor {
 public:
  using Taken = std::function<void(boost::asio::ip::tcp::socket)>;

  explicit LoopbackAcceptor(boost::asio::io_context& io) : acceptor_(io), again_(io) {}

  // `taken` is given every connection, on the context's thread, until Close. The first call chooses the port,
  // those after a Close take the same one again.
  Status Listen(Taken taken);
  void Close();

  uint16_t port() const { return port_; }
  std::string address() const;  // "127.0.0.1:port"

 private:
  void Accept();

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer again_;
  Taken taken_;
  uint16_t port_ = 0;
};

}  // namespace tessy
