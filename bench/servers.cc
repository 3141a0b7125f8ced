// Measures the cost of a run over servers: thousands of samples in flight, and our requests beside those of
// the published scheme. The scripted server, in a process of its own, stands for the fleet.
#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "cast/model_cast.h"
#include "model/openai/testing/scripted_server.h"
#include "model/openai/testing/wire_client.h"
#include "published_scheme.h"
#include "store/open_run_store.h"
#include "synthesis/run.h"

namespace tessy::bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

template <class T>
T Must(Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "bench: {}\n", result.error().message);
  std::exit(1);
}

// Raises the limit of open files as far as the system allows, because each connection needs one.
void RaiseFileLimit() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

// A scripted server in a child process that ends with the object. It must be created before there are
// threads.
class ServerProcess {
 public:
  explicit ServerProcess(const ScriptedServerOptions& options) {
    int ends[2];
    if (pipe(ends) != 0) std::exit(1);
    process_ = fork();
    if (process_ == 0) {
      close(ends[0]);
      const auto server = Must(ScriptedServer::Start(options));
      const uint16_t port = server->port();
      if (write(ends[1], &port, sizeof port) != sizeof port) std::_Exit(1);
      for (;;) pause();
    }
    close(ends[1]);
    uint16_t port = 0;
    if (read(ends[0], &port, sizeof port) != sizeof port) std::exit(1);
    close(ends[0]);
    url_ = fmt::format("http://127.0.0.1:{}", port);
  }
  ~ServerProcess() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& url() const { return url_; }
  Json Counts() const { return Json::parse(Ask({.url = url_ + "/scripted/counts"}).body); }

 private:
  pid_t process_;
  std::string url_;
};

size_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  size_t all = 0;
  size_t resident = 0;
  statm >> all >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string QuestionText(size_t number) {
  return fmt::format("Question {}: how much is it, {} times over?", number, number * number + 1);
}

struct Measured {
  size_t done = 0;
  uint64_t tokens = 0;   // kept tokens, as the run counts them
  uint64_t drafted = 0;  // kept and discarded tokens
  uint64_t spans = 0;    // spans of the responses
  double seconds = 0.0;
  double cpu_seconds = 0.0;
  size_t resident_growth = 0;
  size_t text_bytes = 0;  // largest size of the text in flight, estimated from the responses
  std::vector<std::string> responses;
};

// Our scheme: the product's scheduler and adapter, and the lexicon decides. `store` may be null.
Measured RunOurs(const std::string& url, size_t samples, int in_flight, bool keeps_responses,
                 RunStore* store = nullptr) {
  asio::io_context io{1};
  CastOptions options;
  options.boundaries = {"lexicon", "lexicon"};
  options.concurrency = in_flight;
  for (const Role role : kRoles) {
    ServerModelOptions server;
    server.addresses = {Must(ServerAddress::Parse(fmt::format("{}/v1#{}", url, Name(role))))};
    server.family = "qwen3";
    server.requests_max = 100'000;
    options.servers[Index(role)] = server;
  }
  auto cast = Must(ModelCast::Load(options, DrivenBy(io)));
  std::deque<SampleTask> tasks;
  for (size_t i = 0; i < samples; ++i) {
    if (store != nullptr) store->SetQuestion({.id = fmt::format("q{}", i), .hash = i});
    Question question;
    question.id = fmt::format("q{}", i);
    question.messages = {{.role = "user", .content = QuestionText(i)}};
    tasks.push_back({.question = std::make_shared<const Question>(std::move(question)), .number = i});
  }
  Measured measured;
  if (keeps_responses) measured.responses.resize(samples);
  malloc_trim(0);
  const size_t resident = ResidentBytes();
  const double cpu = CpuSeconds();
  const auto began = Clock::now();
  size_t peak = resident;
  size_t text = 0;
  const TaskSettings settings;
  const auto result =
      RunAll(io, *cast, settings, tasks, {.concurrency = in_flight, .stop_on_signals = false, .store = store},
             {.finished = [&](const SampleTask& task, const SampleOutcome& outcome, uint64_t) -> Status {
                if (store != nullptr) {
                  SampleRecord record;
                  record.key.question_id = task.question->id;
                  record.done = outcome.done;
                  store->FinishSample(record);
                }
                measured.done += outcome.done ? 1 : 0;
                measured.spans += outcome.thinking.spans.size() + 1;
                text += outcome.thinking.text.size() + outcome.answer.size();
                if (keeps_responses) {
                  measured.responses[task.number] = outcome.thinking.text + "\n</think>\n\n" + outcome.answer;
                }
                return {};
              },
              .progress = [&](const RunProgress&) { peak = std::max(peak, ResidentBytes()); }});
  measured.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  measured.cpu_seconds = CpuSeconds() - cpu;
  measured.resident_growth = peak - resident;
  measured.text_bytes = text / std::max<size_t>(1, samples) * std::min<size_t>(samples, in_flight);
  measured.tokens = result.progress.counters.tokens;
  measured.drafted = result.progress.counters.drafted;
  if (measured.done != samples) {
    fmt::print(stderr, "bench: {} of {} samples failed\n", samples - measured.done, samples);
  }
  return measured;
}

