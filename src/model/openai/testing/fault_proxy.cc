#include "model/openai/testing/fault_proxy.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/random.h"
#include "model/openai/testing/counting_loop.h"
#include "model/openai/testing/loopback_acceptor.h"

namespace tessy {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using SystemError = boost::system::error_code;

class Pair;

}  // namespace

struct FaultProxy::Impl : CountingLoop<FaultProxy::Counts> {
  FaultProxyOptions options;
  LoopbackAcceptor acceptor{io};
  Mode mode = Mode::kPass;         // the io thread's, as what follows
  std::unordered_set<Pair*> open;  // each keeps itself alive
  uint64_t accepted = 0;

  Status Listen();
  void Admit(tcp::socket client);
  void Enter(Mode next);
};

namespace {

// A client's connection and the one to the server that belongs to it.
class Pair : public std::enable_shared_from_this<Pair> {
 public:
  Pair(FaultProxy::Impl& proxy, tcp::socket client, int64_t resets_after)
      : proxy_(proxy),
        resets_after_(resets_after),
        up_{std::move(client), asio::steady_timer(proxy.io)},
        down_{tcp::socket(proxy.io), asio::steady_timer(proxy.io)} {}

  void Begin();
  void Close(bool reset);
  void WakeUp();  // the mode has changed

 private:
  // One direction: read from `source`, kept, written when due.
  struct Flow {
    tcp::socket source;
    asio::steady_timer timer;
    std::array<char, 8192> buffer = {};
    std::deque<std::pair<Clock::time_point, std::string>> pieces = {};
    std::string open = {};            // of an event that is not complete
    Clock::time_point last_due = {};  // of an event
    bool reading = false;
    bool writing = false;
    bool ended = false;
  };
  static constexpr size_t kPiecesMax = 256;  // then nothing is read until some are gone

  bool IsDown(const Flow& flow) const { return &flow == &down_; }
  Flow& Opposite(Flow& flow) { return IsDown(flow) ? up_ : down_; }
  void Read(Flow& flow);
  void Keep(Flow& flow, std::string_view bytes);
  void KeepEvents(Flow& flow, std::string_view bytes);
  void Write(Flow& flow);
  void Send(Flow& flow, std::string bytes);
  void Ended(Flow& flow);

  FaultProxy::Impl& proxy_;
  int64_t resets_after_;
  int64_t sent_down_ = 0;
  Flow up_;    // its source is the client
  Flow down_;  // its source is the server
  bool closed_ = false;
};

void Pair::Begin() {
  proxy_.open.insert(this);
  proxy_.Count([&](FaultProxy::Counts& counts) {
    ++counts.connections;
    counts.connections_open = proxy_.open.size();
  });
  SystemError ignored;
  up_.source.set_option(tcp::no_delay(true), ignored);
  Read(up_);
  const tcp::endpoint target(asio::ip::address_v4::loopback(), proxy_.options.target_port);
  down_.source.async_connect(target, [self = shared_from_this()](const SystemError& error) {
    if (self->closed_) return;
    if (error) return self->Close(true);
    SystemError unset;
    self->down_.source.set_option(tcp::no_delay(true), unset);
    self->Read(self->down_);
    self->Write(self->up_);
  });
}

void Pair::Close(bool reset) {
  if (std::exchange(closed_, true)) return;
  // Counted first: who sees the reset may look at once.
  proxy_.open.erase(this);
  proxy_.Count([&](FaultProxy::Counts& counts) {
    counts.connections_open = proxy_.open.size();
    counts.resets += reset ? 1 : 0;
  });
  SystemError ignored;
  for (Flow* flow : {&up_, &down_}) {
    flow->timer.cancel();
    if (reset) flow->source.set_option(asio::socket_base::linger(true, 0), ignored);
    flow->source.close(ignored);
  }
}

void Pair::WakeUp() {
  Write(up_);
  Write(down_);
}

void Pair::Read(Flow& flow) {
  if (flow.reading || flow.ended || flow.pieces.size() >= kPiecesMax) return;
  flow.reading = true;
  flow.source.async_read_some(asio::buffer(flow.buffer),
                              [self = shared_from_this(), &flow](const SystemError& error, size_t count) {
                                if (self->closed_) return;
                                flow.reading = false;
                                if (error) {
                                  flow.ended = true;
                                  // A client who goes, goes at once: the server is to know.
                                  return self->IsDown(flow) ? self->Write(flow) : self->Close(false);
                                }
                                self->Keep(flow, {flow.buffer.data(), count});
                                self->Write(flow);
                                self->Read(flow);
                              });
}

void Pair::Keep(Flow& flow, std::string_view bytes) {
  proxy_.Count([&](FaultProxy::Counts& counts) {
    (IsDown(flow) ? counts.bytes_down : counts.bytes_up) += bytes.size();
  });
  if (IsDown(flow) && proxy_.options.event_ms > 0.0) return KeepEvents(flow, bytes);
  flow.pieces.emplace_back(Clock::now() + Milliseconds(proxy_.options.latency_ms), bytes);
}

// Headers, and what is no event, go on at once; an event is due so long after the last one.
void Pair::KeepEvents(Flow& flow, std::string_view bytes) {
  flow.open += bytes;
  const auto now = Clock::now() + Milliseconds(proxy_.options.latency_ms);
  size_t begin = 0;
  for (size_t end = flow.open.find("\n\n"); end != std::string::npos; end = flow.open.find("\n\n", begin)) {
    flow.last_due = std::max(now, flow.last_due + Milliseconds(proxy_.options.event_ms));
    flow.pieces.emplace_back(flow.last_due, flow.open.substr(begin, end + 2 - begin));
    begin = end + 2;
  }
  flow.open.erase(0, begin);
  // A whole answer that is no stream, or a stream's header or end: nothing says that an event is under way.
  if (flow.open.find("data:") == std::string::npos && !flow.open.empty()) {
    flow.pieces.emplace_back(std::max(now, flow.last_due), std::exchange(flow.open, {}));
  }
}

void Pair::Write(Flow& flow) {
  const bool connected = IsDown(flow) || down_.source.is_open();
  if (closed_ || flow.writing || !connected || proxy_.mode == FaultProxy::Mode::kBlackhole) return;
  if (flow.pieces.empty()) {
    if (!flow.ended) return;
    if (!flow.open.empty()) return Send(flow, std::exchange(flow.open, {}));
    return Close(false);
  }
  if (flow.pieces.front().first > Clock::now()) {
    flow.timer.expires_at(flow.pieces.front().first);
    flow.timer.async_wait([self = shared_from_this(), &flow](const SystemError& error) {
      if (!error) self->Write(flow);
    });
    return;
  }
  std::string bytes = std::move(flow.pieces.front().second);
  flow.pieces.pop_front();
  Read(flow);
  Send(flow, std::move(bytes));
}

void Pair::Send(Flow& flow, std::string bytes) {
  bool resets = false;
  if (IsDown(flow) && resets_after_ >= 0) {
    const int64_t left = resets_after_ - sent_down_;
    resets = static_cast<int64_t>(bytes.size()) >= left;
    if (resets) bytes.resize(static_cast<size_t>(left));
    sent_down_ += static_cast<int64_t>(bytes.size());
  }
  flow.writing = true;
  auto kept = std::make_shared<std::string>(std::move(bytes));
  asio::async_write(Opposite(flow).source, asio::buffer(*kept),
                    [self = shared_from_this(), &flow, kept, resets](const SystemError& error, size_t) {
                      if (self->closed_) return;
                      flow.writing = false;
                      if (error || resets) return self->Close(resets);
                      self->Write(flow);
                    });
}

}  // namespace

