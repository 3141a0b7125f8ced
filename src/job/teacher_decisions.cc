#include "job/teacher_decisions.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cmath>
#include <optional>
#include <stop_token>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "base/random.h"
#include "base/utf8.h"
#include "cast/driving_thread.h"
#include "dataset/failure.h"
#include "embedded/selection.h"
#include "job/cast.h"
#include "job/identity.h"
#include "job/retry_failed.h"
#include "job/settings_record.h"
#include "job/template_date.h"
#include "store/configuration.h"
#include "store/run_folder.h"
#include "synthesis/interview.h"
#include "synthesis/prompt.h"

namespace tessy {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kPlace = "{question}";
constexpr std::string_view kAgain =
    "Answer again: only one JSON object, in which one field is true or false and \"reason\" says why.";
// Before the reason for which a model wrote no answer; the reason itself tells more.
constexpr std::string_view kNoAnswer = "no_answer: ";

std::string NameOfReason(std::string_view reason) {
  if (reason.starts_with(kNoAnswer)) reason.remove_prefix(kNoAnswer.size());
  return std::string(reason.substr(0, reason.find(':')));
}

// Walks over the questions and hands out those that are to be asked.
class Walk {
 public:
  Walk(const AskedQuestions& questions, const std::unordered_map<std::string, Decision>& decisions,
       const std::unordered_map<std::string, Undecided>& undecided)
      : questions_(questions), decisions_(decisions), undecided_(undecided) {
    for (size_t i = 0; i < questions.count; ++i) {
      const std::string id = questions.id(i);
      if (decisions.contains(id)) {
        ++known_decided_;
      } else if (undecided.contains(id)) {
        ++known_undecided_;
      }
    }
  }

  Result<std::optional<InterviewItem>> Next(std::string_view prompt) {
    while (next_ < questions_.count && !IsEnough()) {
      const size_t place = next_++;
      const std::string id = questions_.id(place);
      if (const auto known = decisions_.find(id); known != decisions_.end()) {
        Count(known->second.suits);
        continue;
      }
      if (undecided_.contains(id)) continue;
      const auto text = questions_.text(place);
      if (!text) return tl::unexpected(text.error());
      ++asked_;
      return InterviewItem{.id = id, .prompt = FillIn(prompt, {{kPlace, *text}})};
    }
    return std::nullopt;
  }

  void Count(bool suits) {
    ++decided_;
    suits_ += suits ? 1 : 0;
  }
  void CountUndecided() { ++without_; }
  size_t known_decided() const { return known_decided_; }
  size_t known_undecided() const { return known_undecided_; }

  // How many are asked, as far as it can be told from the share that has suited so far.
  size_t size() const {
    const size_t all = questions_.count - known_decided_ - known_undecided_;
    if (questions_.wanted == 0) return all;
    const double share = static_cast<double>(suits_ + 1) / static_cast<double>(decided_ + without_ + 1);
    const auto missing = static_cast<double>(IsEnough() ? 0 : questions_.wanted - suits_);
    const size_t answered = decided_ + without_ - std::min(decided_, known_decided_);
    const auto more = static_cast<size_t>(std::ceil(missing / share));
    return std::min(all, std::max(asked_, answered + more));
  }

 private:
  bool IsEnough() const { return questions_.wanted > 0 && suits_ >= questions_.wanted; }

  const AskedQuestions& questions_;
  const std::unordered_map<std::string, Decision>& decisions_;
  const std::unordered_map<std::string, Undecided>& undecided_;
  size_t known_decided_ = 0;
  size_t known_undecided_ = 0;
  size_t next_ = 0;
  size_t asked_ = 0;
  uint64_t decided_ = 0;  // among those that it has come to
  uint64_t suits_ = 0;
  uint64_t without_ = 0;  // asked now, and no decision came
};

}  // namespace

class TeacherDecisions::Work {
 public:
  Work(const SelectOptions& options, const JobEvents& events, const std::atomic<bool>& stop)
      : options_(options), events_(events), stop_(stop) {}

  Status Open();
  Status Ask(const AskedQuestions& questions);

  const std::unordered_map<std::string, Decision>& decisions() const { return decisions_; }
  const std::unordered_map<std::string, Undecided>& undecided() const { return undecided_; }

 private:
  Status OpenFiles();
  RunFolder::Options FolderOptions() const;
  Status ReadDecisions();
  Status ReadUndecided(const std::string& recorded, const std::string& now);
  Status Load(size_t questions);
  Status Accept(const std::string& id, std::string_view answer);
  Status Reject(const std::string& id, const std::vector<std::string>& reasons, std::string_view answer);
  Status Interrogate(Walk& walk, InterviewItem first);

  SelectOptions options_;
  const JobEvents& events_;
  const std::atomic<bool>& stop_;
  std::string prompt_;
  std::string prompt_hash_;
  std::optional<RunFolder> files_;                       // not in a dry run
  std::unordered_map<std::string, Decision> decisions_;  // by question
  std::unordered_map<std::string, Undecided> undecided_;
  asio::io_context io_{1};
  std::unique_ptr<ModelCast> cast_;
};

