#include "published_scheme.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "boundary/lexicon/lexicon.h"
#include "cooperation/trace.h"

namespace tessy::bench {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kClose = "</think>";

// Posts bodies, a limited number at a time, and waits for all answers.
class Poster {
 public:
  Poster(const std::string& url, size_t connections) : url_(url), multi_(curl_multi_init()) {
    headers_ = curl_slist_append(nullptr, "Content-Type: application/json");
    headers_ = curl_slist_append(headers_, "Expect:");
    for (size_t i = 0; i < connections; ++i) idle_.push_back(curl_easy_init());
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(connections));
  }
  ~Poster() {
    for (CURL* easy : idle_) curl_easy_cleanup(easy);
    curl_multi_cleanup(multi_);
    curl_slist_free_all(headers_);
  }
  Poster(const Poster&) = delete;
  Poster& operator=(const Poster&) = delete;

  std::vector<std::string> Post(const std::vector<std::string>& bodies) {
    std::vector<std::string> answers(bodies.size());
    size_t next = 0;
    size_t open = 0;
    while (next < bodies.size() || open > 0) {
      for (; next < bodies.size() && !idle_.empty(); ++next, ++open) Start(bodies[next], answers[next]);
      int running = 0;
      curl_multi_perform(multi_, &running);
      int left = 0;
      while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL* easy = message->easy_handle;
        if (message->data.result != CURLE_OK) {
          fmt::print(stderr, "bench: {}\n", curl_easy_strerror(message->data.result));
          std::exit(1);
        }
        curl_multi_remove_handle(multi_, easy);
        idle_.push_back(easy);
        --open;
      }
      if (open > 0) curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
    return answers;
  }

 private:
  void Start(const std::string& body, std::string& answer) {
    CURL* easy = idle_.back();
    idle_.pop_back();
    curl_easy_setopt(easy, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(
        easy, CURLOPT_WRITEFUNCTION, +[](char* bytes, size_t size, size_t count, void* user) -> size_t {
          static_cast<std::string*>(user)->append(bytes, size * count);
          return size * count;
        });
    curl_multi_add_handle(multi_, easy);
  }

  std::string url_;
  CURLM* multi_;
  curl_slist* headers_ = nullptr;
  std::vector<CURL*> idle_;
};

struct Sample {
  std::string response = {};
  Role speaker = Role::kStudent;
  bool answering = false;
  bool over = false;
};

bool IsOthers(const Sample& sample, std::string_view text) {
  const bool style = Lexicon::BuiltIn().StyleProbability(text) > 0.5F;
  return style != (sample.speaker == Role::kStudent);
}

// The part of the draft that stays, and whether the other role goes on.
std::pair<size_t, bool> Cut(const Sample& sample, std::string_view draft) {
  const std::string whole = sample.response + std::string(draft);
  const std::string_view text = whole;
  bool first = true;
  for (size_t at = 1; at < draft.size(); ++at) {
    if (draft[at] != ' ' && draft[at - 1] != '\n') continue;
    if (std::exchange(first, false)) continue;  // a draft keeps at least two tokens
    if (IsOthers(sample, text.substr(0, sample.response.size() + at))) return {at, true};
  }
  return {draft.size(), IsOthers(sample, text)};
}

std::string BodyOf(const PublishedSchemeOptions& options, const Sample& sample, const std::string& prompt) {
  const int tokens = sample.answering                   ? 8192
                     : sample.speaker == Role::kStudent ? options.student_tokens
                                                        : options.teacher_tokens;
  return Json{{"model", options.names[Index(sample.answering ? Role::kStudent : sample.speaker)]},
              {"prompt", prompt + sample.response},
              {"max_tokens", tokens},
              {"temperature", 0.7},
              {"top_p", 0.8},
              {"top_k", 20},
              {"skip_special_tokens", false}}
      .dump();
}

void Take(Sample& sample, const std::string& answer) {
  const Json json = Json::parse(answer, nullptr, false);
  if (!json.is_object() || !json.contains("choices")) {
    fmt::print(stderr, "bench: the server answered {}\n", answer.substr(0, 200));
    std::exit(1);
  }
  const std::string draft = json["choices"][0]["text"].get<std::string>();
  if (sample.answering) {
    sample.response += draft;
    sample.over = true;
    return;
  }
  if (const size_t close = (sample.response + draft).find(kClose); close != std::string::npos) {
    sample.response = (sample.response + draft).substr(0, close);
    while (sample.response.ends_with('\n')) sample.response.pop_back();
    sample.response += "\n</think>\n\n";
    sample.answering = true;
    return;
  }
  const auto [kept, switches] = Cut(sample, draft);
  sample.response += draft.substr(0, kept);
  if (switches) sample.speaker = Other(sample.speaker);
}

}  // namespace

PublishedSchemeResult RunPublishedScheme(const PublishedSchemeOptions& options) {
  Poster poster(options.url + "/v1/completions", options.connections_max);
  std::vector<Sample> samples(options.prompts.size());
  PublishedSchemeResult result;
  while (result.rounds < static_cast<size_t>(options.rounds_max)) {
    std::vector<size_t> asking;
    std::vector<std::string> bodies;
    for (size_t i = 0; i < samples.size(); ++i) {
      if (samples[i].over) continue;
      asking.push_back(i);
      bodies.push_back(BodyOf(options, samples[i], options.prompts[i]));
    }
    if (asking.empty()) break;
    ++result.rounds;
    const auto answers = poster.Post(bodies);
    for (size_t i = 0; i < asking.size(); ++i) Take(samples[asking[i]], answers[i]);
  }
  for (const Sample& sample : samples) result.responses.push_back(sample.over ? sample.response : "");
  return result;
}

}  // namespace tessy::bench
