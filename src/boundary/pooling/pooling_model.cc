#include "boundary/pooling/pooling_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "base/utf8.h"
#include "boundary/pooling/pooling_answer.h"
#include "boundary/predictor_view.h"
#include "boundary/window.h"
#include "model/openai/completion.h"
#include "model/openai/retries.h"
#include "model/text/llama_vocabulary.h"

namespace tessy {
namespace {

using Json = nlohmann::json;

constexpr int kWindowTokens = 200;  // method, section 4
constexpr size_t kTextMax = 3000;   // bytes that surely hold as many tokens
constexpr size_t kTextStride = 1000;
constexpr size_t kWordMax = 200;
constexpr size_t kAnswerMax = 4U << 20;  // a server that sends more is broken

// One reader's question: an input for each place.
struct Question {
  std::vector<std::string> inputs;  // as JSON: a text, or a list of token ids
  std::vector<float> p_style;
  size_t answered = 0;
  BoundaryReader::AskDone done;
};

struct Input {
  std::weak_ptr<Question> question;
  size_t place;
};

}  // namespace

struct PoolingModel::Impl {
  // A request and its inputs. It goes out again until it is answered or given up.
  struct Batch {
    std::vector<Input> inputs;
    std::string body = {};
    std::string answer = {};
    Retries retries;
    std::unique_ptr<Fleet::Place> place = {};
    std::unique_ptr<HttpClient::Exchange> exchange = {};
  };

  PoolingModelOptions options;
  HttpClient::Post post;
  Delay delay;
  std::unique_ptr<ServerGroup> servers;
  std::shared_ptr<const Vocabulary> vocabulary;
  std::deque<Input> waiting;
  std::map<uint64_t, Batch> batches;
  uint64_t numbers = 0;
  bool scheduled = false;
  bool cancelled = false;
  Counts counts;
  std::shared_ptr<int> alive = std::make_shared<int>(0);

