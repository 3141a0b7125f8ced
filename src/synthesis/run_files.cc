#include "synthesis/run_files.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

RunFolder::Options FolderOptions(const RunFiles::Options& options) {
  return {.out = options.out,
          .run_folder = options.run_folder,
          .rejects = "failures.jsonl",
          .fresh = options.fresh};
}

}  // namespace

std::string RunFiles::RecordedConfiguration(const Options& options) {
  return RunFolder::RecordedConfiguration(FolderOptions(options));
}

Result<std::unique_ptr<RunFiles>> RunFiles::Open(const Options& options,
                                                 const RunConfiguration& configuration,
                                                 const std::vector<Question>& questions) {
  auto folder = RunFolder::Open(FolderOptions(options), configuration.json);
  if (!folder) return tl::unexpected(folder.error());
  std::unique_ptr<RunFiles> files(new RunFiles(std::move(*folder)));
  if (auto status = files->ReadResponses(questions); !status) return tl::unexpected(status.error());
  if (auto status = files->ReadFailures(); !status) return tl::unexpected(status.error());
  return files;
}

Status RunFiles::ReadResponses(const std::vector<Question>& questions) {
  std::map<std::string_view, const Question*> by_id;
  for (const Question& question : questions) by_id.emplace(question.id, &question);
  return folder_.results().ForEachLine([&](std::string_view line, size_t number) -> Status {
    auto response = ParseResponse(line);
    if (!response) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}:{}: {}; mend or remove that line", folder_.results().path(), number,
                              response.error().message));
    }
    const auto question = by_id.find(response->question_id);
    if (question != by_id.end()) {
      const auto& now = question->second->messages;
      const bool same = response->messages.size() == now.size() + 1 &&
                        std::equal(now.begin(), now.end(), response->messages.begin());
      if (!same) {
        return Fail(
            ErrorCode::kConflict,
            fmt::format("{}:{}: question {} was another one when it was answered; use another --out, or give "
                        "the new question another id",
                        folder_.results().path(), number, response->question_id));
      }
    }
    Count(*response);
    done_.emplace(response->question_id, response->sample);
    return {};
  });
}

Status RunFiles::ReadFailures() {
  return folder_.rejects().ForEachLine([&](std::string_view line, size_t number) -> Status {
    const Json record = Json::parse(line, nullptr, false);
    const bool sound = record.is_object() && record.contains("question_id") &&
                       record["question_id"].is_string() && record.contains("sample") &&
                       record["sample"].is_number_unsigned();
    if (!sound) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}:{}: not a record of a failure; mend or remove that line",
                              folder_.rejects().path(), number));
    }
    failed_.emplace(record["question_id"].get<std::string>(), record["sample"].get<uint32_t>());
    return {};
  });
}

void RunFiles::Count(const Response& response) {
  totals_.thinking_tokens += response.stats.thinking_tokens;
  totals_.teacher_tokens += response.stats.teacher_tokens;
  totals_.answer_tokens += response.stats.answer_tokens;
  totals_.switches += response.stats.switches;
  totals_.drafted += response.stats.drafted_tokens;
  totals_.discarded += response.stats.discarded_tokens;
  totals_.wrong += response.stats.wrong_candidates;
  totals_.closed_by_student += response.closed_by == "student" ? 1 : 0;
}

Status RunFiles::AddResponse(const Response& response) {
  if (auto status = folder_.results().Append(ToJsonLine(response)); !status) return status;
  done_.emplace(response.question_id, response.sample);
  Count(response);
  return {};
}

Status RunFiles::AddFailure(const SampleTask& task, const SampleOutcome& outcome) {
  const Json record{{"question_id", task.question_id},
                    {"sample", task.sample},
                    {"reason", outcome.failures.empty() ? "unknown" : outcome.failures.back()},
                    {"attempts", outcome.attempts},
                    {"reasons", outcome.failures},
                    {"failed_attempts_tokens", outcome.failed_attempts_tokens}};
  if (auto status = folder_.rejects().Append(record.dump(-1, ' ', false, Json::error_handler_t::replace));
      !status)
    return status;
  failed_.emplace(task.question_id, task.sample);
  return {};
}

}  // namespace tessy
