#include "job/select_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/machine.h"
#include "base/numbers.h"
#include "base/shorten.h"
#include "dataset/question.h"
#include "dataset/tables/table_files.h"
#include "dataset/tables/table_reader.h"
#include "dataset/tables/table_writer.h"
#include "job/output_check.h"
#include "job/select_files.h"
#include "job/settings_record.h"
#include "job/stop_request.h"
#include "job/teacher_decisions.h"
#include "select/corpus.h"
#include "select/lookup.h"
#include "select/source_question.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kNoticeEvery{10};
constexpr size_t kShownBytes = 300;  // of the text of what is rejected

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

tl::unexpected<Error> Usage(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

// What is kept of a text while the sources are read.
struct KeptText {
  uint64_t offset = 0;  // of its part of the row, in the spool
  size_t bytes = 0;
  uint64_t hash = 0;  // HashOfMessages of its question
};

struct EvaluationText {
  std::string file;
  std::string id;  // its own, or its row
  std::string text;
};

// What a row says of the teacher's decision.
Json DecisionJson(const Decision& decision) {
  return {{"suits", decision.suits},
          {"reason", decision.reason},
          {"teacher", decision.teacher},
          {"prompt_hash", decision.prompt}};
}

// The fields of an output row that do not depend on other rows, without braces.
std::string PartOfRow(const SourceQuestion& question) {
  std::string part = "\"prompt\":" + Dump(question.text);
  if (!question.rest_json.empty()) {
    part += ',';
    part.append(question.rest_json, 1, question.rest_json.size() - 2);
  }
  if (!question.id.empty() && !question.has_source_id) part += ",\"source_id\":" + Dump(question.id);
  return part;
}

}  // namespace

class SelectJob::Work {
 public:
  Work(SelectOptions options, JobEvents events, JobStop stop)
      : options_(std::move(options)), events_(std::move(events)), stop_(stop.on_signals, stop.token) {}

  Result<SelectResult> Run();

 private:
  bool IsDry() const { return options_.dry_run > 0; }
  Status CheckPlaces();
  Status CheckSources() const;
  Status OpenTeacher();
  Status ReadEvaluations();
  Status ReadEvaluation(const std::string& name);
  static Status CheckEvaluation(SourceParser& parser, std::string_view row, const TableReader& reader);
  Status ReadSources();
  Status ReadSource(const std::string& name);
  Status AddFiles(const std::string& source, const std::vector<std::string>& files);
  Status Take(std::string_view row, const TableReader& reader);
  Status TakeQuestion(const SourceQuestion& question, RowPlace place);
  Status RejectRow(const SourceQuestion& question, const TableReader& reader);
  void TellProgress();

  std::string IdOf(uint32_t text) const { return MadeId(kept_[text].hash); }
  Result<std::string> TextOf(uint32_t text);
  Status AskTeacher(Choice& choice);
  Status Decide(Choice& choice);
  // Why the teacher keeps a question from the sample: "unsuitable", "undecided"; empty: it does not.
  std::string ObjectionTo(uint32_t text) const;
  Json OriginsOf(const std::vector<uint32_t>& texts) const;
  Status RejectText(uint32_t text, Json reason);
  Status RejectTexts(const Choice& choice);
  Status RejectQuestion(const ChosenQuestion& question);
  Status WriteQuestions(const Choice& choice);
  Status WriteQuestion(const ChosenQuestion& question);
  Result<bool> WriteAll(const Choice& choice, const SelectResult& result);
  Result<std::string> Summary(const SelectResult& result);
  std::vector<SelectStage> Account(const Choice& choice) const;
  Status Read();
  Choice FindQuestions();
  SelectResult Interrupted() const;

