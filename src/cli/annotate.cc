#include "cli/annotate.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "base/utf8.h"
#include "boundary/lexicon/marking.h"
#include "cli/exit_status.h"
#include "cli/progress.h"
#include "cli/setting_flags.h"
#include "dataset/annotation.h"
#include "dataset/thinking.h"
#include "job/annotate_options.h"
#include "job/cast.h"
#include "job/identity.h"
#include "job/settings_record.h"
#include "store/run_folder.h"
#include "synthesis/annotate.h"

namespace tessy {
namespace {

namespace asio = boost::asio;
using Json = nlohmann::ordered_json;

// Of a window, those parts of the thinking's spans that lie in it, by the window's own offsets.
std::vector<ByteRange> Inside(const std::vector<ByteRange>& spans, ByteRange window) {
  std::vector<ByteRange> inside;
  for (const ByteRange& span : spans) {
    const size_t start = std::max(span.start, window.start);
    const size_t end = std::min(span.end, window.end);
    if (start < end) inside.push_back({.start = start - window.start, .end = end - window.start});
  }
  return inside;
}

// One run of the command, in the order in which it can go wrong.
class AnnotateCommand {
 public:
  AnnotateCommand(AnnotateOptions options, MessageOptions messages)
      : flags_(std::move(options)), messages_(std::move(messages)) {}
  Result<int> Run();

 private:
  Status OpenFiles();
  Status ReadDone();
  Result<RunResult> AskRules();
  Result<RunResult> AskModel();
  std::string_view TextOf(const Window& window) const {
    const std::string_view thinking = thinkings_[window.thinking].text;
    return thinking.substr(window.range.start, window.range.end - window.range.start);
  }
  Status Accept(const Window& window, const std::vector<ByteRange>& spans);
  Status Reject(const Window& window, const std::vector<std::string>& reasons);
  int Conclude(bool interrupted) const;

  AnnotateOptions flags_;
  MessageOptions messages_;
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

Status AnnotateCommand::OpenFiles() {
  RunFolder::Options options{
      .out = flags_.out, .run_folder = flags_.run_folder, .rejects = "rejected.jsonl", .fresh = flags_.fresh};
  // A run that goes on after midnight keeps the date with which it began.
  if (flags_.template_date.empty() && !flags_.fresh) {
    flags_.template_date = RecordedText(RunFolder::RecordedConfiguration(options), "template_date");
  }
  if (flags_.template_date.empty()) {
    flags_.template_date = fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
  }
  const Settings settings = AnnotateSettings(flags_);
  auto record = RecordOf(settings, "tessy_annotations", "1");
  if (!record) return tl::unexpected(record.error());
  options.as_recorded_now = [&](const std::string& before) {
    return AsRecordedNow(settings, before, *record);
  };
  auto files = RunFolder::Open(options, *record);
  if (!files) return tl::unexpected(files.error());
  files_ = std::move(*files);
  for (const std::string& name : files_->set_aside()) fmt::print(stderr, "set aside as {}\n", name);
  return ReadDone();
}

Status AnnotateCommand::ReadDone() {
  auto status = files_->results().ForEachLine([&](std::string_view line, size_t number) -> Status {
    auto annotation = ParseAnnotation(line);
    if (!annotation) {
      return Fail(ErrorCode::kInvalidData, fmt::format("{}:{}: {}; mend or remove that line", flags_.out,
                                                       number, annotation.error().message));
    }
    for (const ByteRange& span : annotation->spans) style_bytes_ += span.end - span.start;
    window_bytes_ += annotation->text.size();
    accepted_.insert(annotation->id);
    return {};
  });
  if (!status) return status;
  return files_->rejects().ForEachLine([&](std::string_view line, size_t number) -> Status {
    const Json record = Json::parse(line, nullptr, false);
    if (!record.is_object() || !record.contains("id") || !record["id"].is_string()) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}:{}: not a record of a window; mend or remove that line",
                              files_->rejects().path(), number));
    }
    rejected_[record["id"].get<std::string>()] = record.value("reason", "");
    return {};
  });
}

