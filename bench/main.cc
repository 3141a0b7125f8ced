// Measures the engine's tokens per second, and the cost of cooperation on top of it, in one run.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/testing/source_tree.h"
#include "cast/model_cast.h"
#include "dataset/question.h"
#include "decisions.h"
#include "drawing.h"
#include "model/llama/testing/tiny_model.h"
#include "pattern_cast.h"
#include "plain.h"
#include "synthesis/run.h"

namespace tessy::bench {
namespace {

namespace asio = boost::asio;
using Json = nlohmann::ordered_json;

struct BenchOptions {
  std::vector<int> concurrencies{1, 16, 64, 256};
  std::vector<double> spans{6.0, 30.0};
  size_t length = 512;
  std::string models = "both";
  bool exact = false;
  bool lengths = true;
  bool quick = false;
  std::string json;
};

template <class T>
T Must(Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "bench: {}\n", result.error().message);
  std::exit(1);
}

struct Pair {
  std::string name;
  std::array<std::string, 2> models;
  std::array<std::string, 2> predictors;
  std::vector<std::string> prompts;
  size_t length;     // thinking tokens of a sample
  double mean_span;  // the scripted mean length of a span; 0: the predictors decide
  size_t plain_length;
  Sampling sampling{};
};

// Zeros the embedding rows of the markers at the end of the vocabulary. These rows are the output rows as
// well, so the logits of the markers are far below the best, and no trace ends before its length.
void SilenceMarkers(const std::string& path) {
  constexpr size_t kMarkers = 3;
  const GgufFile file = Must(GgufFile::Open(path));
  const GgufFile::Tensor& rows = *file.Find("token_embd.weight");
  const size_t row_bytes = rows.bytes / static_cast<size_t>(rows.shape[1]);
  std::fstream stream(path, std::ios::binary | std::ios::in | std::ios::out);
  stream.seekp(static_cast<std::streamoff>(rows.offset + rows.bytes - kMarkers * row_bytes));
  stream << std::string(kMarkers * row_bytes, '\0');
}

// 20M parameters in 32k words and 12 layers, predictors of 5M.
Pair MakeRandomPair(const std::filesystem::path& folder, size_t length) {
  Pair pair{.name = "random weights: 20M models, 5M predictors, 32k vocabulary",
            .models = {},
            .predictors = {},
            .prompts = {},
            .length = length,
            .mean_span = 6.0,
            .plain_length = length};
  const TinyVocabulary vocabulary = MakeTinyVocabulary(32768, 1);
  const auto write = [&](const std::string& name, TinyModelSpec spec) {
    spec.vocabulary = vocabulary;
    spec.weights = "f16";
    spec.tied_output = true;
    spec.context = 8192;
    spec.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}";
    const std::string path = folder / name;
    if (auto status = WriteTinyModel(path, spec); !status) {
      fmt::print(stderr, "bench: {}\n", status.error().message);
      std::exit(1);
    }
    SilenceMarkers(path);
    return path;
  };
  const auto model = [](uint64_t seed) {
    return TinyModelSpec{.width = 256,
                         .layers = 12,
                         .heads = 8,
                         .kv_heads = 4,
                         .head_width = 32,
                         .feed_forward = 1024,
                         .seed = seed};
  };
  const auto predictor = [](uint64_t seed) {
    return TinyModelSpec{.width = 96,
                         .layers = 12,
                         .heads = 3,
                         .kv_heads = 3,
                         .head_width = 32,
                         .feed_forward = 384,
                         .seed = seed,
                         .head_outputs = 2};
  };
  pair.models = {write("student.gguf", model(1)), write("teacher.gguf", model(2))};
  pair.predictors = {write("boundary-student.gguf", predictor(3)),
                     write("boundary-teacher.gguf", predictor(4))};
  // Random weights repeat themselves unless the sampling is wide.
  pair.sampling = {.temperature = 5.0F, .top_p = 1.0F};
  pair.prompts = {"Add."};
  return pair;
}

