#include "synthesis/run_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <span>

#include "base/clock.h"
#include "base/random.h"
#include "base/utf8.h"
#include "dataset/failure.h"
#include "store/configuration.h"
#include "store/open_run_store.h"

namespace tessy {
namespace {

RunFolder::Options FolderOptions(const RunFiles::Options& options) {
  return {.out = options.out,
          .run_folder = options.run_folder,
          .rejects = "failures.jsonl",
          .others = {kRunStoreFile},
          .fresh = options.fresh,
          .accept_flag = options.accept_flag,
          .accepts_change = options.accepts_change,
          .as_recorded_now = options.as_recorded_now,
          .unset = options.unset};
}

std::span<const Message> AskedIn(const Response& response) {
  return std::span(response.messages).first(response.messages.size() - 1);
}

tl::unexpected<Error> AnotherQuestion(const std::string& where, const std::string& id) {
  return Fail(ErrorCode::kConflict,
              fmt::format("{}: question {} was another one when it was answered; use another --out, or give "
                          "the new question another id",
                          where, id));
}

SampleRecord RecordOf(const Response& response, std::string_view line, uint64_t line_end) {
  return {.key = {.question_id = response.question_id, .sample = response.sample},
          .done = true,
          .line_end = line_end,
          .line_bytes = line.size() + 1,
          .line_hash = HashBytes(line),
          .reason = {},
          .closed_by = response.closed_by,
          .stats = response.stats};
}

SampleRecord FailedRecord(const std::string& question_id, uint32_t sample) {
  return {.key = {.question_id = question_id, .sample = sample}, .reason = {}, .closed_by = {}};
}

}  // namespace

std::string RunFiles::RecordedConfiguration(const Options& options) {
  return RunFolder::RecordedConfiguration(FolderOptions(options));
}

Result<std::unique_ptr<RunFiles>> RunFiles::Open(const Options& options,
                                                 const RunConfiguration& configuration,
                                                 const MessagesHashOf& questions) {
  auto folder = RunFolder::Open(FolderOptions(options), configuration.json);
  if (!folder) return tl::unexpected(folder.error());
  auto store = OpenRunStore(RunStoreIn(folder->folder()));
  if (!store) return tl::unexpected(store.error());
  std::unique_ptr<RunFiles> files(
      new RunFiles(std::move(*folder), configuration, std::move(*store), options.reference_lines));
  Status status = files->ReadStore(options);
  if (status) status = files->CheckQuestions(questions);
  if (status) status = files->ReadResponses(questions);
  if (status) status = files->ReadFailures(options);
  if (!status) return tl::unexpected(status.error());
  return files;
}

// Drops the samples under way if the settings have changed, because a sample that is begun under one set of
// settings and finished under another belongs to neither.
Status RunFiles::ReadStore(const Options& options) {
  const auto configurations = store_->Configurations();
  if (!configurations) return tl::unexpected(configurations.error());
  std::string recorded = configurations->empty() ? configuration_.json : configurations->back().json;
  if (options.as_recorded_now) recorded = options.as_recorded_now(recorded);
  const std::string difference = DifferenceOf(recorded, configuration_.json, options.unset);
  new_configuration_ = configurations->empty() || !difference.empty();
  if (new_configuration_) {
    const auto unfinished = store_->Unfinished();
    if (!unfinished) return tl::unexpected(unfinished.error());
    started_over_ = *unfinished;
    if (started_over_ > 0 && !difference.empty() && !options.accepts_change)
      return tl::unexpected(RunFolder::OtherSettings(FolderOptions(options), difference));
    if (started_over_ > 0) store_->ForgetUnfinished();
  }
  uint64_t end = 0;
  std::map<uint64_t, RecordedLine> lines;
  auto status = store_->ForEachSample([&](const SampleRecord& sample) {
    end = std::max(end, sample.line_end);
    if (sample.done) TakeDone(sample);
    if (sample.done && sample.line_bytes > 0) lines[sample.line_end] = {sample.line_bytes, sample.line_hash};
    if (!sample.done) failed_in_store_.emplace(sample.key.question_id, sample.key.sample);
  });
  if (!status) return status;
  const auto intact = AreInPlace(lines, end);
  if (!intact) return tl::unexpected(intact.error());
  if (*intact) {
    known_bytes_ = end;
    return {};
  }
  // The file is not what it was: what it says holds.
  store_->ForgetFinished();
  recorded_ = std::exchange(done_, {});
  failed_in_store_.clear();
  totals_ = {};
  return {};
}

// Whether the file still has every recorded line where it was; read from its begin, since it may be damaged
// anywhere.
Result<bool> RunFiles::AreInPlace(const std::map<uint64_t, RecordedLine>& lines, uint64_t end) const {
  const AppendFile& file = folder_.results();
  if (end > file.size() || !file.EndsLineAt(end)) return false;
  size_t found = 0;
  uint64_t at = 0;
  auto status = file.ForEachLine([&](std::string_view line, size_t) -> Status {
    at += line.size() + 1;
    const auto recorded = lines.find(at);
    if (recorded == lines.end()) return {};
    const bool same = recorded->second.bytes == line.size() + 1 && recorded->second.hash == HashBytes(line);
    found += same ? 1 : 0;
    return {};
  });
  if (!status) return tl::unexpected(status.error());
  return found == lines.size();
}

Status RunFiles::CheckQuestions(const MessagesHashOf& questions) {
  std::vector<QuestionRecord> changed;
  auto status = store_->ForEachQuestion([&](const QuestionRecord& question) {
    if (question.hash == 0) return;  // nobody has said what it was
    const auto now = questions(question.id);
    if (now && *now != question.hash) changed.push_back({.id = question.id, .hash = *now});
    if (now) named_.insert(question.id);
  });
  if (!status) return status;
  for (const QuestionRecord& question : changed) {
    const auto answered = done_.lower_bound({question.id, 0});
    if (answered != done_.end() && answered->first == question.id) {
      return AnotherQuestion(folder_.results().path(), question.id);
    }
    store_->SetQuestion(question);
  }
  return {};
}

void RunFiles::NameQuestion(const std::string& id, uint64_t messages_hash) {
  if (named_.insert(id).second) store_->SetQuestion({.id = id, .hash = messages_hash});
}

// Those that the store does not know: of a run that was killed before it could record them, or of one without
// a store.
Status RunFiles::ReadResponses(const MessagesHashOf& questions) {
  const AppendFile& file = folder_.results();
  if (known_bytes_ == file.size()) return {};
  uint64_t end = known_bytes_;
  const size_t known_lines = done_.size();
  const auto read = [&](std::string_view line, size_t number) -> Status {
    const std::string where = fmt::format("{}:{}", file.path(), known_lines + number);
    end += line.size() + 1;
    const auto finished = ReadLine(line, end);
    if (!finished) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}: {}; mend or remove that line", where, finished.error().message));
    }
    const std::string& id = finished->record.key.question_id;
    const auto now = questions(id);
    if (now && *now != finished->messages_hash) return AnotherQuestion(where, id);
    NameQuestion(id, finished->messages_hash);
    store_->FinishSample(finished->record);
    TakeDone(finished->record);
    return {};
  };
  return file.ForEachLine(read, known_bytes_);
}

