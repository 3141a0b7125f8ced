#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tessy {

// A connection's bytes, in the clear or under TLS. One read and one write at a time; callbacks come later, on
// the thread of the io_context, and must keep the transport alive. A waiting plain connection has no buffer.
class WireTransport {
 public:
  using Error = boost::system::error_code;
  using OnOpen = std::function<void(const Error&)>;
  using OnRead = std::function<void(const Error&, std::string_view)>;  // bytes: valid during the call
  using OnWritten = std::function<void(const Error&)>;
  using Socket = boost::asio::ip::tcp::socket;

  static std::unique_ptr<WireTransport> Plain(Socket socket);
  static std::unique_ptr<WireTransport> Tls(Socket socket, boost::asio::ssl::context& context);
  virtual ~WireTransport() = default;

  virtual void Open(OnOpen done) = 0;
  virtual void Read(OnRead done) = 0;
  virtual void Write(std::string bytes, OnWritten done) = 0;
  // With RST, or in order.
  void Close(bool reset);

 protected:
  virtual Socket& socket() = 0;
};

}  // namespace tessy