  SelectOptions options_;
  JobEvents events_;
  StopRequest stop_;
  std::optional<SourceParser> parser_;
  std::optional<Lookup> lookup_;
  std::optional<SelectFiles> files_out_;
  std::unique_ptr<TeacherDecisions> teacher_;  // null: nobody is asked
  Corpus corpus_;
  std::vector<KeptText> kept_;  // by text
  std::vector<EvaluationText> evaluations_;
  std::vector<std::string> files_;
  std::set<fs::path> seen_;  // without links
  uint32_t first_file_ = 0;  // of the source that is read
  std::map<std::string, uint64_t> rejected_rows_;
  uint64_t read_ = 0;
  uint64_t with_system_ = 0;
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

// ---- Before anything is read.

// All that can be known before anything is read.
Status SelectJob::Work::CheckPlaces() {
  if (IsDry()) return {};
  if (auto status = CheckOutputs(SelectSettings(options_)); !status) return status;
  if (auto status = TableWriter::CheckFree(options_.out); !status) return status;
  return CheckSources();
}

Status SelectJob::Work::CheckSources() const {
  for (const std::string& source : options_.sources) {
    const auto files = TableFiles(source);
    if (!files) return tl::unexpected(files.error());
    std::error_code error;
    if (source == "-" || fs::exists(files->front(), error)) continue;
    // What is not there cannot be read; the reader says it.
    if (const auto table = TableReader::Open(source); !table) return tl::unexpected(table.error());
  }
  return {};
}

Status SelectJob::Work::OpenTeacher() {
  if (options_.teacher.model.empty()) return {};
  auto teacher = TeacherDecisions::Open(options_, events_, stop_.flag());
  if (!teacher) return tl::unexpected(teacher.error());
  teacher_ = std::move(*teacher);
  return {};
}

Status SelectJob::Work::ReadEvaluations() {
  for (const std::string& name : options_.evaluations) {
    if (auto status = ReadEvaluation(name); !status) return status;
  }
  return {};
}

// The message is to name all columns, also those that are not read.
Status SelectJob::Work::CheckEvaluation(SourceParser& parser, std::string_view row,
                                        const TableReader& reader) {
  auto status = parser.CheckColumns(row);
  if (status) return {};
  const std::string& file = reader.files()[reader.file()];
  if (std::error_code error; fs::is_regular_file(file, error)) {
    auto whole = TableReader::Open(file);
    const auto first = whole ? whole->Next() : tl::unexpected(whole.error());
    if (first && *first) status = parser.CheckColumns(**first);
  }
  return Fail(status.error().code,
              fmt::format("--decontaminate {}: {}", reader.Where(), status.error().message));
}

Status SelectJob::Work::ReadEvaluation(const std::string& name) {
  auto table =
      TableReader::Open(name, {.leaves_out = [](std::string_view one) { return !IsEvaluationColumn(one); }});
  if (!table) return tl::unexpected(table.error());
  SourceParser parser(EvaluationColumns());
  std::optional<size_t> checked;  // the last file whose columns were looked at
  while (!stop_.flag()) {
    const auto row = table->Next();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return {};
    if (checked != table->file()) {
      checked = table->file();
      if (auto status = CheckEvaluation(parser, **row, *table); !status) return status;
    }
    const SourceQuestion question = parser.Parse(**row);
    if (question.text.empty()) {
      return Fail(
          ErrorCode::kInvalidData,
          fmt::format("--decontaminate {}: {}: {}; remove that row, or give a file with one question a row",
                      table->Where(), question.reason, question.detail));
    }
    evaluations_.push_back({.file = table->files()[table->file()],
                            .id = question.id.empty() ? std::to_string(table->row()) : question.id,
                            .text = Shortened(question.text, kShownBytes)});
    corpus_.AddEvaluation(question.text);
  }
  return {};
}

// ---- Reading.

Status SelectJob::Work::ReadSources() {
  for (const std::string& source : options_.sources) {
    if (auto status = ReadSource(source); !status) return status;
    if (stop_.flag()) return {};
  }
  return {};
}

Status SelectJob::Work::AddFiles(const std::string& source, const std::vector<std::string>& files) {
  first_file_ = static_cast<uint32_t>(files_.size());
  for (const std::string& file : files) {
    std::error_code error;
    if (!seen_.insert(fs::weakly_canonical(file, error)).second) {
      return Usage(
          fmt::format("--source {}: {} is named twice, which would count its rows twice", source, file));
    }
    files_.push_back(file);
  }
  return {};
}

Status SelectJob::Work::ReadSource(const std::string& name) {
  const std::string& column = options_.column;
  auto table = TableReader::Open(
      name, {.leaves_out = [&column](std::string_view one) { return one != column && IsResponseColumn(one); },
             .without_assistant = true});
  if (!table) return tl::unexpected(table.error());
  if (auto status = AddFiles(name, table->files()); !status) return status;
  std::optional<size_t> checked;  // the last file whose columns were looked at
  for (uint64_t count = 0; !stop_.flag() && (!IsDry() || count < options_.dry_run); ++count) {
    const auto row = table->Next();
    if (!row) return tl::unexpected(row.error());
    if (!*row) break;
    if (checked != table->file()) {
      checked = table->file();
      if (auto status = parser_->CheckColumns(**row); !status) {
        return Fail(status.error().code, fmt::format("{}: {}", table->Where(), status.error().message));
      }
    }
    if (auto status = Take(**row, *table); !status) return status;
  }
  return {};
}

Status SelectJob::Work::Take(std::string_view row, const TableReader& reader) {
  ++read_;
  TellProgress();
  SourceQuestion question = parser_->Parse(row);
  if (question.reason == "bad_line" && !options_.skip_bad_lines) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: {} (--skip-bad-lines rejects such lines)", reader.Where(), question.detail));
  }
  if (question.reason == "placeholder") {
    auto text = lookup_->Find(question);
    if (!text) return tl::unexpected(text.error());
    if (stop_.flag()) return {};
    question.text = std::move(*text);
    if (!question.text.empty()) question.reason.clear();
    if (question.text.find('\0') != std::string::npos) {
      question.reason = "not_text";
      question.detail = "a NUL character in it";
    }
  }
  if (!question.reason.empty()) return RejectRow(question, reader);
  with_system_ += question.has_system ? 1 : 0;
  return TakeQuestion(question, {.file = first_file_ + static_cast<uint32_t>(reader.file()),
                                 .row = static_cast<uint32_t>(reader.row())});
}