Result<RunFiles::Finished> RunFiles::ReadLine(std::string_view line, uint64_t line_end) {
  if (!reference_lines_) {
    const auto response = ParseResponse(line);
    if (!response) return tl::unexpected(response.error());
    return Finished{.record = RecordOf(*response, line, line_end),
                    .messages_hash = HashOfMessages(AskedIn(*response))};
  }
  // The row is the question's with its answer, which whoever reads questions leaves off.
  auto question = parser_.Parse(line, QuestionParser::Source::kPassOver);
  if (!question) return tl::unexpected(question.error());
  const uint64_t hash = HashOfMessages(question->messages);
  if (question->id.empty()) question->id = MadeId(hash);
  SampleRecord record = FailedRecord(question->id, 0);
  record.done = true;
  record.line_end = line_end;
  record.line_bytes = line.size() + 1;
  record.line_hash = HashBytes(line);
  return Finished{.record = std::move(record), .messages_hash = hash};
}

// Whoever takes a line out of the file of failures wants that sample tried again.
Status RunFiles::ReadFailures(const Options& options) {
  std::vector<std::string> kept;
  auto status = folder_.rejects().ForEachLine([&](std::string_view line, size_t number) -> Status {
    const auto failure = ParseFailure(line);
    if (!failure || !failure->sample) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}:{}: not a record of a failure; mend or remove that line",
                              folder_.rejects().path(), number));
    }
    const Key key{failure->id, *failure->sample};
    if (options.retries && options.retries(failure->reason)) {
      retried_ += done_.contains(key) ? 0 : 1;
      return {};  // not among the failures of the file any more, so that the store forgets it, too
    }
    if (options.retries) kept.emplace_back(line);
    failed_.insert(key);
    if (failed_in_store_.erase(key) > 0 || done_.contains(key)) return {};
    SampleRecord sample = FailedRecord(key.first, key.second);
    sample.reason = failure->reason;
    sample.stats.attempts = failure->attempts;
    sample.stats.failed_attempts_tokens = failure->failed_attempts_tokens;
    store_->FinishSample(sample);
    return {};
  });
  if (!status) return status;
  if (retried_ > 0) {
    if (auto written = folder_.RewriteRejects(kept); !written) return written;
  }
  for (const Key& key : failed_in_store_) {
    store_->ForgetSample({.question_id = key.first, .sample = key.second});
  }
  return {};
}

