#include "model/openai/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/shorten.h"

namespace tessy {
namespace {

constexpr size_t kAnswerMax = 4U << 20;  // of an exchange that is waited for
constexpr size_t kHeadersMax = 1U << 20;
constexpr long kBufferBytes = 4096;  // tokens are small, and there is one buffer for each stream
constexpr size_t kHandlesKept = 64;
constexpr int kFetchSeconds = 60;
constexpr long kRedirectsMax = 5;
constexpr size_t kAheadMax = 2U << 20;  // bytes of a stream that came and are not taken
constexpr size_t kDeliveryBytes = 256;  // what a delivery takes besides its bytes

bool CurlWorks() {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  return global == CURLE_OK;
}

// A stream that is given up is reset. An orderly close would keep its port in use for a minute, and with one
// connection a span the ports would run out.
int ResetOnClose(void*, curl_socket_t socket, curlsocktype) {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  return CURL_SOCKOPT_OK;
}

class Headers {
 public:
  ~Headers() { curl_slist_free_all(list_); }
  Headers() = default;
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;
  void Add(const std::string& header) { list_ = curl_slist_append(list_, header.c_str()); }
  curl_slist* list() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

// The parts of an address.
class Url {
 public:
  explicit Url(const std::string& text) : url_(curl_url()) { Move(text); }
  ~Url() { curl_url_cleanup(url_); }
  Url(const Url&) = delete;
  Url& operator=(const Url&) = delete;

  // To another address, which may be relative to this one.
  void Move(const std::string& text) {
    good_ = curl_url_set(url_, CURLUPART_URL, text.c_str(), 0) == CURLUE_OK;
  }
  bool good() const { return good_; }
  std::string Part(CURLUPart part, unsigned flags = 0) const {
    char* text = nullptr;
    if (curl_url_get(url_, part, &text, flags) != CURLUE_OK) return "";
    std::string copy(text);
    curl_free(text);
    return copy;
  }

 private:
  CURLU* url_;
  bool good_ = false;
};

std::string Lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// True if what may be sent to `from` may be sent to `to`.
bool IsSameHost(const Url& from, const Url& to) {
  if (Lower(from.Part(CURLUPART_HOST)) != Lower(to.Part(CURLUPART_HOST))) return false;
  const std::string scheme = from.Part(CURLUPART_SCHEME);
  const std::string next = to.Part(CURLUPART_SCHEME);
  if (scheme == "http" && next == "https") return true;
  return scheme == next &&
         from.Part(CURLUPART_PORT, CURLU_DEFAULT_PORT) == to.Part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

// Without what may be secret in it.
std::string Shown(const Url& url) {
  const std::string port = url.Part(CURLUPART_PORT);
  return Shortened(url.Part(CURLUPART_SCHEME) + "://" + url.Part(CURLUPART_HOST) +
                       (port.empty() ? "" : ":" + port) + url.Part(CURLUPART_PATH),
                   200);
}

// Reads the headers of one exchange, which it must outlive.
struct HeaderReader {
  CURL* easy = nullptr;
  size_t bytes = 0;
  std::string refused = {};  // why the exchange is ended

  static size_t OnHeader(char* bytes, size_t size, size_t count, void* user) {
    return static_cast<HeaderReader*>(user)->Take({bytes, size * count}) ? size * count : 0;
  }
  bool Take(std::string_view line) {
    bytes += line.size();
    if (bytes > kHeadersMax) refused = "sends headers without an end";
    constexpr std::string_view kName = "location:";
    if (Lower(std::string(line.substr(0, kName.size()))) == kName) Follow(line.substr(kName.size()));
    return refused.empty();
  }

 private:
  void Follow(std::string_view place) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 300 || status >= 400) return;
    const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!place.empty() && is_blank(place.front())) place.remove_prefix(1);
    while (!place.empty() && is_blank(place.back())) place.remove_suffix(1);
    const char* here = nullptr;
    curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &here);
    const Url from(here == nullptr ? "" : here);
    Url to(here == nullptr ? "" : here);
    to.Move(std::string(place));
    if (to.good() && IsSameHost(from, to)) return;
    refused = to.good() ? fmt::format(
                              "redirects to {}, which is not followed because it is another host or "
                              "port; give that address if it is meant",
                              Shown(to))
                        : "redirects to what is no address";
  }
};

