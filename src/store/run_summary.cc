#include "store/run_summary.h"

#include <algorithm>

#include "store/configuration.h"

namespace tessy {
namespace {

double Ratio(double part, double whole) { return whole > 0 ? part / whole : 0.0; }

void Add(RunSummary& summary, const SampleRecord& sample) {
  ++(sample.done ? summary.done : summary.failed);
  if (!sample.done) {
    ++summary.failures[sample.reason];
    return;
  }
  summary.stats += sample.stats;
  if (!sample.closed_by.empty()) ++summary.closed_by[sample.closed_by];
}

void Add(RunSummary& summary, const SessionRecord& session) {
  summary.tokens += session.tokens;
  summary.drafted_tokens += session.drafted_tokens;
  summary.discarded_tokens += session.discarded_tokens;
  summary.recalled_tokens += session.recalled_tokens;
  summary.spans += session.spans;
  // A clock that was set back does not take time away.
  const int64_t milliseconds = std::max<int64_t>(0, session.last_ms - session.started_ms);
  summary.seconds += static_cast<double>(milliseconds) / 1000.0;
}

}  // namespace

double RunSummary::tokens_per_second() const { return Ratio(static_cast<double>(tokens), seconds); }

double RunSummary::samples_per_hour() const {
  return Ratio(static_cast<double>(done + failed) * 3600.0, seconds);
}

double RunSummary::discarded_share() const {
  return Ratio(static_cast<double>(discarded_tokens), static_cast<double>(drafted_tokens));
}

std::vector<std::string> RunSummary::Changes() const {
  std::vector<std::string> changes;
  for (size_t i = 1; i < configurations.size(); ++i) {
    changes.push_back(DifferenceOf(configurations[i - 1].json, configurations[i].json));
  }
  return changes;
}

Result<RunSummary> Summarize(RunStore& store) {
  RunSummary summary;
  auto configurations = store.Configurations();
  if (!configurations) return tl::unexpected(configurations.error());
  summary.configurations = std::move(*configurations);
  auto sessions = store.Sessions();
  if (!sessions) return tl::unexpected(sessions.error());
  summary.sessions = std::move(*sessions);
  for (const SessionRecord& session : summary.sessions) Add(summary, session);
  Status status = store.ForEachSample([&summary](const SampleRecord& sample) { Add(summary, sample); });
  if (status) {
    status = store.ForEachFailedAttempt(
        [&summary](const AttemptRecord& attempt) { ++summary.failed_attempts[attempt.reason]; });
  }
  if (!status) return tl::unexpected(status.error());
  const auto unfinished = store.Unfinished();
  if (!unfinished) return tl::unexpected(unfinished.error());
  summary.unfinished = *unfinished;
  const uint64_t known = summary.done + summary.failed + summary.unfinished;
  summary.samples = std::max(known, summary.sessions.empty() ? 0 : summary.sessions.back().samples);
  return summary;
}

}  // namespace tessy