size_t RunFiles::lost() const {
  return static_cast<size_t>(
      std::ranges::count_if(recorded_, [this](const Key& key) { return !done_.contains(key); }));
}

void RunFiles::TakeDone(const SampleRecord& record) {
  done_.emplace(record.key.question_id, record.key.sample);
  totals_ += record.stats;
}

Status RunFiles::RecordConfiguration() {
  if (std::exchange(new_configuration_, false)) {
    store_->AddConfiguration({.at_ms = UnixMilliseconds(), .json = configuration_.json});
  }
  // First what is older than the settings goes, then they are named: killed between the two, the run may be
  // begun with either.
  if (auto status = store_->Commit(); !status) return status;
  return folder_.RecordConfiguration();
}

Status RunFiles::AddResponse(const Response& response, const std::string& line) {
  if (auto status = folder_.results().Append(line); !status) return status;
  NameQuestion(response.question_id, HashOfMessages(AskedIn(response)));
  const SampleRecord record = RecordOf(response, line, folder_.results().size());
  store_->FinishSample(record);
  TakeDone(record);
  return {};
}

Status RunFiles::AddFailure(const SampleTask& task, const SampleOutcome& outcome) {
  const Failure failure{.id = task.question->id,
                        .sample = task.sample,
                        .reason = outcome.failures.empty() ? "unknown" : outcome.failures.back(),
                        .attempts = outcome.stats.attempts,
                        .reasons = outcome.failures,
                        .failed_attempts_tokens = outcome.stats.failed_attempts_tokens,
                        .text_end = std::string(LastCharacters(outcome.failed_text, kFailedTextCharacters))};
  if (auto status = folder_.rejects().Append(ToJsonLine(failure)); !status) return status;
  SampleRecord sample = FailedRecord(task.question->id, task.sample);
  sample.reason = Sanitize(failure.reason);
  sample.stats.attempts = failure.attempts;
  sample.stats.failed_attempts_tokens = failure.failed_attempts_tokens;
  store_->FinishSample(sample);
  failed_.emplace(task.question->id, task.sample);
  return {};
}

}  // namespace tessy
