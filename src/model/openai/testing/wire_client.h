#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/openai/sse.h"

namespace tessy {

// One exchange, waited for, as curl makes it by default.
struct WireAnswer {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string body = {};
  std::string header = {};

  // The data of its events.
  std::vector<std::string> Events() const {
    std::vector<std::string> events;
    SseReader reader;
    reader.Push(body, [&](std::string_view data) { events.emplace_back(data); });
    return events;
  }
};

struct WireAsk {
  std::string url;
  std::string body = {};  // empty: GET
  std::string key = {};
  std::string ca_file = {};
  long timeout_ms = 30000;
  size_t bytes_max = SIZE_MAX;  // then the connection is closed
};

inline WireAnswer Ask(const WireAsk& ask) {
  struct Sink {
    WireAnswer answer = {};
    size_t bytes_max = 0;
  } sink{.bytes_max = ask.bytes_max};
  const auto write_body = +[](char* bytes, size_t size, size_t count, void* user) -> size_t {
    auto& to = *static_cast<Sink*>(user);
    to.answer.body.append(bytes, size * count);
    return to.answer.body.size() >= to.bytes_max ? 0 : size * count;
  };
  const auto write_header = +[](char* bytes, size_t size, size_t count, void* user) -> size_t {
    static_cast<Sink*>(user)->answer.header.append(bytes, size * count);
    return size * count;
  };
  CURL* easy = curl_easy_init();
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  if (!ask.key.empty()) headers = curl_slist_append(headers, ("Authorization: Bearer " + ask.key).c_str());
  curl_easy_setopt(easy, CURLOPT_URL, ask.url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ask.timeout_ms);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  if (!ask.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, ask.ca_file.c_str());
  if (!ask.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, ask.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(ask.body.size()));
  }
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &sink);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_body);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &sink);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, write_header);
  sink.answer.code = curl_easy_perform(easy);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &sink.answer.status);
  curl_slist_free_all(headers);
  curl_easy_cleanup(easy);
  return std::move(sink.answer);
}

}  // namespace tessy