Status AnnotateCommand::Accept(const Window& window, const std::vector<ByteRange>& spans) {
  const Thinking& thinking = thinkings_[window.thinking];
  Annotation annotation{
      .id = window.id,
      .trace_id = thinking.trace_id,
      .text = std::string(TextOf(window)),
      .start = CountCodePoints(std::string_view(thinking.text).substr(0, window.range.start)),
      .spans = spans,
      .annotator = annotator_name_};
  for (const ByteRange& span : spans) style_bytes_ += span.end - span.start;
  window_bytes_ += annotation.text.size();
  accepted_.insert(window.id);
  return files_->results().Append(ToJsonLine(annotation));
}

Status AnnotateCommand::Reject(const Window& window, const std::vector<std::string>& reasons) {
  const std::string& last = reasons.back();
  const std::string name = last.substr(0, last.find(':'));
  rejected_[window.id] = name;
  const Json record{{"id", window.id},        {"trace_id", thinkings_[window.thinking].trace_id},
                    {"text", TextOf(window)}, {"reason", name},
                    {"reasons", reasons},     {"annotator", annotator_name_}};
  return files_->rejects().Append(record.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Result<RunResult> AnnotateCommand::AskRules() {
  std::function<std::vector<ByteRange>(std::string_view)> mark;
  if (KindOf(flags_) == AnnotatorKind::kPhrases) {
    const std::string path = PhrasesPath(flags_);
    auto text = ReadWhole(path);
    if (!text) return tl::unexpected(text.error());
    auto phrases = Phrases::Parse(*text, path);
    if (!phrases) return tl::unexpected(phrases.error());
    mark = [phrases = std::move(*phrases)](std::string_view thinking) { return phrases.Mark(thinking); };
  } else if (!flags_.lexicon.empty()) {
    auto text = ReadWhole(flags_.lexicon);
    if (!text) return tl::unexpected(text.error());
    auto lexicon = Lexicon::Parse(*text, flags_.lexicon);
    if (!lexicon) return tl::unexpected(lexicon.error());
    mark = [lexicon = std::move(*lexicon)](std::string_view thinking) {
      return MarkStyle(lexicon, thinking);
    };
  } else {
    mark = [](std::string_view thinking) { return MarkStyle(Lexicon::BuiltIn(), thinking); };
  }
  if (auto status = files_->RecordConfiguration(); !status) return tl::unexpected(status.error());
  std::optional<size_t> marked;  // the thinking that `spans` are of
  std::vector<ByteRange> spans;
  for (const Window& window : windows_) {
    if (marked != window.thinking) spans = mark(thinkings_[window.thinking].text);
    marked = window.thinking;
    if (auto status = Accept(window, Inside(spans, window.range)); !status)
      return RunResult{.progress = {}, .status = std::move(status)};
  }
  return RunResult{};
}

Result<RunResult> AnnotateCommand::AskModel() {
  std::string prompt(BuiltInAnnotatePrompt());
  if (!flags_.prompt.empty()) {
    auto text = ReadWhole(flags_.prompt);
    if (!text) return tl::unexpected(text.error());
    if (text->find("{window}") == std::string::npos) {
      return Fail(ErrorCode::kInvalidData, fmt::format("{}: has no {{window}} in it", flags_.prompt));
    }
    prompt = std::move(*text);
  }
  asio::io_context io(1);
  const auto options = CastOptionsOf(flags_);
  if (!options) return tl::unexpected(options.error());
  auto cast = LoadCast(io, *options);
  if (!cast) return tl::unexpected(cast.error());
  spdlog::info("memory: {}", (*cast)->local().plan().Describe());
  if (auto status = files_->RecordConfiguration(); !status) return tl::unexpected(status.error());
  auto style = FindProgressStyle(messages_.progress, isatty(STDERR_FILENO) == 1);
  if (!style) return tl::unexpected(style.error());
  ProgressDisplay display(*style);
  std::vector<WindowQuestion> questions;
  for (const Window& window : windows_)
    questions.push_back({.id = window.id, .text = std::string(TextOf(window))});
  const AnnotateCallbacks callbacks{
      .accepted = [&](size_t i, const std::vector<ByteRange>& spans) { return Accept(windows_[i], spans); },
      .rejected = [&](size_t i,
                      const std::vector<std::string>& reasons) { return Reject(windows_[i], reasons); },
      .progress = [&](const RunProgress& progress) { display.Show(progress); }};
  RunResult result = AnnotateWindows(io, **cast, SampleSettingsOf(flags_), questions, prompt,
                                     {.concurrency = (*cast)->concurrency()}, callbacks);
  display.Close();
  return result;
}

int AnnotateCommand::Conclude(bool interrupted) const {
  std::string line =
      fmt::format("{}: {} of {} windows annotated", flags_.out, accepted_.size(), windows_total_);
  if (window_bytes_ > 0) {
    line += fmt::format(", {:.1f} % of their text is style",
                        100.0 * static_cast<double>(style_bytes_) / static_cast<double>(window_bytes_));
  }
  std::map<std::string, size_t> by_reason;
  for (const auto& [id, reason] : rejected_) ++by_reason[reason];
  for (const auto& [reason, count] : by_reason) line += fmt::format("; {} {}", count, reason);
  if (interrupted) line += "; interrupted, the same command goes on";
  fmt::print(stderr, "{}\n", line);
  if (interrupted) return kExitInterrupted;
  return accepted_.empty() ? kExitSomeFailed : kExitDone;
}

Result<int> AnnotateCommand::Run() {
  if (auto status = CheckOptions(flags_); !status) return tl::unexpected(status.error());
  annotator_name_ = KindOf(flags_) == AnnotatorKind::kLexicon ? "lexicon" : ModelName(flags_.annotator);
  auto read = ReadThinkings(flags_.responses, flags_.skip_bad_lines);
  if (!read) return tl::unexpected(read.error());
  if (!read->bad_lines.empty()) {
    fmt::print(stderr, "{}: {} lines passed over; the first is line {}: {}\n", flags_.responses,
               read->bad_lines.size(), read->bad_lines.front().line, read->bad_lines.front().reason);
  }
  thinkings_ = std::move(read->thinkings);
  windows_ = CutWindows(thinkings_, flags_.windows);
  windows_total_ = windows_.size();
  if (auto status = OpenFiles(); !status) return tl::unexpected(status.error());
  std::erase_if(windows_, [&](const Window& window) {
    return accepted_.contains(window.id) || rejected_.contains(window.id);
  });
  if (windows_.size() < windows_total_) {
    fmt::print(stderr, "{}: {} windows are there already, {} to go\n", flags_.out,
               windows_total_ - windows_.size(), windows_.size());
  }
  if (windows_.empty()) return Conclude(false);
  const auto result = KindOf(flags_) == AnnotatorKind::kModel ? AskModel() : AskRules();
  if (!result) return tl::unexpected(result.error());
  if (!result->status) return ReportStopped(result->status.error(), true);
  return Conclude(result->interrupted);
}

struct AnnotateFlags {
  AnnotateOptions options;
  MessageOptions messages;
  std::string run_file;
};

}  // namespace

void AddAnnotateCommand(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("annotate", "mark style spans, for training boundary predictors");
  auto flags = std::make_shared<AnnotateFlags>();
  Settings settings = AnnotateSettings(flags->options);
  InsertBefore(settings, "Servers", MessageSettings(flags->messages));
  AddRunFileArgument(*command, flags->run_file);
  AddSettings(*command, settings);
  command->footer(
      "Examples:\n"
      "  tessy annotate --responses student.jsonl --annotator teacher.gguf --out style.jsonl\n"
      "  tessy annotate --responses student.jsonl --annotator http://localhost:8000/v1#model --out "
      "style.jsonl\n"
      "  tessy annotate --responses student.jsonl --annotator lexicon --out style.jsonl\n\n"
      "A server's key is taken from TESSY_ANNOTATOR_API_KEY, or TESSY_API_KEY.\n"
      "A model's answer that cannot be used is shown to it once more; windows that come to nothing are in\n"
      "OUT.run/rejected.jsonl, with reasons. Exit status: 0 done; 1 usage or configuration; 2 no window was\n"
      "annotated; 3 interrupted, resumable; 4 a server cannot be reached.");
  command->callback([command, flags, settings, &context] {
    if (auto given = ApplyRunFile(*command, settings, flags->run_file); !given) return Finish(context, given);
    SetLogLevel(flags->messages.log_level);
    auto status = AnnotateCommand(flags->options, flags->messages).Run();
    if (!status) return Finish(context, tl::unexpected(status.error()));
    context.exit_status = *status;
  });
}

}  // namespace tessy
