#include "job/select_job.h"

#include <fmt/format.h>

#include <algorithm>
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
#include "dataset/tables/spool.h"
#include "dataset/tables/table_files.h"
#include "dataset/tables/table_reader.h"
#include "dataset/tables/table_writer.h"
#include "job/output_check.h"
#include "job/settings_record.h"
#include "job/stop_request.h"
#include "select/corpus.h"
#include "select/lookup.h"
#include "select/source_question.h"
#include "store/append_file.h"
#include "store/configuration.h"

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
  Status CheckOptions() const;
  Status CheckPlaces();
  Status CheckSources() const;
  Status OpenOutputs();
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
  Json OriginsOf(const std::vector<uint32_t>& texts) const;
  Status RejectText(uint32_t text, Json reason);
  Status RejectTexts(const Choice& choice);
  Status WriteQuestions(const Choice& choice);
  Status WriteQuestion(const ChosenQuestion& question);
  Status Commit(const SelectResult& result);
  std::vector<SelectStage> Account(const Choice& choice) const;

  SelectOptions options_;
  JobEvents events_;
  StopRequest stop_;
  std::optional<SourceParser> parser_;
  std::optional<Lookup> lookup_;
  std::optional<Spool> spool_;
  std::optional<TableWriter> out_;
  std::optional<TableWriter> rejects_;
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

Status SelectJob::Work::CheckOptions() const {
  if (options_.sources.empty()) {
    return Usage("--source is missing: give files, folders or patterns of JSON lines or Parquet");
  }
  if (options_.out.empty() && !IsDry()) {
    return Usage("--out is missing: give the file to write, or --dry-run N to look at the first rows only");
  }
  if (options_.rows > 0 && options_.distinct > options_.rows) {
    return Usage(fmt::format("--rows {}: is less than --distinct {}, and each question gets a row at least",
                             options_.rows, options_.distinct));
  }
  return {};
}

// All that can be known before an old output is set aside.
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

Status SelectJob::Work::OpenOutputs() {
  if (IsDry()) {
    return Spool::Make().map([&](Spool made) { spool_.emplace(std::move(made)); });
  }
  const std::string folder = options_.out + ".run";
  const std::string rejected = folder + "/rejected.jsonl";
  std::error_code error;
  if (fs::exists(options_.out, error) && !options_.fresh) {
    return Fail(
        ErrorCode::kConflict,
        fmt::format("{}: is there already; use another --out, or --fresh to set it aside", options_.out));
  }
  // What stands beside an output that is not there is that of a selection which did not come to its end, or
  // of something else.
  std::vector<std::string> old{rejected};
  if (options_.fresh) old = {options_.out, folder};
  for (const std::string& path : old) {
    auto moved = SetAside(path);
    if (!moved) return tl::unexpected(moved.error());
    if (!moved->empty()) Tell(events_.notice, fmt::format("{}: set aside as {}", path, *moved));
  }
  auto out = TableWriter::Open(options_.out);
  if (!out) return tl::unexpected(out.error());
  out_.emplace(std::move(*out));
  auto rejects = TableWriter::Open(rejected);
  if (!rejects) return tl::unexpected(rejects.error());
  rejects_.emplace(std::move(*rejects));
  auto spool = Spool::Make(folder);
  if (!spool) return tl::unexpected(spool.error());
  spool_.emplace(std::move(*spool));
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
      return Fail(ErrorCode::kInvalidData, fmt::format("--decontaminate {}: {}: {}", table->Where(),
                                                       question.reason, question.detail));
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
  const auto offset = spool_->Append(part);
  if (!offset) return tl::unexpected(offset.error());
  const std::vector<Message> messages{{"user", question.text}};
  kept_.push_back({.offset = *offset, .bytes = part.size(), .hash = HashOfMessages(messages)});
  return {};
}

Status SelectJob::Work::RejectRow(const SourceQuestion& question, const TableReader& reader) {
  ++rejected_rows_[question.reason];
  if (!rejects_) return {};
  Json line{{"reason", question.reason}};
  if (!question.detail.empty()) line["detail"] = question.detail;
  if (!question.id.empty()) line["source_id"] = question.id;
  if (!question.text.empty()) line["text"] = Shortened(question.text, kShownBytes);
  line["origins"] = Json::array({{{"file", reader.files()[reader.file()]}, {"row", reader.row()}}});
  return rejects_->Write(Dump(line));
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
  const KeptText& kept = kept_[text];
  auto part = spool_->Read(kept.offset, kept.bytes);
  if (!part) return tl::unexpected(part.error());
  const Json row = Json::parse("{" + *part + "}", nullptr, false);
  reason["id"] = IdOf(text);
  if (row.is_object()) reason["text"] = Shortened(row.value("prompt", ""), kShownBytes);
  reason["origins"] = OriginsOf({text});
  return rejects_->Write(Dump(reason));
}

Status SelectJob::Work::RejectTexts(const Choice& choice) {
  for (const Contaminated& one : choice.contaminated) {
    const EvaluationText& evaluation = evaluations_[one.evaluation];
    Json reason{
        {"reason", "contaminated"},
        {"detail", one.how},
        {"evaluation", {{"file", evaluation.file}, {"id", evaluation.id}, {"text", evaluation.text}}}};
    if (auto status = RejectText(one.question, std::move(reason)); !status) return status;
  }
  for (const ChosenQuestion& question : choice.questions) {
    for (const uint32_t text : question.texts) {
      if (text == question.text) continue;
      Json reason{{"reason", "near_duplicate"}, {"duplicate_of", IdOf(question.text)}};
      if (auto status = RejectText(text, std::move(reason)); !status) return status;
    }
    if (question.rows > 0) continue;
    if (auto status = RejectText(question.text, {{"reason", "not_sampled"}}); !status) return status;
  }
  return {};
}

