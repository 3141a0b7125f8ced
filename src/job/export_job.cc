#include "job/export_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/numbers.h"
#include "base/random.h"
#include "dataset/tables/table_files.h"
#include "dataset/tables/table_reader.h"
#include "job/data_card.h"
#include "job/export_check.h"
#include "job/export_files.h"
#include "job/output_check.h"
#include "job/stop_request.h"
#include "job/template_date.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::chrono::seconds kTellEvery{10};

// Those that name files: other texts are no paths.
Settings FileSettingsOf(ExportOptions& options) {
  Settings settings = ExportSettings(options);
  std::erase_if(settings, [](const Setting& setting) {
    return setting.key == "system" || setting.key == "checkpoint" || setting.key == "methods";
  });
  return settings;
}

// A row that is written, as --per-question compares it: the least is the best.
struct Candidate {
  size_t row = 0;  // its number in the file
  std::string id;
  std::string where;
  std::tuple<bool, bool, uint64_t, size_t> rank;  // wrong, closed by no model, length, number
  uint64_t tokens = 0, tokens_in_loss = 0, straddling = 0;
  std::vector<std::string> flags;
};

Candidate CandidateOf(const Response& response, const std::string& where, const CheckedRow& checked,
                      size_t row) {
  const bool is_wrong = checked.is_right.has_value() && !*checked.is_right;
  const bool no_model = response.closed_by != "student" && response.closed_by != "teacher";
  const uint64_t length = checked.tokens > 0 ? checked.tokens : response.messages.back().content.size();
  return {.row = row,
          .id = response.id,
          .where = where,
          .rank = {is_wrong, no_model, length, row},
          .tokens = checked.tokens,
          .tokens_in_loss = checked.tokens_in_loss,
          .straddling = checked.straddling,
          .flags = checked.flags};
}