Status TeacherDecisions::Work::Open() {
  auto prompt = ReadPrompt(options_.teacher.prompt, embedded::selection::kSelectionPromptTxt, {kPlace});
  if (!prompt) return tl::unexpected(prompt.error());
  prompt_ = std::move(*prompt);
  prompt_hash_ = fmt::format("{:016x}", HashBytes(prompt_));
  if (options_.dry_run == 0) {
    if (auto status = OpenFiles(); !status) return status;
  } else {
    options_.teacher.template_date = TemplateDate(options_.teacher.template_date, "");
  }
  // A server that nobody reaches is to be told before the sources are read.
  return IsServerAddress(options_.teacher.model) ? Load(0) : Status();
}

RunFolder::Options TeacherDecisions::Work::FolderOptions() const {
  const std::string folder = options_.out + ".run/teacher";
  return {.out = folder + "/decisions.jsonl",
          .run_folder = folder,
          .rejects = "undecided.jsonl",
          .accept_flag = "--accept-config-change",
          .accepts_change = options_.accept_config_change};
}

Status TeacherDecisions::Work::OpenFiles() {
  RunFolder::Options folder = FolderOptions();
  const std::string recorded = RunFolder::RecordedConfiguration(folder);
  options_.teacher.template_date = TemplateDate(options_.teacher.template_date, recorded);
  const Settings settings = TeacherSettings(options_);
  const auto record = RecordOf(settings, "tessy_decisions", "1");
  if (!record) return tl::unexpected(record.error());
  folder.as_recorded_now = [&](const std::string& before) {
    return AsRecordedNow(settings, before, *record);
  };
  const bool is_other = !recorded.empty() && !DifferenceOf(folder.as_recorded_now(recorded), *record).empty();
  if (options_.fresh && is_other && !options_.accept_config_change) {
    const auto moved = SetAside(folder.run_folder);
    if (!moved) return tl::unexpected(moved.error());
    Tell(events_.notice,
         fmt::format("{}: was decided with other settings; set aside as {}", folder.run_folder, *moved));
  }
  auto files = RunFolder::Open(folder, *record);
  if (!files) return tl::unexpected(files.error());
  files_ = std::move(*files);
  if (!files_->accepted_change().empty()) {
    Tell(events_.warning,
         fmt::format("{}: goes on with other settings: {}", folder.run_folder, files_->accepted_change()));
  }
  if (auto status = ReadDecisions(); !status) return status;
  if (auto status = ReadUndecided(recorded, *record); !status) return status;
  if (decisions_.empty() && undecided_.empty()) return {};
  Tell(events_.notice,
       fmt::format("{}: {} of the teacher {} there already{}", files_->folder(),
                   Counted(decisions_.size(), "decision"), decisions_.size() == 1 ? "is" : "are",
                   undecided_.empty() ? ""
                                      : fmt::format(", and {} without one (--retry-failed all "
                                                    "asks again)",
                                                    Counted(undecided_.size(), "question"))));
  return {};
}

Status TeacherDecisions::Work::ReadDecisions() {
  const AppendFile& file = files_->results();
  return file.ForEachLine([&](std::string_view line, size_t number) -> Status {
    auto decision = ParseDecision(line);
    if (!decision) {
      return Fail(ErrorCode::kInvalidData, fmt::format("{}:{}: {}; mend or remove that line", file.path(),
                                                       number, decision.error().message));
    }
    const std::string id = decision->id;
    decisions_.insert_or_assign(id, std::move(*decision));
    return {};
  });
}

Status TeacherDecisions::Work::ReadUndecided(const std::string& recorded, const std::string& now) {
  const auto retries = FailuresToRetry(options_.retry_failed, options_.accept_config_change, recorded, now);
  const AppendFile& file = files_->rejects();
  std::vector<std::string> kept;
  size_t retried = 0;
  auto status = file.ForEachLine([&](std::string_view line, size_t number) -> Status {
    auto undecided = ParseUndecided(line);
    if (!undecided) {
      return Fail(ErrorCode::kInvalidData, fmt::format("{}:{}: {}; mend or remove that line", file.path(),
                                                       number, undecided.error().message));
    }
    if (retries && retries(undecided->reason)) {
      ++retried;
      return {};
    }
    if (retries) kept.emplace_back(line);
    const std::string id = undecided->id;
    undecided_.insert_or_assign(id, std::move(*undecided));
    return {};
  });
  if (!status || retried == 0) return status;
  Tell(events_.notice, fmt::format("{}: {} without a decision {} asked about again", files_->folder(),
                                   Counted(retried, "question"), retried == 1 ? "is" : "are"));
  return files_->RewriteRejects(kept);
}

