#include "job/annotate_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/json_depth.h"
#include "base/numbers.h"
#include "base/utf8.h"
#include "boundary/lexicon/marking.h"
#include "cast/driving_thread.h"
#include "dataset/annotation.h"
#include "dataset/failure.h"
#include "dataset/thinking.h"
#include "job/cast.h"
#include "job/identity.h"
#include "job/output_check.h"
#include "job/retry_failed.h"
#include "job/settings_record.h"
#include "job/stop_request.h"
#include "job/template_date.h"
#include "store/run_folder.h"
#include "synthesis/annotate.h"
#include "synthesis/prompt.h"

namespace tessy {
namespace {

namespace asio = boost::asio;
using Json = nlohmann::ordered_json;
using Marker = std::function<std::vector<ByteRange>(std::string_view thinking)>;

// The parts of the thinking's spans that lie in the window, by the window's own offsets.
std::vector<ByteRange> Inside(const std::vector<ByteRange>& spans, ByteRange window) {
  std::vector<ByteRange> inside;
  for (const ByteRange& span : spans) {
    const size_t start = std::max(span.start, window.start);
    const size_t end = std::min(span.end, window.end);
    if (start < end) inside.push_back({.start = start - window.start, .end = end - window.start});
  }
  return inside;
}

// Rules that mark style in a thinking.
Result<Marker> RulesOf(const AnnotateOptions& options) {
  if (KindOf(options) == AnnotatorKind::kPhrases) {
    const std::string path = PhrasesPath(options);
    auto text = ReadText(path);
    if (!text) return tl::unexpected(text.error());
    auto phrases = Phrases::Parse(*text, path);
    if (!phrases) return tl::unexpected(phrases.error());
    return [phrases = std::move(*phrases)](std::string_view thinking) { return phrases.Mark(thinking); };
  }
  if (options.lexicon.empty()) {
    return [](std::string_view thinking) { return MarkStyle(Lexicon::BuiltIn(), thinking); };
  }
  auto text = ReadText(options.lexicon);
  if (!text) return tl::unexpected(text.error());
  auto lexicon = Lexicon::Parse(*text, options.lexicon);
  if (!lexicon) return tl::unexpected(lexicon.error());
  return [lexicon = std::move(*lexicon)](std::string_view thinking) { return MarkStyle(lexicon, thinking); };
}

}  // namespace

// One run, in the order in which it can go wrong.
class AnnotateJob::Work {
 public:
  Work(AnnotateOptions options, JobEvents events, JobStop stop)
      : options_(std::move(options)), events_(std::move(events)), stop_(std::move(stop)) {}
  Result<AnnotateResult> Run();

 private:
  Status ReadResponses();
  Status OpenFiles();
  Status ReadAnnotations();
  Status ReadRejects();
  Result<RunResult> AskRules();
  Result<RunResult> AskModel();
  std::string_view TextOf(const Window& window) const {
    const std::string_view thinking = thinkings_[window.thinking].text;
    return thinking.substr(window.range.start, window.range.end - window.range.start);
  }
  void Count(const Annotation& annotation);
  Status Accept(const Window& window, const std::vector<ByteRange>& spans);
  Status Reject(const Window& window, const std::vector<std::string>& reasons, std::string_view answer);
  Status Finish(const JobItem& item) { return events_.finished ? events_.finished(item) : Status(); }
  AnnotateResult Conclude(RunResult run) const;