Status SelectJob::Work::TakeQuestion(const SourceQuestion& question, RowPlace place) {
  if (!corpus_.Add(question.text, place).is_new) return {};
  const std::string part = PartOfRow(question);
  const auto offset = files_out_->spool().Append(part);
  if (!offset) return tl::unexpected(offset.error());
  const std::vector<Message> messages{{"user", question.text}};
  kept_.push_back({.offset = *offset, .bytes = part.size(), .hash = HashOfMessages(messages)});
  return {};
}

Status SelectJob::Work::RejectRow(const SourceQuestion& question, const TableReader& reader) {
  ++rejected_rows_[question.reason];
  if (IsDry()) return {};
  Json line{{"reason", question.reason}};
  if (!question.detail.empty()) line["detail"] = question.detail;
  if (!question.id.empty()) line["source_id"] = question.id;
  if (!question.text.empty()) line["text"] = Shortened(question.text, kShownBytes);
  line["origins"] = Json::array({{{"file", reader.files()[reader.file()]}, {"row", reader.row()}}});
  return files_out_->Reject(Dump(line));
}

void SelectJob::Work::TellProgress() {
  constexpr uint64_t kRowsBetweenLooks = 256;
  if (read_ % kRowsBetweenLooks != 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - told_ < kNoticeEvery) return;
  told_ = now;
  Tell(events_.notice, fmt::format("{} rows read, {} different questions", WithThousands(read_),
                                   WithThousands(corpus_.texts())));
}

// ---- Asking the teacher.

Result<std::string> SelectJob::Work::TextOf(uint32_t text) {
  const KeptText& kept = kept_[text];
  auto part = files_out_->spool().Read(kept.offset, kept.bytes);
  if (!part) return tl::unexpected(part.error());
  const Json row = Json::parse("{" + *part + "}", nullptr, false);
  return row.is_object() ? row.value("prompt", "") : std::string();
}

// In the order of the sample, so that no more questions are asked about than the sample needs: those that
// suit first are the ones that it takes.
Status SelectJob::Work::AskTeacher(Choice& choice) {
  const std::vector<size_t> order = corpus_.SamplingOrder(choice, options_.seed);
  const auto text_at = [&](size_t place) { return choice.questions[order[place]].text; };
  // Of more questions than rows one is enough to say so.
  const uint64_t too_many = options_.rows > 0 ? options_.rows + 1 : 0;
  return teacher_->Ask({.count = order.size(),
                        .id = [&](size_t place) { return IdOf(text_at(place)); },
                        .text = [&](size_t place) { return TextOf(text_at(place)); },
                        .wanted = options_.distinct > 0 ? options_.distinct : too_many});
}

