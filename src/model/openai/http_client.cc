#include "model/openai/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace tessy {

// Shared between both threads: `cancelled` by whoever wants no more, the callbacks on the driving thread
// alone.
struct HttpClient::Exchange::State {
  HttpRequest request;
  OnData on_data;
  OnEnd on_end;
  std::atomic<bool> cancelled = false;
};

struct HttpClient::Impl {
  using State = Exchange::State;
  struct Transfer {
    std::shared_ptr<State> state;
    Impl* impl = nullptr;
    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    char error[CURL_ERROR_SIZE] = {};
  };

  HttpOptions options;
  Post post;
  CURLM* multi = nullptr;
  std::thread thread;
  std::mutex mutex;
  std::deque<std::shared_ptr<State>> added;              // guarded by mutex
  bool stopping = false;                                 // likewise
  bool swept = true;                                     // false: some transfer may be cancelled; likewise
  std::map<CURL*, std::unique_ptr<Transfer>> transfers;  // the network thread's

  void Run();
  void Add(std::shared_ptr<State> state);
  void Remove(CURL* easy);
  void Deliver(Transfer& transfer, CURLcode code);
  static size_t OnBytes(char* bytes, size_t size, size_t count, void* user);
};

size_t HttpClient::Impl::OnBytes(char* bytes, size_t size, size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  if (transfer->state->cancelled) return 0;  // ends the transfer
  transfer->impl->post([state = transfer->state, data = std::string(bytes, size * count)] {
    if (!state->cancelled) state->on_data(data);
  });
  return size * count;
}

void HttpClient::Impl::Add(std::shared_ptr<State> state) {
  auto transfer = std::make_unique<Transfer>();
  transfer->state = std::move(state);
  transfer->impl = this;
  const HttpRequest& request = transfer->state->request;
  CURL* easy = transfer->easy = curl_easy_init();
  const auto set = [easy](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
  const auto add_header = [&](const std::string& header) {
    transfer->headers = curl_slist_append(transfer->headers, header.c_str());
  };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(request.connect_seconds));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.idle_seconds));
  set(CURLOPT_ERRORBUFFER, transfer->error);
  set(CURLOPT_WRITEFUNCTION, &Impl::OnBytes);
  set(CURLOPT_WRITEDATA, transfer.get());
  set(CURLOPT_PRIVATE, transfer.get());
  set(CURLOPT_TCP_NODELAY, 1L);
  if (!options.ca_file.empty()) set(CURLOPT_CAINFO, options.ca_file.c_str());
  if (!request.body.empty()) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDS, request.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    add_header("Content-Type: application/json");
    add_header("Expect:");
  }
  if (!options.bearer_token.empty()) add_header("Authorization: Bearer " + options.bearer_token);
  for (const std::string& header : request.headers) add_header(header);
  set(CURLOPT_HTTPHEADER, transfer->headers);
  curl_multi_add_handle(multi, easy);
  transfers.emplace(easy, std::move(transfer));
}

void HttpClient::Impl::Remove(CURL* easy) {
  const auto found = transfers.find(easy);
  if (found == transfers.end()) return;
  curl_multi_remove_handle(multi, easy);
  curl_slist_free_all(found->second->headers);
  curl_easy_cleanup(easy);
  transfers.erase(found);
}

void HttpClient::Impl::Deliver(Transfer& transfer, CURLcode code) {
  Ended ended;
  long status = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
  curl_off_t retry_after = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_RETRY_AFTER, &retry_after);
  ended.status = static_cast<int>(status);
  if (retry_after > 0) ended.retry_after = static_cast<int64_t>(retry_after);
  if (code != CURLE_OK) {
    ended.error = transfer.error[0] != '\0' ? transfer.error : curl_easy_strerror(code);
    ended.timed_out = code == CURLE_OPERATION_TIMEDOUT;
  }
  post([state = transfer.state, ended = std::move(ended)]() mutable {
    if (!state->cancelled) state->on_end(std::move(ended));
  });
}

void HttpClient::Impl::Run() {
  while (true) {
    std::deque<std::shared_ptr<State>> fresh;
    bool sweep = false;
    {
      const std::lock_guard lock(mutex);
      if (stopping) break;
      fresh.swap(added);
      sweep = !std::exchange(swept, true);
    }
    for (auto& state : fresh) {
      if (!state->cancelled) Add(std::move(state));
    }
    if (sweep) {
      std::vector<CURL*> given_up;
      for (const auto& [easy, transfer] : transfers) {
        if (transfer->state->cancelled) given_up.push_back(easy);
      }
      for (CURL* easy : given_up) Remove(easy);
    }
    int running = 0;
    curl_multi_perform(multi, &running);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const auto found = transfers.find(message->easy_handle);
      if (found == transfers.end()) continue;
      Deliver(*found->second, message->data.result);
      Remove(message->easy_handle);
    }
    curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
  while (!transfers.empty()) Remove(transfers.begin()->first);
}

HttpClient::Exchange::~Exchange() {
  state_->cancelled = true;
  {
    const std::lock_guard lock(client_->impl_->mutex);
    client_->impl_->swept = false;
  }
  curl_multi_wakeup(client_->impl_->multi);
}

Result<std::unique_ptr<HttpClient>> HttpClient::Create(const HttpOptions& options, Post post) {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  std::unique_ptr<HttpClient> client(new HttpClient);
  client->impl_ = std::make_unique<Impl>();
  Impl& impl = *client->impl_;
  impl.options = options;
  impl.post = std::move(post);
  impl.multi = curl_multi_init();
  if (global != CURLE_OK || impl.multi == nullptr)
    return Fail(ErrorCode::kBackend, "libcurl cannot be started");
  curl_multi_setopt(impl.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(options.connections_max));
  curl_multi_setopt(impl.multi, CURLMOPT_MAXCONNECTS, 256L);
  impl.thread = std::thread([&impl] { impl.Run(); });
  return client;
}

HttpClient::~HttpClient() {
  if (!impl_) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  if (impl_->multi != nullptr) curl_multi_wakeup(impl_->multi);
  if (impl_->thread.joinable()) impl_->thread.join();
  if (impl_->multi != nullptr) curl_multi_cleanup(impl_->multi);
}

std::unique_ptr<HttpClient::Exchange> HttpClient::Start(const HttpRequest& request, OnData on_data,
                                                        OnEnd on_end) {
  std::unique_ptr<Exchange> exchange(new Exchange);
  exchange->client_ = this;
  exchange->state_ = std::make_shared<Exchange::State>();
  exchange->state_->request = request;
  exchange->state_->on_data = [this, on_data = std::move(on_data)](std::string_view data) {
    totals_.bytes_received += data.size();
    on_data(data);
  };
  exchange->state_->on_end = std::move(on_end);
  ++totals_.requests;
  totals_.bytes_sent += request.body.size();
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->added.push_back(exchange->state_);
  }
  curl_multi_wakeup(impl_->multi);
  return exchange;
}

}  // namespace tessy