  // Asks a server about a text.
  Status Verify(const ServerAddress& address, const ServerIdentity& identity) const;
  std::string Body(const std::string& model, const std::vector<std::string>& inputs) const;
  void Add(const std::shared_ptr<Question>& question);
  void Schedule();
  void SendWaiting();
  void Enter(uint64_t number);
  void Send(uint64_t number, size_t server);
  void OnData(uint64_t number, std::string_view bytes);
  void OnEnd(uint64_t number, const HttpClient::Ended& ended);
  void Again(uint64_t number, const RequestFailure& failure);
  void Finish(uint64_t number, const Result<std::vector<float>>& p_style);
};

std::string PoolingModel::Impl::Body(const std::string& model, const std::vector<std::string>& inputs) const {
  std::string body = Json{{"model", model}, {"task", "token_classify"}}.dump();
  body.pop_back();
  if (!vocabulary)
    body += fmt::format(",\"truncate_prompt_tokens\":{},\"truncation_side\":\"left\"", kWindowTokens);
  body += ",\"input\":[";
  for (size_t i = 0; i < inputs.size(); ++i) body += (i == 0 ? "" : ",") + inputs[i];
  return body + "]}";
}

Status PoolingModel::Impl::Verify(const ServerAddress& address, const ServerIdentity& identity) const {
  const std::string input =
      vocabulary ? Json(vocabulary->Tokenize("Okay, so")).dump() : Json("Okay, so").dump();
  const auto answer =
      Fetch({.url = address.base + "/pooling", .body = Body(identity.model, {input})}, options.http);
  if (!answer) return tl::unexpected(answer.error());
  if (answer->first == 200 && ReadPoolingAnswer(answer->second, 1)) return {};
  return Fail(
      ErrorCode::kBackend,
      fmt::format("{}/pooling: status {}: {}; a boundary predictor answers with two probabilities for each "
                  "token (vllm serve … --runner pooling)",
                  address.base, answer->first, ServerErrorText(answer->second)),
      /*retryable=*/IsNotReady(answer->first));
}

void PoolingModel::Impl::Add(const std::shared_ptr<Question>& question) {
  for (size_t i = 0; i < question->inputs.size(); ++i) waiting.push_back({.question = question, .place = i});
  Schedule();
}

void PoolingModel::Impl::Schedule() {
  if (std::exchange(scheduled, true)) return;
  post([this, weak = std::weak_ptr<int>(alive)] {
    if (!weak.expired()) SendWaiting();
  });
}

void PoolingModel::Impl::SendWaiting() {
  scheduled = false;
  const size_t at_a_time = servers->fleet().size() * static_cast<size_t>(options.requests_max);
  while (!waiting.empty() && batches.size() < at_a_time) {
    Batch batch{.inputs = {}, .retries = Retries(options, numbers, 0)};
    std::vector<std::string> inputs;
    while (!waiting.empty() && inputs.size() < options.inputs_max) {
      const Input input = std::move(waiting.front());
      waiting.pop_front();
      const auto question = input.question.lock();
      if (!question) continue;  // its reader is gone
      inputs.push_back(std::move(question->inputs[input.place]));
      batch.inputs.push_back(input);
    }
    if (inputs.empty()) return;
    batch.body = Body(servers->identity().model, inputs);
    counts.inputs += inputs.size();
    const uint64_t number = numbers++;
    batches.emplace(number, std::move(batch));
    Enter(number);
  }
}

void PoolingModel::Impl::Enter(uint64_t number) {
  // Any server will do, since none keeps a cache for a sample.
  batches.at(number).place = servers->fleet().Enter(number, [this, number](const Result<size_t>& server) {
    if (!server) return Finish(number, tl::unexpected(server.error()));
    Send(number, *server);
  });
}

void PoolingModel::Impl::Send(uint64_t number, size_t server) {
  Batch& batch = batches.at(number);
  batch.answer.clear();
  batch.exchange = servers->http().Start(
      {.url = servers->Url(server, "/pooling"),
       .body = batch.body,
       .connect_seconds = options.connect_seconds,
       .seconds_max = static_cast<int>(std::max<int64_t>(1, options.answer_ms / 1000))},
      [this, number](std::string_view bytes) { OnData(number, bytes); },
      [this, number](const HttpClient::Ended& ended) { OnEnd(number, ended); });
}

void PoolingModel::Impl::OnData(uint64_t number, std::string_view bytes) {
  Batch& batch = batches.at(number);
  batch.answer += bytes;
  if (batch.answer.size() <= kAnswerMax) return;
  batch.exchange.reset();
  batch.answer = {};
  Again(number, {.reason = "the answer has no end"});
}

void PoolingModel::Impl::OnEnd(uint64_t number, const HttpClient::Ended& ended) {
  Batch& batch = batches.at(number);
  const auto kept = std::move(batch.exchange);  // it holds the function that runs
  if (ended.status == 200 && ended.error.empty()) {
    if (auto p_style = ReadPoolingAnswer(batch.answer, batch.inputs.size())) {
      batch.place->Succeeded();
      return Finish(number, std::move(*p_style));
    }
    return Again(number, {.reason = "the answer has another form"});
  }
  const std::string text = ended.error.empty() ? ServerErrorText(batch.answer) : ended.error;
  const RequestFailure failure = FailureOf(ended, text, options.patience_ms);
  if (ended.status == 400 || ended.status == 413 || ended.status == 422) {
    return Finish(number, Fail(ErrorCode::kBackend, "the predictor's server refused: " + failure.reason));
  }
  Again(number, failure);
}

void PoolingModel::Impl::Again(uint64_t number, const RequestFailure& failure) {
  Batch& batch = batches.at(number);
  if (failure.overload) {
    batch.place->Overloaded(failure.retry_after_ms);
  } else {
    batch.place->Failed(failure.reason);
  }
  batch.place.reset();
  const auto pause = batch.retries.Next(failure, ServerGroup::NowMs());
  if (!pause) {
    Error error = batch.retries.GivenUp(failure);
    error.message = "the predictor's server: " + error.message;
    return Finish(number, tl::unexpected(std::move(error)));
  }
  ++counts.retries;
  delay(*pause, [this, number, weak = std::weak_ptr<int>(alive)] {
    if (!weak.expired() && batches.contains(number)) Enter(number);
  });
}

void PoolingModel::Impl::Finish(uint64_t number, const Result<std::vector<float>>& p_style) {
  const auto node = batches.extract(number);
  const Batch& batch = node.mapped();
  for (size_t i = 0; i < batch.inputs.size(); ++i) {
    const auto question = batch.inputs[i].question.lock();
    if (!question || !question->done) continue;
    if (!p_style) {
      const auto done = std::exchange(question->done, nullptr);
      done(tl::unexpected(p_style.error()));
      continue;
    }
    question->p_style[batch.inputs[i].place] = (*p_style)[i];
    if (++question->answered < question->inputs.size()) continue;
    const auto done = std::exchange(question->done, nullptr);
    done(std::move(question->p_style));
  }
  Schedule();
}

class PoolingReader final : public BoundaryReader {
 public:
  PoolingReader(PoolingModel::Impl& model, std::array<bool, 2> reads_tokens_of) : model_(model) {
    if (model.vocabulary) view_.emplace(*model.vocabulary, reads_tokens_of);
  }