Pair MiniaturePair() {
  const std::string folder = InSource("lab/models/");
  Pair pair{.name = "miniature pair, its own predictors",
            .models = {folder + "student.gguf", folder + "teacher.gguf"},
            .predictors = {folder + "boundary-student.gguf", folder + "boundary-teacher.gguf"},
            .prompts = {},
            .length = 200,
            .mean_span = 0.0,
            .plain_length = 80};
  for (const Question& question : Must(ReadQuestions(InSource("lab/demo/questions.jsonl"))).questions) {
    pair.prompts.push_back(question.messages.back().content);
  }
  return pair;
}

// Runs `samples` samples, `concurrency` at a time, of up to `length` thinking tokens each.
Rate MeasureCooperation(const Pair& pair, int concurrency, size_t samples, size_t length, bool exact) {
  asio::io_context io(1);
  auto cast = Must(ModelCast::Load({.models = pair.models,
                                    .boundaries = pair.predictors,
                                    .families = {},
                                    .template_options = {},
                                    .sampling = pair.sampling,
                                    .concurrency = concurrency,
                                    .context_tokens = pair.mean_span > 0 ? length + 64 : 256,
                                    .memory_bytes = uint64_t{20} << 30,
                                    .exact = exact},
                                   DrivenBy(io)));
  PatternCast pattern(*cast, pair.mean_span);
  Cast& player = pair.mean_span > 0 ? static_cast<Cast&>(pattern) : *cast;
  const SampleSettings settings{.seed = 1,
                                .thinking_tokens_max = static_cast<uint32_t>(length),
                                .retries_max = 0,
                                .cut = CutRule::kToken};
  std::deque<SampleTask> tasks;
  for (size_t i = 0; i < samples; ++i) {
    Question question;
    question.id = fmt::format("q{}", i);
    question.messages = {{"user", pair.prompts[i % pair.prompts.size()]}};
    tasks.push_back({.question = std::make_shared<const Question>(std::move(question))});
  }
  uint64_t tokens = 0;
  std::map<std::string, int> ends;
  const RunCallbacks callbacks{.finished =
                                   [&ends](const SampleTask&, const SampleOutcome& outcome, uint64_t) {
                                     ++ends[outcome.done ? "done" : outcome.failures.back()];
                                     return Status();
                                   },
                               .progress = [&tokens](const RunProgress& p) { tokens = p.counters.tokens; }};
  const double cpu = ProcessCpuSeconds();
  const double wall = WallSeconds();
  RunAll(io, player, {.sample = settings}, tasks, {.concurrency = concurrency, .stop_on_signals = false},
         callbacks);
  const Rate rate{.tokens = static_cast<double>(tokens),
                  .cpu_seconds = ProcessCpuSeconds() - cpu,
                  .wall_seconds = WallSeconds() - wall};
  for (const auto& [end, count] : ends) spdlog::info("  {} samples: {}", count, end);
  for (const PartCounts& part : cast->Counts()) {
    const EngineStats& stats = *part.engine();
    spdlog::info("  {}: {} tokens in {} batches and {} graphs ({:.1f} each), {:.2f} CPU-s", part.name,
                 stats.tokens, stats.batches, stats.graphs,
                 static_cast<double>(stats.tokens) / static_cast<double>(std::max<uint64_t>(1, stats.graphs)),
                 stats.cpu_seconds);
  }
  return rate;
}