void SetAuthorities(CURL* easy, const HttpOptions& options) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : nullptr;
  };
  const char* bundle = options.ca_file.empty() ? variable("CURL_CA_BUNDLE") : options.ca_file.c_str();
  if (bundle == nullptr) {
    if (const char* folder = variable("SSL_CERT_DIR")) curl_easy_setopt(easy, CURLOPT_CAPATH, folder);
    bundle = variable("SSL_CERT_FILE");
  }
  if (bundle != nullptr) curl_easy_setopt(easy, CURLOPT_CAINFO, bundle);
}

void SetRedirects(CURL* easy, HeaderReader& reader) {
  reader.easy = easy;
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &HeaderReader::OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &reader);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, kRedirectsMax);
  curl_easy_setopt(easy, CURLOPT_POSTREDIR, static_cast<long>(CURL_REDIR_POST_ALL));
  curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 1L);  // the reader lets it stay on the host
}

// Sets the options of every exchange. What is given must outlive it; `error`: of CURL_ERROR_SIZE.
void SetUp(CURL* easy, const HttpRequest& request, const HttpOptions& options, Headers& headers,
           HeaderReader& reader, char* error) {
  const auto set = [easy](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(request.connect_seconds));
  set(CURLOPT_TIMEOUT, static_cast<long>(request.seconds_max));
  set(CURLOPT_ERRORBUFFER, error);
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_BUFFERSIZE, kBufferBytes);
  set(CURLOPT_SOCKOPTFUNCTION, &ResetOnClose);
  SetAuthorities(easy, options);
  SetRedirects(easy, reader);
  if (!request.body.empty()) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDS, request.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    headers.Add("Content-Type: application/json");
    headers.Add("Expect:");
  }
  if (!options.bearer_token.empty()) headers.Add("Authorization: Bearer " + options.bearer_token);
  for (const std::string& header : request.headers) headers.Add(header);
  set(CURLOPT_HTTPHEADER, headers.list());
}

bool IsOfCertificates(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_SSL_ISSUER_ERROR;
}

// Why an exchange came to nothing: in our words, or in curl's.
std::string WhyEnded(CURLcode code, const HeaderReader& reader, const char* error) {
  if (!reader.refused.empty()) return reader.refused;
  std::string said = *error != '\0' ? error : curl_easy_strerror(code);
  if (IsOfCertificates(code)) {
    said += "; certificates that the system does not know are given with --ca-file (or CURL_CA_BUNDLE)";
  }
  return said;
}

}  // namespace

// Shared between both threads. `cancelled` is set by the owner of the exchange; the callbacks are used on the
// driving thread alone.
struct HttpClient::Exchange::State {
  HttpRequest request;
  OnData on_data;
  OnEnd on_end;
  std::atomic<bool> cancelled = false;
  std::atomic<size_t> ahead = 0;     // bytes that came and are not taken, and what they cost besides
  std::atomic<bool> paused = false;  // whoever sets it back sees to it that reading goes on

  static size_t CostOf(size_t bytes) { return bytes + kDeliveryBytes; }
};

struct HttpClient::Impl : std::enable_shared_from_this<HttpClient::Impl> {
  using State = Exchange::State;
  using StatePointer = std::shared_ptr<State>;
  struct Transfer {
    StatePointer state;
    Impl* impl = nullptr;
    CURL* easy = nullptr;
    Headers headers;
    HeaderReader reader;
    char error[CURL_ERROR_SIZE] = {};
  };
  // News of an exchange: bytes that came, or its end.
  struct Delivery {
    StatePointer state;
    std::string data = {};
    std::optional<Ended> ended = {};
  };

  HttpOptions options;
  Post post;
  Totals totals;  // the driving thread's

  CURLM* multi = nullptr;
  int epoll = -1;
  int wake = -1;
  std::thread thread;