Status SelectJob::Work::Decide(Choice& choice) {
  if (!teacher_) return {};
  if (auto status = AskTeacher(choice); !status) {
    Error error = status.error();
    if (teacher_->decided() > 0) error.message += "; what is decided is kept, and the same command goes on";
    return tl::unexpected(std::move(error));
  }
  if (stop_.flag()) return {};
  size_t suit = 0;
  size_t undecided = 0;
  for (ChosenQuestion& question : choice.questions) {
    const Decision* decision = teacher_->Find(IdOf(question.text));
    question.suits = decision != nullptr && decision->suits;
    suit += question.suits ? 1 : 0;
    undecided += ObjectionTo(question.text) == "undecided" ? 1 : 0;
  }
  if (options_.distinct == 0 && options_.rows > 0 && suit > options_.rows) {
    return Usage(
        fmt::format("--rows {0}: more than {0} questions suit, and each gets a row at least; give more "
                    "rows, or a --distinct of at most {0}",
                    options_.rows));
  }
  if (suit > 0) return {};
  const std::string without =
      undecided == 0 ? ""
                     : fmt::format(" ({} without a decision, see {}.run/teacher/undecided.jsonl)", undecided,
                                   options_.out.empty() ? "OUT" : options_.out);
  return Fail(ErrorCode::kInvalidData,
              fmt::format("the teacher finds none of {} suitable{}; nothing is written",
                          Counted(choice.questions.size(), "question"), without));
}

std::string SelectJob::Work::ObjectionTo(uint32_t text) const {
  if (!teacher_) return {};
  const std::string id = IdOf(text);
  const Decision* decision = teacher_->Find(id);
  if (decision != nullptr) return decision->suits ? "" : "unsuitable";
  return teacher_->FindUndecided(id) != nullptr ? "undecided" : "";
}

// ---- Writing.

Json SelectJob::Work::OriginsOf(const std::vector<uint32_t>& texts) const {
  Json origins = Json::array();
  for (const uint32_t text : texts) {
    for (const RowPlace& place : corpus_.PlacesOf(text)) {
      origins.push_back({{"file", files_[place.file]}, {"row", place.row}});
    }
  }
  return origins;
}

Status SelectJob::Work::RejectText(uint32_t text, Json reason) {
  const auto question = TextOf(text);
  if (!question) return tl::unexpected(question.error());
  reason["id"] = IdOf(text);
  reason["text"] = Shortened(*question, kShownBytes);
  reason["origins"] = OriginsOf({text});
  return files_out_->Reject(Dump(reason));
}

Status SelectJob::Work::RejectQuestion(const ChosenQuestion& question) {
  const std::string id = IdOf(question.text);
  const std::string objection = ObjectionTo(question.text);
  if (objection == "unsuitable") {
    const Decision& decision = *teacher_->Find(id);
    return RejectText(
        question.text,
        {{"reason", objection}, {"detail", decision.reason}, {"teacher_decision", DecisionJson(decision)}});
  }
  if (objection == "undecided") {
    const Undecided& undecided = *teacher_->FindUndecided(id);
    const std::string detail = undecided.reasons.empty() ? undecided.reason : undecided.reasons.back();
    return RejectText(question.text, {{"reason", objection}, {"detail", detail}});
  }
  return RejectText(question.text, {{"reason", "not_sampled"}});
}