Json BenchPair(const Pair& pair, const BenchOptions& options) {
  fmt::print("\n{}; {} tokens a sample{}\n", pair.name, pair.mean_span > 0 ? pair.length : pair.plain_length,
             pair.mean_span > 0 ? fmt::format(", spans of {}", pair.mean_span) : "");
  fmt::print("{:>11}  {:>38}  {:>19}  {:>6}\n", "", "plain tokens/CPU-s (tokens/s)", "cooperative", "");
  fmt::print("{:>11}  {:>12} {:>12} {:>12}  {:>9} {:>9}  {:>6}\n", "concurrency", "student", "teacher",
             "predictors", "tok/s", "tok/CPU-s", "ratio");
  Json rows = Json::array();
  for (const int concurrency : options.concurrencies) {
    // From 64 samples at a time on the number of tokens stays the same, because more would only take longer.
    const size_t shorter = static_cast<size_t>(std::max(1, concurrency / 64));
    const size_t length = pair.mean_span > 0 ? pair.length / shorter : pair.length;
    const PlainOptions plain{.sequences = concurrency,
                             .length = std::min(length, pair.plain_length),
                             .exact = options.exact,
                             .sampling = pair.sampling};
    std::array<Rate, 4> rates;
    for (size_t i = 0; i < 4; ++i) {
      const std::string& path = i < 2 ? pair.models[i] : pair.predictors[i - 2];
      const LlamaModelOptions load{.exact = options.exact};
      const auto model =
          i < 2 ? Must(LlamaModel::Load(path, load)) : Must(LlamaModel::LoadClassifier(path, load));
      PlainOptions own = plain;
      // A predictor never sees more than its window.
      if (i >= 2) own.length = std::min<size_t>(own.length, 200);
      rates[i] = MeasurePlain(model, own);
    }
    const size_t samples = pair.mean_span > 0 || options.quick ? static_cast<size_t>(concurrency)
                                                               : std::max<size_t>(40, 3U * concurrency);
    const Rate together = MeasureCooperation(pair, concurrency, samples, length, options.exact);
    double cost = 0.0;
    for (const Rate& rate : rates) cost += 1.0 / rate.PerCpuSecond();
    const double ratio = together.tokens * cost / together.cpu_seconds;
    fmt::print(
        "{:>11}  {:>5.0f} ({:>5.0f}) {:>5.0f} ({:>5.0f}) {:>5.0f}, {:>5.0f}  {:>9.0f} {:>9.0f}  {:>6.2f}\n",
        concurrency, rates[0].PerCpuSecond(), rates[0].PerSecond(), rates[1].PerCpuSecond(),
        rates[1].PerSecond(), rates[2].PerCpuSecond(), rates[3].PerCpuSecond(), together.PerSecond(),
        together.PerCpuSecond(), ratio);
    std::fflush(stdout);
    Json row{{"concurrency", concurrency}};
    const char* names[] = {"student", "teacher", "student_predictor", "teacher_predictor"};
    for (size_t i = 0; i < 4; ++i) {
      row[names[i]] = {{"tokens_per_cpu_second", rates[i].PerCpuSecond()},
                       {"tokens_per_second", rates[i].PerSecond()}};
    }
    row["cooperative"] = {{"tokens_per_cpu_second", together.PerCpuSecond()},
                          {"tokens_per_second", together.PerSecond()}};
    row["ratio"] = ratio;
    rows.push_back(row);
  }
  return rows;
}

// Measures the cost of a token in the second half of traces of growing length.
Json BenchLengths(const Pair& pair, const BenchOptions& options) {
  constexpr int kConcurrency = 16;
  fmt::print("\ncost of a token by where in the trace it stands, {} samples at a time\n{:>15}  {:>12}\n",
             kConcurrency, "tokens", "CPU-ms/token");
  Json rows = Json::array();
  Rate before;
  for (size_t length = 32; length <= 4096; length *= 2) {
    const Rate now = MeasureCooperation(pair, kConcurrency, kConcurrency, length, options.exact);
    if (length > 32) {
      const double cost = 1e3 * (now.cpu_seconds - before.cpu_seconds) / (now.tokens - before.tokens);
      fmt::print("{:>6} … {:>6}  {:>12.3f}\n", length / 2, length, cost);
      std::fflush(stdout);
      rows.push_back({{"from", length / 2}, {"to", length}, {"cpu_ms_per_token", cost}});
    }
    before = now;
  }
  return rows;
}