  std::mutex mutex;
  std::vector<StatePointer> added;    // guarded by mutex
  std::vector<StatePointer> dropped;  // likewise
  std::vector<StatePointer> resumed;  // likewise: paused ones that are to be read on
  std::vector<Delivery> inbox;        // likewise
  bool stopping = false;              // likewise
  bool woken = false;                 // likewise: the network thread has been told to look

  // Used by the network thread alone:
  std::map<const State*, std::unique_ptr<Transfer>> transfers;
  std::vector<CURL*> idle;
  std::vector<Delivery> outbox;
  long timeout_ms = -1;

  ~Impl();
  void Wake();
  void Run();
  bool TakeOrders();
  void Wait();
  void Add(StatePointer state);
  void Remove(const State* state);
  void Resume(const State* state);
  void Took(const StatePointer& state, size_t bytes);
  void End(CURL* easy, CURLcode code);
  void Flush();
  void Drain();
  static size_t OnBytes(char* bytes, size_t size, size_t count, void* user);
  static int OnSocket(CURL* easy, curl_socket_t socket, int what, void* user, void* known);
  static int OnTimer(CURLM* multi, long timeout_ms, void* user);
};

HttpClient::Impl::~Impl() {
  for (CURL* easy : idle) curl_easy_cleanup(easy);
  if (multi != nullptr) curl_multi_cleanup(multi);
  if (epoll >= 0) close(epoll);
  if (wake >= 0) close(wake);
}

// With the mutex held.
void HttpClient::Impl::Wake() {
  if (std::exchange(woken, true)) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(wake, &one, sizeof one);
}

size_t HttpClient::Impl::OnBytes(char* bytes, size_t size, size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  State& state = *transfer->state;
  if (state.cancelled) return 0;  // ends the transfer
  if (state.ahead > kAheadMax) {
    state.paused = true;
    // Looked at once more: it may all have been taken before the driving thread could see the pause.
    if (state.ahead > kAheadMax / 2 || !state.paused.exchange(false)) return CURL_WRITEFUNC_PAUSE;
  }
  state.ahead += State::CostOf(size * count);
  transfer->impl->outbox.push_back({.state = transfer->state, .data = std::string(bytes, size * count)});
  return size * count;
}

int HttpClient::Impl::OnSocket(CURL*, curl_socket_t socket, int what, void* user, void* known) {
  auto* impl = static_cast<Impl*>(user);
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(impl->epoll, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event event{};
  event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
  event.data.fd = socket;
  if (known == nullptr) {
    curl_multi_assign(impl->multi, socket, impl);  // anything but null: it is in the epoll set
    if (epoll_ctl(impl->epoll, EPOLL_CTL_ADD, socket, &event) == 0 || errno != EEXIST) return 0;
  }
  epoll_ctl(impl->epoll, EPOLL_CTL_MOD, socket, &event);
  return 0;
}

int HttpClient::Impl::OnTimer(CURLM*, long timeout_ms, void* user) {
  static_cast<Impl*>(user)->timeout_ms = timeout_ms;
  return 0;
}

void HttpClient::Impl::Add(StatePointer state) {
  auto transfer = std::make_unique<Transfer>();
  transfer->state = std::move(state);
  transfer->impl = this;
  if (idle.empty()) {
    transfer->easy = curl_easy_init();
  } else {
    transfer->easy = idle.back();
    idle.pop_back();
  }
  CURL* easy = transfer->easy;
  SetUp(easy, transfer->state->request, options, transfer->headers, transfer->reader, transfer->error);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Impl::OnBytes);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer->state.get());
  curl_multi_add_handle(multi, easy);
  const State* key = transfer->state.get();
  transfers.emplace(key, std::move(transfer));
}

void HttpClient::Impl::Remove(const State* state) {
  const auto found = transfers.find(state);
  if (found == transfers.end()) return;
  CURL* easy = found->second->easy;
  curl_multi_remove_handle(multi, easy);
  curl_easy_reset(easy);
  if (idle.size() < kHandlesKept) {
    idle.push_back(easy);
  } else {
    curl_easy_cleanup(easy);
  }
  transfers.erase(found);
}