Status SelectJob::Work::RejectTexts(const Choice& choice) {
  for (const Contaminated& one : choice.contaminated) {
    if (stop_.flag()) return {};
    const EvaluationText& evaluation = evaluations_[one.evaluation];
    Json reason{
        {"reason", "contaminated"},
        {"detail", one.how},
        {"evaluation", {{"file", evaluation.file}, {"id", evaluation.id}, {"text", evaluation.text}}}};
    if (auto status = RejectText(one.question, std::move(reason)); !status) return status;
  }
  for (const ChosenQuestion& question : choice.questions) {
    if (stop_.flag()) return {};
    for (const uint32_t text : question.texts) {
      if (text == question.text) continue;
      Json reason{{"reason", "near_duplicate"}, {"duplicate_of", IdOf(question.text)}};
      if (auto status = RejectText(text, std::move(reason)); !status) return status;
    }
    if (question.rows > 0) continue;
    if (auto status = RejectQuestion(question); !status) return status;
  }
  return {};
}

Status SelectJob::Work::WriteQuestion(const ChosenQuestion& question) {
  const KeptText& kept = kept_[question.text];
  auto part = files_out_->spool().Read(kept.offset, kept.bytes);
  if (!part) return tl::unexpected(part.error());
  std::string rest = fmt::format(",{},\"count\":{}", *part, question.count);
  if (question.variant_of != question.text) {
    rest += fmt::format(",\"same_but_numbers\":\"{}\"", IdOf(question.variant_of));
  }
  const std::string id = IdOf(question.text);
  if (teacher_) rest += ",\"teacher_decision\":" + Dump(DecisionJson(*teacher_->Find(id)));
  rest += ",\"origins\":" + Dump(OriginsOf(question.texts)) + "}";
  for (uint64_t copy = 1; copy <= question.rows; ++copy) {
    const std::string name = copy == 1 ? id : fmt::format("{}-{}", id, copy);
    if (auto status = files_out_->Write("{\"id\":\"" + name + "\"" + rest); !status) return status;
  }
  return {};
}

Status SelectJob::Work::WriteQuestions(const Choice& choice) {
  for (const ChosenQuestion& question : choice.questions) {
    if (stop_.flag()) return {};
    if (question.rows == 0) continue;
    if (auto status = WriteQuestion(question); !status) return status;
  }
  return {};
}

Result<std::string> SelectJob::Work::Summary(const SelectResult& result) {
  auto record = RecordOf(SelectSettings(options_), "tessy_selection", "1");
  if (!record) return tl::unexpected(record.error());
  Json summary = Json::parse(*record);
  summary["stages"] = Json::array();
  for (const SelectStage& stage : result.stages) {
    Json line{{stage.is_rejection ? "rejected" : "stage", stage.name}, {"rows", stage.rows}};
    if (stage.questions > 0) line["questions"] = stage.questions;
    summary["stages"].push_back(std::move(line));
  }
  return summary.dump(2) + "\n";
}

// False: it was interrupted, and nothing has its name.
Result<bool> SelectJob::Work::WriteAll(const Choice& choice, const SelectResult& result) {
  auto status = RejectTexts(choice);
  if (status) status = WriteQuestions(choice);
  if (!status) return tl::unexpected(status.error());
  const auto summary = Summary(result);
  if (!summary) return tl::unexpected(summary.error());
  if (stop_.flag()) return false;
  status = files_out_->Commit(*summary, stop_.flag());
  if (!status && status.error().code == ErrorCode::kCancelled) return false;
  if (!status) return tl::unexpected(status.error());
  return true;
}

// ---- The account.