  AnnotateOptions options_;
  JobEvents events_;
  JobStop stop_;
  std::vector<Thinking> thinkings_;
  std::vector<Window> windows_;  // those that are still to do
  std::optional<RunFolder> files_;
  std::string annotator_name_;
  std::unordered_set<std::string> accepted_;
  std::map<std::string, std::string> rejected_;  // the last reason's name, by window
  size_t windows_total_ = 0;
  uint64_t style_bytes_ = 0;
  uint64_t window_bytes_ = 0;
};

Status AnnotateJob::Work::ReadResponses() {
  auto read = ReadThinkings(options_.responses, options_.skip_bad_lines);
  if (!read) return tl::unexpected(read.error());
  if (!read->bad_lines.empty()) {
    Tell(events_.notice,
         fmt::format("{}: {} lines passed over; the first is line {}: {}", options_.responses,
                     read->bad_lines.size(), read->bad_lines.front().line, read->bad_lines.front().reason));
  }
  thinkings_ = std::move(read->thinkings);
  windows_ = CutWindows(thinkings_, options_.windows);
  windows_total_ = windows_.size();
  return {};
}

Status AnnotateJob::Work::OpenFiles() {
  RunFolder::Options folder{.out = options_.out,
                            .run_folder = options_.run_folder,
                            .rejects = "rejected.jsonl",
                            .fresh = options_.fresh};
  options_.annotator.template_date = TemplateDate(
      options_.annotator.template_date, options_.fresh ? "" : RunFolder::RecordedConfiguration(folder));
  const Settings settings = AnnotateSettings(options_);
  const auto record = RecordOf(settings, "tessy_annotations", "1");
  if (!record) return tl::unexpected(record.error());
  folder.as_recorded_now = [&](const std::string& before) {
    return AsRecordedNow(settings, before, *record);
  };
  folder.unset = UnsetTextsOf(settings);
  auto files = RunFolder::Open(folder, *record);
  if (!files) return tl::unexpected(files.error());
  files_ = std::move(*files);
  for (const std::string& name : files_->set_aside()) {
    Tell(events_.notice, fmt::format("set aside as {}", name));
  }
  if (auto status = ReadAnnotations(); !status) return status;
  return ReadRejects();
}

Status AnnotateJob::Work::ReadAnnotations() {
  return files_->results().ForEachLine([&](std::string_view line, size_t number) -> Status {
    const auto annotation = ParseAnnotation(line);
    if (!annotation) {
      return Fail(ErrorCode::kInvalidData, fmt::format("{}:{}: {}; mend or remove that line", options_.out,
                                                       number, annotation.error().message));
    }
    Count(*annotation);
    return {};
  });
}

Status AnnotateJob::Work::ReadRejects() {
  const auto retries = FailuresToRetry(options_.retry_failed, false, "", "");
  std::vector<std::string> kept;
  size_t retried = 0;
  auto status = files_->rejects().ForEachLine([&](std::string_view line, size_t number) -> Status {
    const Json record = ParseBounded<Json>(line);
    if (!record.is_object() || !record.contains("id") || !record["id"].is_string()) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}:{}: not a record of a window; mend or remove that line",
                              files_->rejects().path(), number));
    }
    const auto found = record.find("reason");
    std::string reason = found != record.end() && found->is_string() ? found->get<std::string>() : "";
    if (retries && retries(reason)) {
      ++retried;
      return {};
    }
    if (retries) kept.emplace_back(line);
    rejected_[record["id"].get<std::string>()] = std::move(reason);
    return {};
  });
  if (!status || retried == 0) return status;
  Tell(events_.notice, fmt::format("{}: {} that had been rejected {} asked about again", options_.out,
                                   Counted(retried, "window"), retried == 1 ? "is" : "are"));
  return files_->RewriteRejects(kept);
}

void AnnotateJob::Work::Count(const Annotation& annotation) {
  for (const ByteRange& span : annotation.spans) style_bytes_ += span.end - span.start;
  window_bytes_ += annotation.text.size();
  accepted_.insert(annotation.id);
}

Status AnnotateJob::Work::Accept(const Window& window, const std::vector<ByteRange>& spans) {
  const Thinking& thinking = thinkings_[window.thinking];
  const Annotation annotation{
      .id = window.id,
      .trace_id = thinking.trace_id,
      .text = std::string(TextOf(window)),
      .start = CountCodePoints(std::string_view(thinking.text).substr(0, window.range.start)),
      .spans = spans,
      .annotator = annotator_name_};
  Count(annotation);
  const std::string line = ToJsonLine(annotation);
  if (auto status = files_->results().Append(line); !status) return status;
  return Finish({.id = window.id, .done = true, .line = line});
}

Status AnnotateJob::Work::Reject(const Window& window, const std::vector<std::string>& reasons,
                                 std::string_view answer) {
  const std::string& last = reasons.back();
  const std::string name = last.substr(0, last.find(':'));
  rejected_[window.id] = name;
  const Json record{{"id", window.id},
                    {"trace_id", thinkings_[window.thinking].trace_id},
                    {"text", TextOf(window)},
                    {"reason", name},
                    {"reasons", reasons},
                    {"annotator", annotator_name_},
                    {"text_end", LastCharacters(answer, kFailedTextCharacters)}};
  const std::string line = record.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (auto status = files_->rejects().Append(line); !status) return status;
  return Finish({.id = window.id, .done = false, .line = {}, .reason = last});
}