Status FaultProxy::Impl::Listen() {
  return acceptor.Listen([this](tcp::socket client) { Admit(std::move(client)); });
}

void FaultProxy::Impl::Admit(tcp::socket client) {
  const int64_t resets_after = options.resets_after ? options.resets_after(accepted) : -1;
  ++accepted;
  auto pair = std::make_shared<Pair>(*this, std::move(client), resets_after);
  pair->Begin();
  if (mode == Mode::kCutOff) pair->Close(true);
}

void FaultProxy::Impl::Enter(Mode next) {
  const Mode before = std::exchange(mode, next);
  if (mode == Mode::kRefuse) acceptor.Close();
  if (before == Mode::kRefuse && mode != Mode::kRefuse) static_cast<void>(Listen());
  const std::vector<Pair*> all(open.begin(), open.end());
  for (Pair* pair : all) {
    if (mode == Mode::kCutOff) {
      pair->Close(true);
    } else {
      pair->WakeUp();
    }
  }
}

FaultProxy::FaultProxy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<FaultProxy>> FaultProxy::Start(const FaultProxyOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  if (auto status = impl->Listen(); !status) return tl::unexpected(status.error());
  impl->thread = std::thread([io = &impl->io] { io->run(); });
  return std::unique_ptr<FaultProxy>(new FaultProxy(std::move(impl)));
}

FaultProxy::~FaultProxy() {
  impl_->Await([this] {
    impl_->Enter(Mode::kRefuse);
    const std::vector<Pair*> all(impl_->open.begin(), impl_->open.end());
    for (Pair* pair : all) pair->Close(true);
  });
  impl_->work.reset();
  impl_->thread.join();
}

uint16_t FaultProxy::port() const { return impl_->acceptor.port(); }
std::string FaultProxy::url() const { return "http://" + impl_->acceptor.address(); }
void FaultProxy::SetMode(Mode mode) {
  impl_->Await([&] { impl_->Enter(mode); });
}

FaultProxy::Counts FaultProxy::counts() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->counts;
}

std::function<int64_t(uint64_t)> RandomResets(uint64_t seed, double share, uint64_t bytes_max) {
  return [=](uint64_t connection) -> int64_t {
    if (UniformAt(seed, connection, 0) >= share) return -1;
    return 1 + static_cast<int64_t>(UniformAt(seed, connection, 1) * static_cast<double>(bytes_max));
  };
}

}  // namespace tessy