Status TeacherDecisions::Work::Load(size_t questions) {
  if (cast_) return {};
  auto cast_options = CastOptionsOf(options_);
  if (!cast_options) return tl::unexpected(cast_options.error());
  cast_options->samples = questions;
  auto cast = LoadCast(std::move(*cast_options), DrivenBy(io_), events_);
  if (!cast) return tl::unexpected(cast.error());
  cast_ = std::move(*cast);
  TellPlan(*cast_, events_);
  return {};
}

Status TeacherDecisions::Work::Accept(const std::string& id, std::string_view answer) {
  auto decision = ReadDecision(id, answer);
  if (!decision) return tl::unexpected(decision.error());
  decision->teacher = ModelName(options_.teacher.model);
  decision->prompt = prompt_hash_;
  if (files_) {
    if (auto status = files_->results().Append(ToJsonLine(*decision)); !status) return status;
  }
  decisions_.insert_or_assign(id, std::move(*decision));
  return {};
}

Status TeacherDecisions::Work::Reject(const std::string& id, const std::vector<std::string>& reasons,
                                      std::string_view answer) {
  Undecided undecided{.id = id,
                      .reason = NameOfReason(reasons.back()),
                      .reasons = reasons,
                      .text_end = std::string(LastCharacters(answer, kFailedTextCharacters))};
  if (files_) {
    if (auto status = files_->rejects().Append(ToJsonLine(undecided)); !status) return status;
  }
  undecided_.insert_or_assign(id, std::move(undecided));
  return {};
}

Status TeacherDecisions::Work::Ask(const AskedQuestions& questions) {
  Walk walk(questions, decisions_, undecided_);
  auto first = walk.Next(prompt_);
  if (!first) return tl::unexpected(first.error());
  if (!*first) return {};
  if (auto status = Load(walk.size()); !status) return status;
  if (files_) {
    if (auto status = files_->RecordConfiguration(); !status) return status;
  }
  return Interrogate(walk, std::move(**first));
}

Status TeacherDecisions::Work::Interrogate(Walk& walk, InterviewItem first) {
  std::optional<InterviewItem> next = std::move(first);
  std::stop_source stopping;
  if (stop_) return {};
  const InterviewCallbacks callbacks{
      .next = [&]() -> Result<std::optional<InterviewItem>> {
        if (next) return std::exchange(next, std::nullopt);
        return walk.Next(prompt_);
      },
      .size = [&] { return walk.size(); },
      .flaw =
          [](const std::string& id, std::string_view answer) {
            const auto decision = ReadDecision(id, answer);
            return decision ? std::string() : decision.error().message;
          },
      .accepted = [&](const std::string& id, std::string_view answer) -> Status {
        if (auto status = Accept(id, answer); !status) return status;
        walk.Count(decisions_.at(id).suits);
        return {};
      },
      .rejected = [&](const std::string& id, const std::vector<std::string>& reasons,
                      std::string_view answer) -> Status {
        walk.CountUndecided();
        return Reject(id, reasons, answer);
      },
      .progress =
          [&](const RunProgress& progress) {
            if (stop_) stopping.request_stop();
            if (events_.progress) events_.progress(progress);
          }};
  constexpr std::chrono::milliseconds kLookEvery{200};
  const RunResult result = Interview(io_, *cast_, SampleSettingsOf(options_.teacher, 0), kAgain,
                                     {.concurrency = cast_->concurrency(),
                                      .progress_interval = kLookEvery,
                                      .stop_on_signals = false,
                                      .stop = stopping.get_token(),
                                      .resumed_done = walk.known_decided(),
                                      .resumed_failed = walk.known_undecided()},
                                     callbacks);
  if (!result.status) return result.status;
  return files_ ? files_->CheckUntouched() : Status();
}

TeacherDecisions::TeacherDecisions(std::unique_ptr<Work> work) : work_(std::move(work)) {}
TeacherDecisions::~TeacherDecisions() = default;

Result<std::unique_ptr<TeacherDecisions>> TeacherDecisions::Open(const SelectOptions& options,
                                                                 const JobEvents& events,
                                                                 const std::atomic<bool>& stop) {
  auto work = std::make_unique<Work>(options, events, stop);
  if (auto status = work->Open(); !status) return tl::unexpected(status.error());
  return std::unique_ptr<TeacherDecisions>(new TeacherDecisions(std::move(work)));
}

Status TeacherDecisions::Ask(const AskedQuestions& questions) { return work_->Ask(questions); }

const Decision* TeacherDecisions::Find(const std::string& id) const {
  const auto found = work_->decisions().find(id);
  return found == work_->decisions().end() ? nullptr : &found->second;
}

const Undecided* TeacherDecisions::FindUndecided(const std::string& id) const {
  const auto found = work_->undecided().find(id);
  return found == work_->undecided().end() ? nullptr : &found->second;
}

size_t TeacherDecisions::decided() const { return work_->decisions().size(); }

}  // namespace tessy