std::string RejectedLine(const std::string& id, const std::string& where, const std::string& reason,
                         const std::string& detail) {
  const Json line{{"id", id}, {"where", where}, {"reason", reason}, {"detail", detail}};
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

// One export, in the order in which it can go wrong.
class ExportJob::Work {
 public:
  Work(ExportOptions options, JobEvents events, JobStop stop)
      : options_(std::move(options)), events_(std::move(events)), stop_(std::move(stop)) {}
  Result<ExportResult> Run();

 private:
  Status Open();
  Status FindInputs();
  Status ReadFile(const std::string& path, bool is_mixed, const std::atomic<bool>& stop);
  Status Take(const Response& response, const std::string& where, bool is_mixed);
  Status Reject(const std::string& id, const std::string& where, const std::string& reason,
                const std::string& detail);
  Status ChooseBest();
  Status CheckSomeLeft() const;
  void CountRows();
  Status WriteRest(const std::atomic<bool>& stop);
  void TellProgress();

  ExportOptions options_;
  JobEvents events_;
  JobStop stop_;
  std::vector<std::pair<std::string, bool>> inputs_;  // files, and whether they come from --mix
  std::optional<ExportCheck> check_;
  std::optional<ExportFiles> files_;
  ExportResult result_;
  DataCard card_;
  std::unordered_set<uint64_t> seen_;  // hashes of ids and messages of the rows
  std::vector<Candidate> candidates_;
  std::unordered_map<std::string, std::vector<size_t>> by_question_;  // indices of `candidates_`
  size_t written_ = 0;
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

Status ExportJob::Work::Open() {
  while (options_.out.size() > 1 && options_.out.ends_with('/')) options_.out.pop_back();
  if (auto status = CheckOptions(options_); !status) return status;
  if (auto status = CheckOutputs(FileSettingsOf(options_)); !status) return status;
  if (auto status = FindInputs(); !status) return status;
  // The card names the date that the template shows.
  if (!options_.template_of.empty()) options_.template_date = TemplateDate(options_.template_date, "");
  auto check = ExportCheck::Open(options_);
  if (!check) return tl::unexpected(check.error());
  check_ = std::move(*check);
  result_.is_checked = check_->has_template();
  auto files = ExportFiles::Open(options_.out, FormatOf(options_).in_parquet);
  if (!files) return tl::unexpected(files.error());
  files_ = std::move(*files);
  return {};
}

// Before the folder is made, which may lie in a folder of responses.
Status ExportJob::Work::FindInputs() {
  std::vector<NamedPath> read;
  const auto find = [&](const char* flag, const std::string& name) {
    return TableFiles(name).map([&](const std::vector<std::string>& files) {
      for (const std::string& file : files) read.push_back({flag, file});
      return files;
    });
  };
  for (const auto& [paths, is_mixed] :
       {std::pair(&options_.responses, false), std::pair(&options_.mix, true)}) {
    for (const std::string& path : *paths) {
      const auto files = find(is_mixed ? "--mix" : "--responses", path);
      if (!files) return tl::unexpected(files.error());
      for (const std::string& file : *files) inputs_.push_back({file, is_mixed});
    }
  }
  if (!options_.questions.empty()) {
    if (const auto files = find("--questions", options_.questions); !files)
      return tl::unexpected(files.error());
  }
  const NamedPath outputs[] = {{"--out", options_.out}, {"--out", options_.out + ".tmp"}};
  return CheckOutputs(outputs, read);
}

void ExportJob::Work::TellProgress() {
  const auto now = std::chrono::steady_clock::now();
  if (now - told_ < kTellEvery) return;
  told_ = now;
  Tell(events_.notice,
       fmt::format("{} read, {} rows so far", Counted(result_.read, "response"), WithThousands(written_)));
}

Status ExportJob::Work::Reject(const std::string& id, const std::string& where, const std::string& reason,
                               const std::string& detail) {
  ++result_.rejected[reason];
  return files_->AddRejected(RejectedLine(id, where, reason, detail));
}

Status ExportJob::Work::Take(const Response& response, const std::string& where, bool is_mixed) {
  const uint64_t parts[] = {HashBytes(response.id), HashOfMessages(response.messages)};
  const uint64_t hash = HashParts(parts);
  if (seen_.contains(hash)) {
    return Reject(response.id, where, "duplicate",
                  "a row with the same id and the same text is written already");
  }
  const CheckedRow checked = check_->Check(response, is_mixed);
  if (!checked.row) return Reject(response.id, where, checked.reason, checked.detail);
  const bool by_part = WeightsOf(options_).by_part();
  if (auto status = files_->AddRow(FormatOf(options_).line(*checked.row, by_part)); !status) return status;
  seen_.insert(hash);
  const Candidate candidate = CandidateOf(response, where, checked, written_++);
  if (!is_mixed) by_question_[response.question_id].push_back(candidates_.size());
  candidates_.push_back(candidate);
  result_.mixed += is_mixed ? 1 : 0;
  card_.Add(response, is_mixed);
  return {};
}

Status ExportJob::Work::ReadFile(const std::string& path, bool is_mixed, const std::atomic<bool>& stop) {
  auto table = TableReader::Open(path);
  if (!table) return tl::unexpected(table.error());
  const uint64_t before = result_.read;
  while (!stop) {
    const auto line = table->Next();
    if (!line) return tl::unexpected(line.error());
    if (!*line) break;
    ++result_.read;
    TellProgress();
    const auto response = ParseAnyResponse(**line);
    Status status;
    if (response) {
      status = Take(*response, table->Where(), is_mixed);
    } else if (options_.skip_bad_lines) {
      status = Reject("", table->Where(), "bad_line", response.error().message);
    } else {
      return Fail(response.error().code, fmt::format("{}: {}; --skip-bad-lines passes over such lines",
                                                     table->Where(), response.error().message));
    }
    if (!status) return status;
  }
  if (stop) return {};
  std::error_code ignored;
  const bool is_file = path != "-" && std::filesystem::is_regular_file(path, ignored);
  const auto hash = is_file ? Sha256OfFile(path) : Result<std::string>("");
  if (!hash) return tl::unexpected(hash.error());
  card_.AddSource({.path = path, .rows = result_.read - before, .sha256 = *hash, .is_mixed = is_mixed});
  return {};
}

Status ExportJob::Work::ChooseBest() {
  if (options_.per_question == 0) return {};
  std::vector<bool> is_kept(candidates_.size(), true);
  for (auto& [question, indices] : by_question_) {
    std::ranges::sort(indices, {}, [&](size_t i) { return candidates_[i].rank; });
    for (size_t i = options_.per_question; i < indices.size(); ++i) is_kept[indices[i]] = false;
  }
  std::vector<size_t> kept;
  std::vector<Candidate> rest;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    if (is_kept[i]) {
      kept.push_back(candidates_[i].row);
      rest.push_back(std::move(candidates_[i]));
      continue;
    }
    const std::string why = fmt::format("{} others of its question are better", options_.per_question);
    if (auto status = Reject(candidates_[i].id, candidates_[i].where, "not_among_best", why); !status)
      return status;
  }
  candidates_ = std::move(rest);
  return kept.size() == written_ ? Status() : files_->KeepRows(kept);
}

Status ExportJob::Work::CheckSomeLeft() const {
  if (!candidates_.empty()) return {};
  const auto most =
      std::ranges::max_element(result_.rejected, {}, [](const auto& entry) { return entry.second; });
  return Fail(ErrorCode::kInvalidData,
              fmt::format("no row is left of {}: {} are left out as {}; nothing was written",
                          Counted(result_.read, "response"), most->second, most->first));
}

void ExportJob::Work::CountRows() {
  result_.rows = candidates_.size();
  for (const Candidate& row : candidates_) {
    result_.tokens += row.tokens;
    result_.tokens_in_loss += row.tokens_in_loss;
    result_.tokens_longest = std::max(result_.tokens_longest, row.tokens);
    result_.straddling += row.straddling;
    for (const std::string& flag : row.flags) ++result_.flagged[flag];
  }
}

Status ExportJob::Work::WriteRest(const std::atomic<bool>& stop) {
  const auto hash = files_->CloseRows(stop);
  if (!hash) return tl::unexpected(hash.error());
  const LossWeights weights = WeightsOf(options_);
  const Recipe recipe{.checkpoint = options_.checkpoint.empty() ? "path/to/student" : options_.checkpoint,
                      .family = check_->family(),
                      .tokens_max = options_.tokens_max,
                      .by_part = weights.by_part(),
                      .weighted = weights.is_fractional()};
  result_.files = {files_->rows_name(), "rejected.jsonl"};
  const ExportFormat& format = FormatOf(options_);
  const auto recipes = format.recipe == nullptr ? std::vector<RecipeFile>() : format.recipe(recipe);
  for (const RecipeFile& file : recipes) {
    if (auto status = files_->Write(file.name, file.text); !status) return status;
    result_.files.push_back(file.name);
  }
  result_.files.emplace_back("README.md");
  return files_->Write("README.md", card_.Text(result_, options_, *hash));
}

Result<ExportResult> ExportJob::Work::Run() {
  const auto failed = [](const Status& status) { return tl::unexpected(status.error()); };
  const StopRequest stop(stop_.on_signals, stop_.token);
  if (auto status = Open(); !status) return failed(status);
  for (const auto& [file, is_mixed] : inputs_) {
    if (auto status = ReadFile(file, is_mixed, stop.flag()); !status) return failed(status);
  }
  if (stop.flag()) {
    result_.interrupted = true;
    return result_;
  }
  auto status = ChooseBest()
                    .and_then([&] { return CheckSomeLeft(); })
                    .and_then([&] {
                      CountRows();
                      return WriteRest(stop.flag());
                    })
                    .and_then([&] { return files_->Finish(); });
  if (!status && status.error().code == ErrorCode::kCancelled) {
    result_.interrupted = true;
    return result_;
  }
  if (!status) return failed(status);
  if (!result_.is_checked) {
    Tell(events_.warning,
         "--template-of is not given: no row was checked by the student's template, and none was too long");
  }
  return result_;
}

ExportJob::ExportJob(ExportOptions options, JobEvents events, JobStop stop)
    : work_(std::make_unique<Work>(std::move(options), std::move(events), std::move(stop))) {}
ExportJob::~ExportJob() = default;

Result<ExportResult> ExportJob::Run() { return work_->Run(); }

std::string Describe(const ExportResult& result) {
  std::string text;
  const auto row = [&](const std::string& name, uint64_t count, std::string_view what) {
    text += fmt::format("{:<34} {:>12}{}{}\n", name, WithThousands(count), what.empty() ? "" : "  ", what);
  };
  row("responses read", result.read, "");
  for (const auto& [reason, count] : result.rejected) row("  left out: " + reason, count, "");
  row("rows written", result.rows,
      result.mixed > 0 ? fmt::format("{} of them from --mix", result.mixed) : "");
  for (const auto& [flag, count] : result.flagged) row("  flagged: " + flag, count, "");
  if (!result.is_checked) return text;
  row("tokens", result.tokens, fmt::format("the longest row has {}", WithThousands(result.tokens_longest)));
  row("  in the loss", result.tokens_in_loss, "");
  if (result.straddling > 0)
    row("  astride of two parts", result.straddling, "they count as their first byte does");
  return text;
}

}  // namespace tessy
