// Compares our training tokens per second with those of the same model in PyTorch (Debian's python3-torch),
// in turns, in one run.
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/testing/source_tree.h"
#include "train/trainer.h"
#include "weights/testing/random_checkpoint.h"

namespace tessy::bench {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

struct Case {
  const char* name;
  Qwen3Shape shape;
  size_t batch;
  size_t length;
  int steps;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double OurRate(const Case& c) {
  const RandomCheckpoint base(c.shape);
  std::vector<Example> examples(c.batch);
  for (size_t e = 0; e < c.batch; ++e) {
    Example& example = examples[e];
    for (size_t i = 0; i < c.length; ++i) {
      example.tokens.push_back(
          static_cast<int32_t>(UniformAt(3, e, i) * static_cast<double>(c.shape.vocabulary)));
    }
    for (size_t i = 0; i < c.length; ++i) {
      example.targets.push_back(i + 1 < c.length ? example.tokens[i + 1] : Example::kIgnored);
      example.weights.push_back(i + 1 < c.length ? 1.0F : 0.0F);
      example.kinds.push_back(TargetKind::kThinking);
    }
  }
  TrainerOptions options;
  options.epochs = 1000;
  options.batch = c.batch;
  options.threads = 1;
  options.rate = 1e-4;
  auto trainer = Trainer::Create(base, examples, options);
  if (!trainer) {
    fmt::print(stderr, "bench: {}\n", trainer.error().message);
    std::exit(1);
  }
  std::vector<double> rates;
  for (int step = 0; step < c.steps + 2; ++step) {
    const auto begin = Clock::now();
    if (auto report = (*trainer)->Step(); !report) {
      fmt::print(stderr, "bench: {}\n", report.error().message);
      std::exit(1);
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    if (step >= 2) rates.push_back(static_cast<double>(c.batch * c.length) / seconds);
  }
  return Median(rates);
}

double TheirRate(const Case& c) {
  const Json request{{"vocabulary", c.shape.vocabulary},
                     {"width", c.shape.width},
                     {"layers", c.shape.layers},
                     {"feed_forward", c.shape.feed_forward},
                     {"heads", c.shape.heads},
                     {"kv_heads", c.shape.kv_heads},
                     {"head_width", c.shape.head_width},
                     {"batch", c.batch},
                     {"length", c.length},
                     {"steps", c.steps},
                     {"threads", 1}};
  const std::string command =
      "echo '" + request.dump() + "' | /usr/bin/python3 " + InSource("bench/training_reference.py");
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  char block[256];
  while (pipe != nullptr && std::fgets(block, sizeof block, pipe) != nullptr) output += block;
  if (pipe == nullptr || pclose(pipe) != 0) {
    fmt::print(stderr, "bench: the PyTorch side did not run; it needs: apt-get install python3-torch\n");
    std::exit(1);
  }
  return Json::parse(output)["tokens_per_second"].get<double>();
}

// Runs our side alone, for a moment: PyTorch is not needed to see that the benchmark works.
void RunQuickly(Case c) {
  c.batch = 4;
  c.steps = 2;
  fmt::print("{:<44} tessy {:>8.0f} tokens/s\n", c.name, OurRate(c));
}

void Run(const Case& c, int rounds) {
  std::vector<double> ours;
  std::vector<double> theirs;
  for (int i = 0; i < rounds; ++i) {
    ours.push_back(OurRate(c));
    theirs.push_back(TheirRate(c));
  }
  fmt::print("{:<44} tessy {:>8.0f} tokens/s   PyTorch {:>8.0f}   ratio {:.2f}\n", c.name, Median(ours),
             Median(theirs), Median(ours) / Median(theirs));
}

}  // namespace
}  // namespace tessy::bench

int main(int count, char** arguments) {
  using tessy::bench::Case;
  // The program that trains does the same: memory that is freed stays with the process.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  const auto shape = [](int64_t vocabulary, int64_t width, int64_t layers, int64_t feed_forward,
                        int64_t heads, int64_t kv_heads, int64_t head_width) {
    return tessy::Qwen3Shape{.vocabulary = vocabulary,
                             .width = width,
                             .layers = layers,
                             .feed_forward = feed_forward,
                             .heads = heads,
                             .kv_heads = kv_heads,
                             .head_width = head_width,
                             .context_tokens = 1024,
                             .rope_base = 1e6,
                             .norm_epsilon = 1e-6,
                             .tied_embeddings = true,
                             .classes = 0};
  };
  const Case miniature{"miniature student (166k), 32 x 100", shape(96, 64, 3, 192, 4, 4, 16), 32, 100, 40};
  if (count > 1 && std::string_view(arguments[1]) == "--quick") {
    tessy::bench::RunQuickly(miniature);
    return 0;
  }
  fmt::print("training tokens a second on one thread, medians of 3 rounds in turns\n");
  tessy::bench::Run(miniature, 3);
  tessy::bench::Run(Case{"20M, 32k vocabulary, 8 x 128", shape(32768, 256, 12, 1024, 8, 4, 32), 8, 128, 5},
                    3);
  return 0;
}