void HttpClient::Impl::Resume(const State* state) {
  const auto found = transfers.find(state);
  if (found != transfers.end()) curl_easy_pause(found->second->easy, CURLPAUSE_CONT);
}

void HttpClient::Impl::End(CURL* easy, CURLcode code) {
  char* key = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &key);
  const auto found = transfers.find(reinterpret_cast<const State*>(key));
  if (found == transfers.end()) return;
  Transfer& transfer = *found->second;
  Ended ended;
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_off_t retry_after = 0;
  curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
  ended.status = static_cast<int>(status);
  if (retry_after > 0) ended.retry_after = static_cast<int64_t>(retry_after);
  if (code != CURLE_OK) {
    ended.error = WhyEnded(code, transfer.reader, transfer.error);
  }
  outbox.push_back({.state = transfer.state, .ended = std::move(ended)});
  Remove(found->first);
}

// False if the exchange is over.
bool HttpClient::Impl::TakeOrders() {
  std::vector<StatePointer> fresh;
  std::vector<StatePointer> unwanted;
  std::vector<StatePointer> taken;
  {
    const std::lock_guard lock(mutex);
    if (stopping) return false;
    woken = false;
    fresh.swap(added);
    unwanted.swap(dropped);
    taken.swap(resumed);
  }
  for (const auto& state : unwanted) Remove(state.get());
  for (const auto& state : taken) Resume(state.get());
  for (auto& state : fresh) {
    if (!state->cancelled) Add(std::move(state));
  }
  return true;
}

void HttpClient::Impl::Wait() {
  std::array<epoll_event, 256> events;
  const int wait = timeout_ms < 0 || timeout_ms > 1000 ? 1000 : static_cast<int>(timeout_ms);
  const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), wait);
  int running = 0;
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<size_t>(i)];
    if (event.data.fd == wake) {
      uint64_t told = 0;
      [[maybe_unused]] const ssize_t n = read(wake, &told, sizeof told);
      continue;
    }
    const int mask = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                     ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                     ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(multi, event.data.fd, mask, &running);
  }
  // Time has passed, whatever ended the wait; curl finds out by its own clock which timers are due.
  curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

void HttpClient::Impl::Flush() {
  if (outbox.empty()) return;
  bool first = false;
  {
    const std::lock_guard lock(mutex);
    first = inbox.empty();
    if (first) {
      inbox.swap(outbox);
    } else {
      std::move(outbox.begin(), outbox.end(), std::back_inserter(inbox));
    }
  }
  outbox.clear();
  if (!first) return;
  post([weak = weak_from_this()] {
    if (const auto impl = weak.lock()) impl->Drain();
  });
}

// Bytes of a stream left the queue; on the driving thread.
void HttpClient::Impl::Took(const StatePointer& state, size_t bytes) {
  state->ahead -= State::CostOf(bytes);
  if (state->ahead > kAheadMax / 2 || !state->paused.exchange(false)) return;
  const std::lock_guard lock(mutex);
  resumed.push_back(state);
  Wake();
}

void HttpClient::Impl::Drain() {
  std::vector<Delivery> deliveries;
  {
    const std::lock_guard lock(mutex);
    deliveries.swap(inbox);
  }
  for (Delivery& delivery : deliveries) {
    State& state = *delivery.state;
    if (state.cancelled) continue;
    if (delivery.ended) {
      state.on_end(std::move(*delivery.ended));
      continue;
    }
    totals.bytes_received += delivery.data.size();
    state.on_data(delivery.data);
    Took(delivery.state, delivery.data.size());
  }
}

void HttpClient::Impl::Run() {
  while (TakeOrders()) {
    int running = 0;
    if (timeout_ms == 0) curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg == CURLMSG_DONE) End(message->easy_handle, message->data.result);
    }
    Flush();
    Wait();
    while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg == CURLMSG_DONE) End(message->easy_handle, message->data.result);
    }
    Flush();
  }
  while (!transfers.empty()) Remove(transfers.begin()->first);
}