// Each measurement has a process of its own, so that it does not inherit memory and threads from the one
// before.
void InChild(const std::function<void()>& measure) {
  std::fflush(stdout);
  const pid_t process = fork();
  if (process == 0) {
    measure();
    std::fflush(stdout);
    std::_Exit(0);
  }
  int status = 0;
  waitpid(process, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) std::exit(1);
}

void MeasureInFlight(bool quick) {
  // The server writes equally fast for all of them together, whatever their number.
  constexpr double kTokensASecond = 10'000.0;
  fmt::print(
      "Samples in flight (both roles served by one scripted vLLM of {:.0f} tokens/s, lexicon, HTTP)\n\n",
      kTokensASecond);
  fmt::print(
      "| in flight | samples | seconds | requests/s | tokens/s | CPU s per 1,000 tokens | KiB a sample | "
      "connections |\n");
  fmt::print("|---|---|---|---|---|---|---|---|\n");
  for (const int in_flight : quick ? std::vector{10} : std::vector{100, 1000, 10000}) {
    const size_t samples = static_cast<size_t>(quick ? in_flight : std::max(in_flight, 1000));
    const ServerProcess server({.served = {"student", "teacher"},
                                .text = {.thinking_words_min = 20, .thinking_words_max = 40, .clauses = 3},
                                .token_ms = 1000.0 * in_flight / kTokensASecond});
    InChild([&] {
      const Measured m = RunOurs(server.url(), samples, in_flight, false);
      const Json counts = server.Counts();
      const double beside_text =
          static_cast<double>(m.resident_growth - std::min(m.resident_growth, m.text_bytes)) / in_flight /
          1024.0;
      fmt::print("| {} | {} | {:.1f} | {:.0f} | {:.0f} | {:.4f} | {:.1f} | {} |\n", in_flight, samples,
                 m.seconds, counts["completions"].get<double>() / m.seconds,
                 static_cast<double>(m.drafted) / m.seconds,
                 1000.0 * m.cpu_seconds / static_cast<double>(m.drafted), beside_text,
                 counts["connections_most"].get<int>());
    });
  }
  fmt::print("\n");
}

void MeasureStore(bool quick) {
  const int in_flight = quick ? 10 : 200;
  const size_t samples = quick ? 20 : 1000;
  fmt::print(
      "Every span on disk before what follows from it ({} in flight, as fast as the server writes)\n\n",
      in_flight);
  fmt::print("| | seconds | tokens/s | CPU s per 1,000 tokens | file, bytes a token |\n");
  fmt::print("|---|---|---|---|---|\n");
  const ServerProcess server({.served = {"student", "teacher"},
                              .text = {.thinking_words_min = 150, .thinking_words_max = 200, .clauses = 8}});
  for (int round = 0; round < (quick ? 1 : 3); ++round) {
    for (const bool with : {false, true}) {
      InChild([&] {
        namespace fs = std::filesystem;
        const fs::path folder = fs::temp_directory_path() / fmt::format("tessy_bench_{}", getpid());
        fs::create_directories(folder);
        const std::string path = folder / kRunStoreFile;
        auto store = with ? Must(OpenRunStore(RunStoreIn(folder))) : nullptr;
        const Measured m = RunOurs(server.url(), samples, in_flight, false, store.get());
        store.reset();
        const auto tokens = static_cast<double>(m.drafted);
        fmt::print("| {} | {:.1f} | {:.0f} | {:.4f} | {:.1f} |\n", with ? "with a store" : "without",
                   m.seconds, tokens / m.seconds, 1000.0 * m.cpu_seconds / tokens,
                   with ? static_cast<double>(fs::file_size(path)) / tokens : 0.0);
        fs::remove_all(folder);
      });
    }
  }
  fmt::print("\n");
}

