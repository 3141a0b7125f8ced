#include "cast/part.h"

#include <fmt/format.h>

#include "base/numbers.h"

namespace tessy {
namespace {

std::string Line(const std::string& name, const EngineStats& stats) {
  return fmt::format(
      "{}: {} tokens in {} batches ({} graphs), {:.2f} CPU-seconds, {} fed again, {} sequences moved, {} set "
      "aside",
      name, stats.tokens, stats.batches, stats.graphs, stats.cpu_seconds, stats.refed_tokens,
      stats.sequence_copies, stats.set_aside);
}

std::string Line(const std::string& name, const PartCounts::Served& served) {
  const ServerModel::Counts& counts = served.counts;
  return fmt::format(
      "{} server ({}): {} requests, {} tried again, {} refused for overload; {} sent, {} received{}", name,
      served.dialect, counts.requests, counts.retries, counts.overloads, FormatBytes(counts.bytes_sent),
      FormatBytes(counts.bytes_received),
      counts.outages > 0 ? fmt::format("; {} outages", counts.outages) : "");
}

std::string Line(const std::string& name, const PoolingModel::Counts& counts) {
  return fmt::format("{}'s server: {} requests for {} places, {} tried again; {} sent", name, counts.requests,
                     counts.inputs, counts.retries, FormatBytes(counts.bytes_sent));
}

}  // namespace

bool IsLarge(const LlamaModel& model) {
  constexpr uint64_t kLargeFrom = 200'000'000;  // parameters
  return model.parameters() >= kLargeFrom;
}

MemoryNeeds NeedsOf(const LlamaModel& model, size_t context_tokens) {
  const MemoryPlaces& places = model.places();
  return {.file = model.file().path(),
          .weights_bytes = places.ram_weights,
          .bytes_per_token = places.ram_cache_per_token,
          .bytes_per_sample = places.ram_state,
          .context_tokens = context_tokens,
          .device_weights_bytes = places.device_weights,
          .device_bytes_per_token = places.device_cache_per_token,
          .device_bytes_per_sample = places.device_state,
          .is_large = IsLarge(model)};
}

std::string PartCounts::Describe() const {
  return std::visit([this](const auto& part) { return Line(name, part); }, counts);
}

}  // namespace tessy
