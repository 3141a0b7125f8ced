#include "plain.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/random.h"

namespace tessy::bench {
namespace {

namespace asio = boost::asio;

struct Lane {
  std::unique_ptr<Sequence> sequence;
  std::shared_ptr<TokenId> drawn = std::make_shared<TokenId>(0);
};

}  // namespace

Rate MeasurePlain(const std::shared_ptr<const LlamaModel>& model, const PlainOptions& options) {
  asio::io_context io(1);
  const auto guard = asio::make_work_guard(io);
  auto engine = Engine::Create(
      model, {.sequences = options.sequences, .context_tokens = options.prompt_tokens + options.length + 8},
      [&io](std::function<void()> f) { asio::post(io, std::move(f)); });
  if (!engine) {
    std::fprintf(stderr, "bench: %s\n", engine.error().message.c_str());
    std::exit(1);
  }
  std::vector<Lane> lanes(static_cast<size_t>(options.sequences));
  const auto vocabulary = static_cast<uint64_t>(model->vocabulary().size());
  const auto random_token = [&](uint64_t lane, uint64_t at) {
    const uint64_t parts[] = {lane, at};
    return static_cast<TokenId>(HashParts(parts) % vocabulary);
  };
  for (size_t i = 0; i < lanes.size(); ++i) {
    lanes[i].sequence = (*engine)->Open();
    std::vector<TokenId> prompt;
    for (size_t t = 0; t < options.prompt_tokens; ++t) prompt.push_back(random_token(i, t));
    lanes[i].sequence->Append(prompt);
  }
  const auto step = [&](size_t at) {
    size_t waiting = lanes.size();
    for (size_t i = 0; i < lanes.size(); ++i) {
      Lane& lane = lanes[i];
      auto take = [&options, model, drawn = lane.drawn, i, at](std::span<const float> row, size_t) {
        static thread_local Sampler sampler;
        *drawn = model->is_classifier() ? (model->StyleProbability(row.data()) > 0.5F ? 1 : 0)
                                        : sampler.Draw(row, options.sampling, UniformAt(i, at, 0));
      };
      lane.sequence->Want({lane.sequence->tokens().size() - 1}, std::move(take),
                          [&waiting](const Status& status) {
                            if (!status) std::exit(1);
                            --waiting;
                          });
    }
    while (waiting > 0) {
      if (!(*engine)->busy()) (*engine)->StartBatch();
      io.run_one();
    }
    for (size_t i = 0; i < lanes.size(); ++i) {
      const TokenId next = model->is_classifier() ? random_token(i, at + 1000) : *lanes[i].drawn;
      lanes[i].sequence->Append({&next, 1});
    }
  };
  step(0);  // the prompts
  const double cpu = ProcessCpuSeconds();
  const double wall = WallSeconds();
  for (size_t t = 1; t <= options.length; ++t) step(t);
  return {.tokens = static_cast<double>(options.length * lanes.size()),
          .cpu_seconds = ProcessCpuSeconds() - cpu,
          .wall_seconds = WallSeconds() - wall};
}

}  // namespace tessy::bench
