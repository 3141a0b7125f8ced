#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "dataset/question.h"
#include "dataset/response.h"
#include "store/run_folder.h"
#include "synthesis/sample.h"

namespace tessy {

// The settings that make a run what it is, as one JSON object. Two runs with equal settings give the same
// responses.
struct RunConfiguration {
  std::string json;  // in one line
};

// The files of one run: the responses (`--out`), and beside them the folder with the configuration and the
// failures. Everything is written as it happens; the same command finds here what is done already. One
// process at a time.
class RunFiles {
 public:
  struct Options {
    std::string out;         // responses.jsonl
    std::string run_folder;  // empty: `out` + ".run"
    bool fresh = false;      // set what is there aside (renamed, not deleted) and start over
  };

  // Locks and reads what is there. kConflict: another run is writing, the file was not made by a run, the
  // recorded settings differ from these, or a question is no longer what it was.
  static Result<std::unique_ptr<RunFiles>> Open(const Options& options, const RunConfiguration& configuration,
                                                const std::vector<Question>& questions);
  // The configuration that an earlier run recorded; empty if there is none.
  static std::string RecordedConfiguration(const Options& options);

  // To be called once all is ready to run, before the first response.
  Status RecordConfiguration() { return folder_.RecordConfiguration(); }
  Status AddResponse(const Response& response);
  Status AddFailure(const SampleTask& task, const SampleOutcome& outcome);

  bool IsDone(const std::string& question_id, uint32_t sample) const {
    return done_.contains({question_id, sample});
  }
  bool HasFailed(const std::string& question_id, uint32_t sample) const {
    return failed_.contains({question_id, sample});
  }
  size_t done() const { return done_.size(); }
  size_t failed() const { return failed_.size(); }
  size_t repaired_bytes() const { return folder_.repaired_bytes(); }
  const std::vector<std::string>& set_aside() const { return folder_.set_aside(); }
  std::string failures_path() { return folder_.rejects().path(); }

  // What the responses of this file, earlier runs included, sum up to.
  struct Totals {
    uint64_t thinking_tokens = 0, teacher_tokens = 0, answer_tokens = 0, switches = 0, drafted = 0,
             discarded = 0, wrong = 0;
    uint64_t closed_by_student = 0;
  };
  const Totals& totals() const { return totals_; }

 private:
  explicit RunFiles(RunFolder folder) : folder_(std::move(folder)) {}
  Status ReadResponses(const std::vector<Question>& questions);
  Status ReadFailures();
  void Count(const Response& response);

  RunFolder folder_;
  std::set<std::pair<std::string, uint32_t>> done_;
  std::set<std::pair<std::string, uint32_t>> failed_;
  Totals totals_;
};

}  // namespace tessy