struct Cost {
  double requests = 0.0;
  double bytes_sent = 0.0;
  double generated = 0.0;
  double accepted = 0.0;
  double seconds = 0.0;
};

size_t TokensOf(const std::vector<std::string>& responses) {
  size_t tokens = 0;
  for (const std::string& response : responses)
    tokens += PhraseVocabulary::Edition(0).Tokenize(response, true).size();
  return tokens;
}

Cost CostOf(const ServerProcess& server, const std::vector<std::string>& responses, double seconds) {
  const Json counts = server.Counts();
  return {.requests = counts["completions"].get<double>(),
          .bytes_sent = counts["bytes_received"].get<double>(),
          .generated = counts["tokens_generated"].get<double>(),
          .accepted = static_cast<double>(TokensOf(responses)),
          .seconds = seconds};
}

void PrintCost(const char* name, const Cost& cost) {
  fmt::print("| {} | {:.0f} | {:.1f} | {:.3f} | {:.1f} |\n", name, cost.requests, cost.bytes_sent / 1e6,
             (cost.generated - cost.accepted) / cost.accepted, cost.seconds);
}

void Compare(const char* title, const WireTextOptions& text, size_t samples) {
  const ScriptedServerOptions options{
      .served = {"student", "teacher"}, .text = text, .first_token_ms = 50.0, .token_ms = 1.0};
  const ServerProcess for_ours(options);
  const ServerProcess for_published(options);
  InChild([&] {
    const Measured m = RunOurs(for_ours.url(), samples, static_cast<int>(samples), true);
    const Cost ours = CostOf(for_ours, m.responses, m.seconds);
    PublishedSchemeOptions published{
        .url = for_published.url(), .names = {"student", "teacher"}, .prompts = {}};
    for (size_t i = 0; i < samples; ++i) {
      published.prompts.push_back("<|im_start|>user\n" + QuestionText(i) +
                                  "<|im_end|>\n<|im_start|>assistant\n<think>\n");
    }
    const auto began = Clock::now();
    const auto result = RunPublishedScheme(published);
    const Cost theirs =
        CostOf(for_published, result.responses, std::chrono::duration<double>(Clock::now() - began).count());
    fmt::print("{}: {} samples of {:.0f} tokens, {:.1f} a span; {} rounds\n\n", title, samples,
               ours.accepted / static_cast<double>(samples), ours.accepted / static_cast<double>(m.spans),
               result.rounds);
    fmt::print("| | requests | MB sent | discarded a token accepted | seconds |\n|---|---|---|---|---|\n");
    PrintCost("published scheme", theirs);
    PrintCost("tessy, streaming", ours);
    fmt::print("| times fewer | {:.1f} | {:.1f} | {:.1f} | {:.1f} |\n\n", theirs.requests / ours.requests,
               theirs.bytes_sent / ours.bytes_sent,
               (theirs.generated - theirs.accepted) / std::max(1.0, ours.generated - ours.accepted),
               theirs.seconds / ours.seconds);
  });
}

void CompareWithPublishedScheme(bool quick) {
  // The saving depends on the length of the spans and on the cost of a request before its first token.
  fmt::print("Against the published scheme: 50 ms before a request's first token, 1 ms a token\n\n");
  const auto text = [quick](uint32_t clauses, uint32_t style_percent = 15) {
    return WireTextOptions{.thinking_words_min = quick ? 30U : 1500U,
                           .thinking_words_max = quick ? 40U : 2000U,
                           .clauses = clauses,
                           .style_percent = style_percent};
  };
  Compare("Short spans", text(1), quick ? 2 : 10);
  if (quick) return;
  Compare("Spans of some sentences", text(8), 10);
  Compare("Spans of a paragraph", text(40), 10);
  Compare("Spans of half a page", text(200, 4), 10);
}

// Runs all measurements, or those that are named; with --quick, each for a second, to see that it works.
int Main(std::vector<std::string> named) {
  spdlog::set_level(spdlog::level::err);
  RaiseFileLimit();
  const bool quick = std::erase(named, "--quick") > 0;
  const std::pair<const char*, void (*)(bool)> parts[] = {
      {"flight", MeasureInFlight}, {"store", MeasureStore}, {"scheme", CompareWithPublishedScheme}};
  for (const auto& [name, measure] : parts) {
    if (named.empty() || std::find(named.begin(), named.end(), name) != named.end()) measure(quick);
  }
  return 0;
}

}  // namespace
}  // namespace tessy::bench

int main(int count, char** arguments) { return tessy::bench::Main({arguments + 1, arguments + count}); }