Status SelectJob::Work::WriteQuestion(const ChosenQuestion& question) {
  const KeptText& kept = kept_[question.text];
  auto part = spool_->Read(kept.offset, kept.bytes);
  if (!part) return tl::unexpected(part.error());
  std::string rest = fmt::format(",{},\"count\":{}", *part, question.count);
  if (question.variant_of != question.text) {
    rest += fmt::format(",\"same_but_numbers\":\"{}\"", IdOf(question.variant_of));
  }
  rest += ",\"origins\":" + Dump(OriginsOf(question.texts)) + "}";
  const std::string id = IdOf(question.text);
  for (uint64_t copy = 1; copy <= question.rows; ++copy) {
    const std::string name = copy == 1 ? id : fmt::format("{}-{}", id, copy);
    if (auto status = out_->Write("{\"id\":\"" + name + "\"" + rest); !status) return status;
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

Status SelectJob::Work::Commit(const SelectResult& result) {
  auto record = RecordOf(SelectSettings(options_), "tessy_selection", "1");
  if (!record) return tl::unexpected(record.error());
  Json summary = Json::parse(*record);
  summary["stages"] = Json::array();
  for (const SelectStage& stage : result.stages) {
    Json line{{stage.is_rejection ? "rejected" : "stage", stage.name}, {"rows", stage.rows}};
    if (stage.questions > 0) line["questions"] = stage.questions;
    summary["stages"].push_back(std::move(line));
  }
  if (auto status = rejects_->Commit(); !status) return status;
  if (auto status = WriteWhole(options_.out + ".run/summary.json", summary.dump(2) + "\n"); !status)
    return status;
  return out_->Commit();
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
  SelectStage unsampled{.name = "not_sampled", .is_rejection = true};
  SelectStage questions{.name = "questions"};
  SelectStage chosen{.name = "chosen"};
  uint64_t written = 0;
  for (const ChosenQuestion& question : choice.questions) {
    for (const uint32_t text : question.texts) near.rows += text == question.text ? 0 : rows_of(text);
    near.questions += question.texts.size() - 1;
    SelectStage& where = question.rows > 0 ? chosen : unsampled;
    for (SelectStage* stage : {&questions, &where}) {
      stage->rows += question.count;
      ++stage->questions;
    }
    written += question.rows;
  }
  for (const SelectStage& stage : {contaminated, near}) {
    if (stage.questions > 0) stages.push_back(stage);
  }
  stages.push_back(questions);
  if (unsampled.questions > 0) stages.insert(stages.end(), {unsampled, chosen});
  stages.push_back(
      {.name = IsDry() ? "to be written" : "written", .rows = written, .questions = chosen.questions});
  return stages;
}

Result<SelectResult> SelectJob::Work::Run() {
  if (auto status = CheckOptions(); !status) return tl::unexpected(status.error());
  auto lookup = Lookup::Make(options_.lookup, &stop_.flag());
  if (!lookup) return tl::unexpected(lookup.error());
  lookup_.emplace(std::move(*lookup));
  parser_.emplace(options_.column.empty() ? SourceColumns() : std::vector<std::string>{options_.column});
  if (auto status = CheckPlaces(); !status) return tl::unexpected(status.error());
  if (auto status = ReadEvaluations(); !status) return tl::unexpected(status.error());
  if (stop_.flag()) return SelectResult{.stages = {}, .interrupted = true};
  if (auto status = OpenOutputs(); !status) return tl::unexpected(status.error());
  if (auto status = ReadSources(); !status) return tl::unexpected(status.error());
  if (stop_.flag()) return SelectResult{.stages = {}, .interrupted = true};
  if (with_system_ > 0) {
    Tell(events_.notice,
         fmt::format("{} have a system's turn, which is left out", Counted(with_system_, "row")));
  }
  std::string cut;
  const int threads = ThreadsWithin(options_.threads > 0 ? options_.threads : ProcessorsAvailable(), cut);
  if (!cut.empty()) Tell(events_.warning, cut);
  auto choice =
      corpus_.Choose({.similarity = options_.similarity,
                      .sample = {.distinct = options_.distinct, .rows = options_.rows, .seed = options_.seed},
                      .threads = threads,
                      .stop = &stop_.flag()});
  if (!choice) return tl::unexpected(choice.error());
  if (stop_.flag()) return SelectResult{.stages = {}, .interrupted = true};
  SelectResult result{.stages = Account(*choice)};
  if (corpus_.texts() == 0) return Fail(ErrorCode::kInvalidData, "there is no question in any of the rows");
  if (IsDry()) return result;
  if (auto status = RejectTexts(*choice); !status) return tl::unexpected(status.error());
  if (auto status = WriteQuestions(*choice); !status) return tl::unexpected(status.error());
  if (stop_.flag()) return SelectResult{.stages = {}, .interrupted = true};
  if (auto status = Commit(result); !status) return tl::unexpected(status.error());
  return result;
}

SelectJob::SelectJob(SelectOptions options, JobEvents events, JobStop stop)
    : work_(std::make_unique<Work>(std::move(options), std::move(events), std::move(stop))) {}
SelectJob::~SelectJob() = default;
Result<SelectResult> SelectJob::Run() { return work_->Run(); }

}  // namespace tessy