std::vector<SelectStage> SelectJob::Work::Account(const Choice& choice) const {
  std::vector<SelectStage> stages{{.name = "read", .rows = read_}};
  for (const auto& [reason, rows] : rejected_rows_) {
    stages.push_back({.name = reason, .is_rejection = true, .rows = rows});
  }
  const auto rows_of = [&](uint32_t text) { return corpus_.PlacesOf(text).size(); };
  stages.push_back({.name = "usable", .rows = corpus_.rows(), .questions = corpus_.texts()});
  SelectStage contaminated{
      .name = "contaminated", .is_rejection = true, .questions = choice.contaminated.size()};
  for (const Contaminated& one : choice.contaminated) contaminated.rows += rows_of(one.question);
  SelectStage near{.name = "near_duplicate", .is_rejection = true};
  std::array<SelectStage, 3> left_out{{{.name = "unsuitable", .is_rejection = true},
                                       {.name = "undecided", .is_rejection = true},
                                       {.name = "not_sampled", .is_rejection = true}}};
  SelectStage questions{.name = "questions"};
  SelectStage chosen{.name = "chosen"};
  uint64_t written = 0;
  for (const ChosenQuestion& question : choice.questions) {
    for (const uint32_t text : question.texts) near.rows += text == question.text ? 0 : rows_of(text);
    near.questions += question.texts.size() - 1;
    const std::string objection = ObjectionTo(question.text);
    SelectStage* left =
        std::ranges::find(left_out, objection.empty() ? "not_sampled" : objection, &SelectStage::name);
    for (SelectStage* stage : {&questions, question.rows > 0 ? &chosen : left}) {
      stage->rows += question.count;
      ++stage->questions;
    }
    written += question.rows;
  }
  for (const SelectStage& stage : {contaminated, near}) {
    if (stage.questions > 0) stages.push_back(stage);
  }
  stages.push_back(questions);
  for (const SelectStage& stage : left_out) {
    if (stage.questions > 0) stages.push_back(stage);
  }
  if (stages.back().is_rejection) stages.push_back(chosen);
  stages.push_back(
      {.name = IsDry() ? "to be written" : "written", .rows = written, .questions = chosen.questions});
  return stages;
}

// ---- All of it.

// The stages up to the questions of the sources.
Status SelectJob::Work::Read() {
  if (auto status = CheckOptions(options_); !status) return status;
  auto lookup = Lookup::Make(options_.lookup, &stop_.flag());
  if (!lookup) return tl::unexpected(lookup.error());
  lookup_.emplace(std::move(*lookup));
  parser_.emplace(options_.column.empty() ? SourceColumns() : std::vector<std::string>{options_.column});
  if (auto status = CheckPlaces(); !status) return status;
  if (auto status = ReadEvaluations(); !status || stop_.flag()) return status;
  auto files = SelectFiles::Open(options_, events_);
  if (!files) return tl::unexpected(files.error());
  files_out_.emplace(std::move(*files));
  if (auto status = OpenTeacher(); !status) return status;
  if (auto status = ReadSources(); !status || stop_.flag()) return status;
  if (with_system_ > 0) {
    Tell(events_.notice,
         fmt::format("{} have a system's turn, which is left out", Counted(with_system_, "row")));
  }
  if (corpus_.texts() == 0) return Fail(ErrorCode::kInvalidData, "there is no question in any of the rows");
  return {};
}

Choice SelectJob::Work::FindQuestions() {
  std::string cut;
  const int asked = ThreadsOf(options_);
  const int threads = ThreadsWithin(asked > 0 ? asked : ProcessorsAvailable(), cut);
  if (!cut.empty()) Tell(events_.warning, cut);
  return corpus_.Choose({.similarity = options_.similarity, .threads = threads, .stop = &stop_.flag()});
}

SelectResult SelectJob::Work::Interrupted() const {
  return {.stages = {}, .interrupted = true, .decided = teacher_ ? teacher_->decided() : 0};
}

Result<SelectResult> SelectJob::Work::Run() {
  if (auto status = Read(); !status) return tl::unexpected(status.error());
  if (stop_.flag()) return Interrupted();
  Choice choice = FindQuestions();
  if (stop_.flag()) return Interrupted();
  if (auto status = Decide(choice); !status) return tl::unexpected(status.error());
  if (stop_.flag()) return Interrupted();
  const SampleSize size{.distinct = options_.distinct, .rows = options_.rows, .seed = options_.seed};
  if (auto status = corpus_.Sample(choice, size); !status) return tl::unexpected(status.error());
  SelectResult result{.stages = Account(choice)};
  for (const SelectStage& stage : result.stages) {
    if (stage.name == "undecided") result.undecided = stage.questions;
  }
  if (IsDry()) return result;
  const auto is_written = WriteAll(choice, result);
  if (!is_written) return tl::unexpected(is_written.error());
  if (!*is_written) return Interrupted();
  return result;
}

SelectJob::SelectJob(SelectOptions options, JobEvents events, JobStop stop)
    : work_(std::make_unique<Work>(std::move(options), std::move(events), std::move(stop))) {}
SelectJob::~SelectJob() = default;
Result<SelectResult> SelectJob::Run() { return work_->Run(); }

}  // namespace tessy