Result<RunResult> AnnotateJob::Work::AskRules() {
  const auto mark = RulesOf(options_);
  if (!mark) return tl::unexpected(mark.error());
  if (auto status = files_->RecordConfiguration(); !status) return tl::unexpected(status.error());
  std::optional<size_t> marked;  // the thinking that `spans` belong to
  std::vector<ByteRange> spans;
  RunResult result;
  const StopRequest stop(stop_.on_signals, stop_.token);
  for (const Window& window : windows_) {
    result.interrupted = stop.flag();
    if (result.interrupted) break;
    if (marked != window.thinking) spans = (*mark)(thinkings_[window.thinking].text);
    marked = window.thinking;
    result.status = Accept(window, Inside(spans, window.range));
    if (!result.status) break;
  }
  return result;
}

Result<RunResult> AnnotateJob::Work::AskModel() {
  const auto prompt = ReadPrompt(options_.annotator.prompt, BuiltInAnnotatePrompt(), {"{window}"});
  if (!prompt) return tl::unexpected(prompt.error());
  asio::io_context io(1);
  auto options = CastOptionsOf(options_);
  if (!options) return tl::unexpected(options.error());
  options->samples = windows_.size();
  auto cast = LoadCast(std::move(*options), DrivenBy(io), events_);
  if (!cast) return tl::unexpected(cast.error());
  if (auto status = files_->RecordConfiguration(); !status) return tl::unexpected(status.error());
  TellPlan(**cast, events_);
  std::vector<WindowQuestion> questions;
  for (const Window& window : windows_) {
    questions.push_back({.id = window.id, .text = std::string(TextOf(window))});
  }
  const AnnotateCallbacks callbacks{
      .accepted = [&](size_t i, const std::vector<ByteRange>& spans) { return Accept(windows_[i], spans); },
      .rejected = [&](size_t i, const std::vector<std::string>& reasons,
                      std::string_view answer) { return Reject(windows_[i], reasons, answer); },
      .progress = events_.progress};
  return AnnotateWindows(
      io, **cast, SampleSettingsOf(options_.annotator, options_.windows.seed), questions, *prompt,
      {.concurrency = (*cast)->concurrency(), .stop_on_signals = stop_.on_signals, .stop = stop_.token},
      callbacks);
}

AnnotateResult AnnotateJob::Work::Conclude(RunResult run) const {
  AnnotateResult result{.windows = windows_total_,
                        .annotated = accepted_.size(),
                        .rejected = {},
                        .style_bytes = style_bytes_,
                        .window_bytes = window_bytes_,
                        .interrupted = run.interrupted,
                        .status = std::move(run.status)};
  if (result.status && files_) result.status = files_->CheckUntouched();
  for (const auto& [id, reason] : rejected_) ++result.rejected[reason];
  return result;
}

Result<AnnotateResult> AnnotateJob::Work::Run() {
  if (auto status = CheckOptions(options_); !status) return tl::unexpected(status.error());
  if (auto status = CheckOutputs(AnnotateSettings(options_)); !status) return tl::unexpected(status.error());
  annotator_name_ =
      KindOf(options_) == AnnotatorKind::kLexicon ? "lexicon" : ModelName(options_.annotator.model);
  if (auto status = ReadResponses(); !status) return tl::unexpected(status.error());
  if (auto status = OpenFiles(); !status) return tl::unexpected(status.error());
  std::erase_if(windows_, [&](const Window& window) {
    return accepted_.contains(window.id) || rejected_.contains(window.id);
  });
  if (windows_.size() < windows_total_) {
    const std::string rejected =
        rejected_.empty() ? ""
                          : fmt::format(" ({} rejected; --retry-failed all asks again)", rejected_.size());
    Tell(events_.notice, fmt::format("{}: {} windows are there already{}, {} to go", options_.out,
                                     windows_total_ - windows_.size(), rejected, windows_.size()));
  }
  if (windows_.empty()) {
    if (auto status = files_->RecordConfiguration(); !status) return tl::unexpected(status.error());
    return Conclude({});
  }
  auto result = KindOf(options_) == AnnotatorKind::kModel ? AskModel() : AskRules();
  if (!result) return tl::unexpected(result.error());
  return Conclude(std::move(*result));
}

AnnotateJob::AnnotateJob(AnnotateOptions options, JobEvents events, JobStop stop)
    : work_(std::make_unique<Work>(std::move(options), std::move(events), std::move(stop))) {}
AnnotateJob::~AnnotateJob() = default;

Result<AnnotateResult> AnnotateJob::Run() { return work_->Run(); }

}  // namespace tessy
