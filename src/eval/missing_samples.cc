#include "eval/missing_samples.h"

#include <map>
#include <utility>

#include "cooperation/loop.h"
#include "dataset/failure.h"
#include "dataset/line_reader.h"

namespace tessy {
namespace {

using Place = std::pair<std::string, uint32_t>;  // the id of the problem, and the sample

std::string ReasonOf(const Failure& failure) {
  const auto reason = ReasonNamed(failure.reason);
  const bool cut_off = reason == FailureReason::kThinkingNotClosed || reason == FailureReason::kContextFull ||
                       reason == FailureReason::kAnswerNotFinished;
  return cut_off ? "truncated" : failure.reason.substr(0, failure.reason.find(':'));
}

// Each missing sample is told of once, whatever else the file has.
void TellReasons(const std::string& failures, std::map<Place, SampleVerdict*> missing) {
  if (missing.empty()) return;
  auto lines = LineReader::Open(failures);
  if (!lines) return;
  for (auto line = lines->Next(); line && *line && !missing.empty(); line = lines->Next()) {
    const auto failure = ParseFailure(**line);
    if (!failure || !failure->sample) continue;
    const auto told = missing.find({failure->id, *failure->sample});
    if (told == missing.end()) continue;
    if (std::string reason = ReasonOf(*failure); !reason.empty()) told->second->reason = std::move(reason);
    missing.erase(told);
  }
}

}  // namespace

std::vector<SampleVerdict> WithMissingSamples(std::vector<SampleVerdict> verdicts,
                                              const std::vector<BenchmarkProblem>& problems, uint32_t samples,
                                              const std::string& failures) {
  std::map<Place, size_t> there;
  for (size_t i = 0; i < verdicts.size(); ++i) there[{verdicts[i].question_id, verdicts[i].sample}] = i;
  std::vector<SampleVerdict> all;
  all.reserve(problems.size() * samples);
  std::map<Place, SampleVerdict*> missing;
  for (const BenchmarkProblem& problem : problems) {
    for (uint32_t sample = 0; sample < samples; ++sample) {
      const Place place{problem.question.id, sample};
      if (const auto known = there.find(place); known != there.end()) {
        all.push_back(std::move(verdicts[known->second]));
        continue;
      }
      all.push_back({.question_id = place.first,
                     .sample = sample,
                     .right = false,
                     .extracted = {},
                     .expected = problem.expected,
                     .reason = "no response",
                     .official = {},
                     .tokens = 0,
                     .detail = {}});
      missing[place] = &all.back();
    }
  }
  TellReasons(failures, std::move(missing));
  return all;
}

}  // namespace tessy