// Measures what a token costs once its logits are there.
Json BenchDrawing(bool quick) {
  constexpr size_t kEntries = 262144;
  fmt::print("\ndrawing a token of {} entries, milliseconds of one thread\n{:<24}  {:>10}  {:>12}\n",
             kEntries, "", "tessy", "sorting all");
  Json rows = Json::array();
  for (const DrawingCost& cost : MeasureDrawing(kEntries, quick ? 1 : 5)) {
    fmt::print("{:<24}  {:>10.2f}  {:>12.2f}\n", cost.name, cost.ours, cost.sorted);
    rows.push_back({{"sampling", cost.name}, {"ms", cost.ours}, {"ms_sorting_all", cost.sorted}});
  }
  return rows;
}

// Measures the loop's own share, which must not grow with the length of a span.
Json BenchDecisions(bool quick) {
  fmt::print("\nthe loop's own decisions in one span, one token a draft\n{:>11}  {:>22}  {:>22}\n", "tokens",
             "CPU-us/token, own ids", "CPU-us/token, places");
  Json rows = Json::array();
  for (const size_t tokens : quick ? std::vector<size_t>{1000} : std::vector<size_t>{1000, 4000, 16000}) {
    const double ids = 1e6 * MeasureDecisions(tokens, true) / static_cast<double>(tokens);
    const double places = 1e6 * MeasureDecisions(tokens, false) / static_cast<double>(tokens);
    fmt::print("{:>11}  {:>22.2f}  {:>22.2f}\n", tokens, ids, places);
    rows.push_back(
        {{"tokens", tokens}, {"cpu_us_per_token_own_ids", ids}, {"cpu_us_per_token_places", places}});
  }
  return rows;
}

int Main(int argc, char** argv) {
  CLI::App app("What the engine does a second, and what cooperation costs on top of it.", "tessy_bench");
  BenchOptions options;
  bool verbose = false;
  app.add_option("--concurrency", options.concurrencies, "samples at a time")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--spans", options.spans, "mean tokens of a span, random weights")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--length", options.length, "tokens a sample, random weights")->capture_default_str();
  app.add_option("--models", options.models, "random, mini or both")
      ->check(CLI::IsMember({"random", "mini", "both"}));
  app.add_flag("--exact", options.exact, "batch-invariant arithmetic");
  app.add_flag("!--no-lengths", options.lengths, "leave out the cost by trace length");
  app.add_flag("--quick", options.quick,
               "a second of the miniature pair and of drawing, to see that it works");
  app.add_flag("--verbose", verbose, "what each engine did");
  app.add_option("--json", options.json, "write the figures to this file, too");
  CLI11_PARSE(app, argc, argv);
  if (options.quick) {
    options.concurrencies = {2};
    options.models = "mini";
  }
  spdlog::set_level(verbose ? spdlog::level::info : spdlog::level::warn);
  spdlog::set_pattern("%v");

  const auto folder = std::filesystem::temp_directory_path() / fmt::format("tessy-bench.{}", getpid());
  std::filesystem::create_directories(folder);
  fmt::print(
      "ratio = tokens x (1/student + 1/teacher + 1/predictor + 1/predictor) / CPU-seconds: 1.00 is what four "
      "models at their\n"
      "best would take for passing every token once through each of them; rates are tokens a CPU-second.\n");
  Json report;
  report["drawing"] = BenchDrawing(options.quick);
  report["decisions"] = BenchDecisions(options.quick);
  if (options.models != "mini") {
    Pair pair = MakeRandomPair(folder, options.length);
    for (const double span : options.spans) {
      pair.mean_span = span;
      report["random"].push_back({{"mean_span", span}, {"rows", BenchPair(pair, options)}});
    }
    pair.mean_span = options.spans.front();
    if (options.lengths) report["by_length"] = BenchLengths(pair, options);
  }
  if (options.models != "random") report["miniature"] = BenchPair(MiniaturePair(), options);
  std::filesystem::remove_all(folder);
  if (!options.json.empty()) std::ofstream(options.json) << report.dump(2) << "\n";
  return 0;
}

}  // namespace
}  // namespace tessy::bench

int main(int argc, char** argv) { return tessy::bench::Main(argc, argv); }
