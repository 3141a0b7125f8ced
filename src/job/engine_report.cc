#include "job/engine_report.h"

#include <fmt/format.h>

#include <string>

#include "base/numbers.h"

namespace tessy {
namespace {

void ReportServers(const MixedCast& cast, const JobEvents& events) {
  for (const Role role : kRoles) {
    const ServerModel* server = cast.server(role);
    if (server == nullptr) continue;
    const auto counts = server->counts();
    Tell(events.notice,
         fmt::format(
             "{} server ({}): {} requests, {} tried again, {} refused for overload; {} sent, {} received{}",
             Name(role), Name(server->dialect()), counts.requests, counts.retries, counts.overloads,
             FormatBytes(counts.bytes_sent), FormatBytes(counts.bytes_received),
             counts.outages > 0 ? fmt::format("; {} outages", counts.outages) : ""));
  }
  for (const Role role : kRoles) {
    const PoolingModel* predictor = cast.predictor(role);
    if (predictor == nullptr) continue;
    const auto counts = predictor->counts();
    Tell(events.notice,
         fmt::format("{} predictor's server: {} requests for {} places, {} tried again; {} sent", Name(role),
                     counts.requests, counts.inputs, counts.retries, FormatBytes(counts.bytes_sent)));
  }
}

}  // namespace

void ReportEngines(const MixedCast& cast, const JobEvents& events) {
  ReportServers(cast, events);
  for (const auto& [name, stats] : cast.local().stats()) {
    Tell(events.debug,
         fmt::format("{}: {} tokens in {} batches, {:.2f} CPU-seconds, {} fed again, {} sequences moved",
                     name, stats.tokens, stats.batches, stats.cpu_seconds, stats.refed_tokens,
                     stats.sequence_copies));
    if (stats.refed_tokens > 0) {
      Tell(events.warning,
           fmt::format("the {} cannot roll back; {} tokens were fed again (--draft stop feeds fewest)", name,
                       stats.refed_tokens));
    }
  }
}

}  // namespace tessy