HttpClient::Exchange::~Exchange() {
  if (state_->cancelled.exchange(true)) return;
  const std::lock_guard lock(client_->impl_->mutex);
  client_->impl_->dropped.push_back(state_);
  client_->impl_->Wake();
}

Result<std::unique_ptr<HttpClient>> HttpClient::Create(const HttpOptions& options, Post post) {
  std::unique_ptr<HttpClient> client(new HttpClient);
  client->impl_ = std::make_shared<Impl>();
  Impl& impl = *client->impl_;
  impl.options = options;
  impl.post = std::move(post);
  impl.multi = CurlWorks() ? curl_multi_init() : nullptr;
  impl.epoll = epoll_create1(EPOLL_CLOEXEC);
  impl.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = impl.wake;
  if (impl.multi == nullptr || impl.epoll < 0 || impl.wake < 0 ||
      epoll_ctl(impl.epoll, EPOLL_CTL_ADD, impl.wake, &event) != 0) {
    return Fail(ErrorCode::kBackend, "libcurl cannot be started");
  }
  curl_multi_setopt(impl.multi, CURLMOPT_MAXCONNECTS, 256L);
  curl_multi_setopt(impl.multi, CURLMOPT_SOCKETFUNCTION, &Impl::OnSocket);
  curl_multi_setopt(impl.multi, CURLMOPT_SOCKETDATA, &impl);
  curl_multi_setopt(impl.multi, CURLMOPT_TIMERFUNCTION, &Impl::OnTimer);
  curl_multi_setopt(impl.multi, CURLMOPT_TIMERDATA, &impl);
  impl.thread = std::thread([&impl] { impl.Run(); });
  return client;
}

HttpClient::~HttpClient() {
  if (!impl_) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->Wake();
  }
  if (impl_->thread.joinable()) impl_->thread.join();
}

HttpClient::Totals HttpClient::totals() const { return impl_->totals; }

std::unique_ptr<HttpClient::Exchange> HttpClient::Start(HttpRequest request, OnData on_data, OnEnd on_end) {
  std::unique_ptr<Exchange> exchange(new Exchange);
  exchange->client_ = this;
  exchange->state_ = std::make_shared<Exchange::State>();
  ++impl_->totals.requests;
  impl_->totals.bytes_sent += request.body.size();
  exchange->state_->request = std::move(request);
  exchange->state_->on_data = std::move(on_data);
  exchange->state_->on_end = std::move(on_end);
  const std::lock_guard lock(impl_->mutex);
  impl_->added.push_back(exchange->state_);
  impl_->Wake();
  return exchange;
}

Result<std::pair<int, std::string>> Fetch(const HttpRequest& request, const HttpOptions& options) {
  if (!CurlWorks()) return Fail(ErrorCode::kBackend, "libcurl cannot be started");
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(), &curl_easy_cleanup);
  Headers headers;
  HeaderReader reader;
  std::array<char, CURL_ERROR_SIZE> reason{};
  HttpRequest asked = request;
  if (asked.seconds_max == 0) asked.seconds_max = kFetchSeconds;
  SetUp(easy.get(), asked, options, headers, reader, reason.data());
  std::string answer;
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(
      easy.get(), CURLOPT_WRITEFUNCTION, +[](char* bytes, size_t size, size_t count, void* user) -> size_t {
        auto& text = *static_cast<std::string*>(user);
        text.append(bytes, size * count);
        return text.size() > kAnswerMax ? 0 : size * count;
      });
  const CURLcode code = curl_easy_perform(easy.get());
  if (answer.size() > kAnswerMax) reader.refused = "answers without an end";
  if (code != CURLE_OK) {
    const bool may_come = reader.refused.empty() && code != CURLE_TOO_MANY_REDIRECTS;
    const bool may_be_down = may_come && !IsOfCertificates(code);
    return Fail(ErrorCode::kBackend,
                fmt::format("{}: {}{}", request.url, WhyEnded(code, reader, reason.data()),
                            may_be_down ? "; is the server up, and reachable from here?" : ""),
                /*retryable=*/may_come);
  }
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  return std::pair(static_cast<int>(status), std::move(answer));
}

}  // namespace tessy