  void Append(Role writer, std::span<const DraftToken> tokens) override {
    if (view_) return view_->Append(writer, tokens);
    for (const DraftToken& token : tokens) {
      text_ += token.text;
      ends_.push_back(text_.size());
    }
  }
  void Rollback(size_t count) override {
    if (view_) return view_->Rollback(count);
    TESSY_CHECK(count <= ends_.size());
    ends_.resize(ends_.size() - count);
    text_.resize(ends_.empty() ? span_begin_ : ends_.back());
  }
  void EndSpan() override {
    if (view_) return view_->EndSpan();
    ends_.clear();
    span_begin_ = text_.size();
  }
  bool ReadsTokensOf(Role writer) const override { return view_ && view_->ReadsTokensOf(writer); }

  void Ask(std::span<const uint32_t> places, AskDone done) override {
    question_ = std::make_shared<Question>();
    for (const uint32_t place : places) question_->inputs.push_back(InputOf(place));
    question_->p_style.resize(places.size());
    question_->done = std::move(done);
    if (!model_.cancelled) return model_.Add(question_);
    model_.post([weak = std::weak_ptr<Question>(question_)] {
      if (const auto question = weak.lock()) question->done(Fail(ErrorCode::kCancelled, "cancelled"));
    });
  }

 private:
  std::string InputOf(uint32_t place) const {
    if (view_) {
      const auto located = view_->Locate(place);
      return Json(view_->Content(located, WindowBegin(located.size))).dump();
    }
    // The place where the window begins, and so the answer, is a function of the text alone.
    const std::string_view text = std::string_view(text_).substr(0, ends_[place - 1]);
    size_t begin =
        text.size() <= kTextMax ? 0 : (text.size() - kTextMax + kTextStride - 1) / kTextStride * kTextStride;
    // At a word's begin, where one is near.
    const size_t word = begin == 0 ? 0 : text.substr(0, begin + kWordMax).find_first_of(" \n", begin);
    if (word != std::string_view::npos) begin = word;
    while (begin < text.size() && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) ++begin;
    return Json(Sanitize(text.substr(begin))).dump();
  }

  PoolingModel::Impl& model_;
  std::optional<PredictorView> view_;  // with a vocabulary
  std::string text_;                   // without: the response
  size_t span_begin_ = 0;
  std::vector<size_t> ends_;  // in text_, of the current span's tokens
  std::shared_ptr<Question> question_;
};

Result<std::unique_ptr<PoolingModel>> PoolingModel::Connect(const PoolingModelOptions& options,
                                                            HttpClient::Post post, Delay delay) {
  std::unique_ptr<PoolingModel> model(new PoolingModel);
  model->impl_ = std::make_unique<Impl>();
  Impl& impl = *model->impl_;
  impl.options = options;
  impl.post = post;
  impl.delay = std::move(delay);
  if (!options.vocabulary.empty()) {
    auto loaded = LoadVocabulary(options.vocabulary);
    if (!loaded) return tl::unexpected(loaded.error());
    impl.vocabulary = std::move(*loaded);
  }
  auto servers = ServerGroup::Connect(options, std::move(post), impl.delay,
                                      [&](const ServerAddress& address, const ServerIdentity& identity) {
                                        return impl.Verify(address, identity);
                                      });
  if (!servers) return tl::unexpected(servers.error());
  impl.servers = std::move(*servers);
  return model;
}

PoolingModel::~PoolingModel() = default;
const Vocabulary* PoolingModel::vocabulary() const { return impl_->vocabulary.get(); }

std::unique_ptr<BoundaryReader> PoolingModel::Open(std::array<bool, 2> reads_tokens_of) {
  return std::make_unique<PoolingReader>(*impl_, reads_tokens_of);
}

void PoolingModel::Cancel() {
  impl_->cancelled = true;
  // Posted, since the caller may be in the middle of a callback of this model.
  impl_->post([impl = impl_.get(), weak = std::weak_ptr<int>(impl_->alive)] {
    if (weak.expired()) return;
    const Result<std::vector<float>> cancelled = Fail(ErrorCode::kCancelled, "cancelled");
    const uint64_t number = impl->numbers++;
    Impl::Batch rest{.inputs = {}, .retries = Retries(impl->options, number, 0)};
    rest.inputs.assign(impl->waiting.begin(), impl->waiting.end());
    impl->waiting.clear();
    impl->batches.emplace(number, std::move(rest));
    while (!impl->batches.empty()) impl->Finish(impl->batches.begin()->first, cancelled);
  });
}

PoolingModel::Counts PoolingModel::counts() const {
  Counts counts = impl_->counts;
  const uint64_t retries = counts.retries;
  static_cast<ServerCounts&>(counts) = impl_->servers->counts();
  counts.retries = retries;
  return counts;
}

}  // namespace tessy
