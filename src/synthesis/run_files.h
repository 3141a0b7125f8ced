#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "dataset/question.h"
#include "dataset/question_parser.h"
#include "dataset/response.h"
#include "store/run_folder.h"
#include "store/run_store.h"
#include "synthesis/sample.h"

namespace tessy {

// The settings that make a run what it is, as one JSON object. Two runs with equal settings give the same
// responses.
struct RunConfiguration {
  std::string json;  // in one line
};

// The files of one run: the responses (`--out`), and beside them a folder with the configuration, the
// failures, and the store of finished and unfinished samples. Everything is written as it happens, so the
// same command finds the finished work. Used by one process at a time.
class RunFiles {
 public:
  struct Options {
    std::string out;         // responses.jsonl
    std::string run_folder;  // empty: `out` + ".run"
    bool fresh = false;      // set what is there aside (renamed, not deleted) and start over
    // The flag that accepts other settings (unfinished samples are then started over); empty: there is none.
    std::string accept_flag = {};
    bool accepts_change = false;  // it was given
    // The lines are those of ToReferenceLine: one for each question, known by its id. They have no
    // statistics.
    bool reference_lines = false;
    // A record of an earlier version in the form that it has today; empty: it has not changed.
    std::function<std::string(const std::string& recorded)> as_recorded_now = {};
    UnsetTexts unset = {};  // of the settings, for the error that tells how they differ
    // Whether a sample that has failed for this reason is tried again; empty: none is. The file of failures
    // is then kept as a copy ("failures.jsonl.old-1") and written anew without them.
    std::function<bool(std::string_view reason)> retries = {};
  };

  // HashOfMessages of the question with this id; empty if there is no such question.
  using MessagesHashOf = std::function<std::optional<uint64_t>(std::string_view question_id)>;

  // Locks and reads the existing files; of the responses only the lines that the store does not know.
  // kConflict: another run is writing, the file was not made by a run, the recorded settings differ from
  // these, or a question has changed. kInvalidData: the store or a line is damaged; nothing is changed.
  static Result<std::unique_ptr<RunFiles>> Open(const Options& options, const RunConfiguration& configuration,
                                                const MessagesHashOf& questions);
  // The configuration that an earlier run recorded; empty if there is none.
  static std::string RecordedConfiguration(const Options& options);

  // To be called once all is ready to run, before the first response. Until then nothing of a new run stays:
  // the files that Open has made go with this object.
  Status RecordConfiguration();
  // A sample of the question is about to begin.
  void NameQuestion(const std::string& id, uint64_t messages_hash);
  Status AddResponse(const Response& response) { return AddResponse(response, ToJsonLine(response)); }
  // `line`: the response as it is written.
  Status AddResponse(const Response& response, const std::string& line);
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
  RunStore& store() { return *store_; }
  const std::string& accepted_change() const { return folder_.accepted_change(); }
  // The number of samples that were under way with other settings and are started over.
  size_t started_over() const { return started_over_; }
  const std::vector<std::string>& set_aside() const { return folder_.set_aside(); }
  // The number of failed samples that are tried again.
  size_t retried() const { return retried_; }
  // The number of responses that were recorded and are no longer in the file. They are made again.
  size_t lost() const;
  // kConflict: somebody else has removed, renamed, replaced or changed one of the files since it was opened.
  Status CheckUntouched() const { return folder_.CheckUntouched(); }
  std::string failures_path() { return folder_.rejects().path(); }

  // The sums over the responses of this file, earlier runs included.
  const SampleStats& totals() const { return totals_; }

 private:
  using Key = std::pair<std::string, uint32_t>;
  // A response of an earlier run, and the hash of its question.
  struct Finished {
    SampleRecord record;
    uint64_t messages_hash = 0;
  };

  struct RecordedLine {
    uint64_t bytes = 0;
    uint64_t hash = 0;
  };

  RunFiles(RunFolder folder, RunConfiguration configuration, std::unique_ptr<RunStore> store,
           bool reference_lines)
      : folder_(std::move(folder)),
        configuration_(std::move(configuration)),
        store_(std::move(store)),
        reference_lines_(reference_lines) {}
  Status ReadStore(const Options& options);
  Result<bool> AreInPlace(const std::map<uint64_t, RecordedLine>& lines, uint64_t end) const;
  Status CheckQuestions(const MessagesHashOf& questions);
  Status ReadResponses(const MessagesHashOf& questions);
  Status ReadFailures(const Options& options);
  Result<Finished> ReadLine(std::string_view line, uint64_t line_end);
  void TakeDone(const SampleRecord& record);

  RunFolder folder_;
  RunConfiguration configuration_;
  std::unique_ptr<RunStore> store_;
  bool reference_lines_;
  QuestionParser parser_;
  bool new_configuration_ = false;
  size_t started_over_ = 0;
  size_t retried_ = 0;
  uint64_t known_bytes_ = 0;       // of the responses, that the store knows
  std::set<Key> failed_in_store_;  // as it was opened
  std::set<Key> done_;
  std::set<Key> recorded_;  // what the store had for done, where the file was not what it was
  std::set<Key> failed_;
  std::unordered_set<std::string> named_;  // questions that the store has as they are
  SampleStats totals_;
};

}  // namespace tessy
