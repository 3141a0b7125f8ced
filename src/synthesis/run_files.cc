#include "synthesis/run_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

std::string FolderOf(const RunFiles::Options& options) {
  return options.run_folder.empty() ? options.out + ".run" : options.run_folder;
}

std::string ConfigurationPath(const std::string& folder) { return folder + "/config.json"; }

// Renames to the first free "name.old-1", "name.old-2", …
Status SetAside(const std::string& path, std::vector<std::string>& set_aside) {
  std::error_code status;
  if (!std::filesystem::exists(path, status)) return {};
  for (int i = 1;; ++i) {
    const std::string name = fmt::format("{}.old-{}", path, i);
    if (std::filesystem::exists(name, status)) continue;
    std::filesystem::rename(path, name, status);
    if (status) return Fail(ErrorCode::kIo, fmt::format("{}: cannot be renamed: {}", path, status.message()));
    set_aside.push_back(name);
    return {};
  }
}

std::string Short(const Json& value) {
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  constexpr size_t kShownMax = 60;
  if (text.size() > kShownMax) text = text.substr(0, kShownMax) + "…";
  return text;
}

}  // namespace

std::string DifferenceOf(const std::string& recorded_json, const std::string& json) {
  const Json recorded = Json::parse(recorded_json, nullptr, false);
  const Json wanted = Json::parse(json, nullptr, false);
  if (!recorded.is_object()) return "its config.json is damaged";
  std::string difference;
  const auto add = [&](const std::string& key, const std::string& before, const std::string& after) {
    difference += fmt::format("{}{} {} -> {}", difference.empty() ? "" : ", ", key, before, after);
  };
  const Json before = recorded.flatten();
  const Json after = wanted.flatten();
  const auto name = [](const std::string& key) { return key.substr(1); };
  for (const auto& [key, value] : before.items()) {
    if (key.empty()) continue;  // so an empty object is flattened
    if (!after.contains(key)) {
      add(name(key), Short(value), "(none)");
    } else if (after[key] != value) {
      add(name(key), Short(value), Short(after[key]));
    }
  }
  for (const auto& [key, value] : after.items()) {
    if (!key.empty() && !before.contains(key)) add(name(key), "(none)", Short(value));
  }
  return difference;
}

std::string RunFiles::RecordedConfiguration(const Options& options) {
  return ReadWhole(ConfigurationPath(FolderOf(options))).value_or("");
}

Result<std::unique_ptr<RunFiles>> RunFiles::Open(const Options& options,
                                                 const RunConfiguration& configuration,
                                                 const std::vector<Question>& questions) {
  const std::string folder = FolderOf(options);
  std::vector<std::string> set_aside;
  if (options.fresh) {
    // Not from under a run that is still writing.
    if (auto held = AppendFile::Open(options.out); !held) return tl::unexpected(held.error());
    for (const std::string& path : {options.out, folder}) {
      std::error_code status;
      const bool empty =
          std::filesystem::is_regular_file(path, status) && std::filesystem::file_size(path, status) == 0;
      if (empty) continue;
      if (auto moved = SetAside(path, set_aside); !moved) return tl::unexpected(moved.error());
    }
  }
  auto responses = AppendFile::Open(options.out);
  if (!responses) return tl::unexpected(responses.error());
  const std::string recorded = RecordedConfiguration(options);
  const Error unknown{
      .code = ErrorCode::kConflict,
      .message = fmt::format("{}: is there already, and {} does not say how it was made; use another "
                             "--out, or --fresh to set it aside",
                             options.out, ConfigurationPath(folder))};
  if (!responses->empty() && recorded.empty()) return tl::unexpected(unknown);
  auto failures = AppendFile::Open(folder + "/failures.jsonl");
  if (!failures) return tl::unexpected(failures.error());
  const bool begun = !responses->empty() || !failures->empty();
  if (begun && recorded.empty()) return tl::unexpected(unknown);
  if (begun) {
    const std::string difference = DifferenceOf(recorded, configuration.json);
    if (!difference.empty()) {
      return Fail(
          ErrorCode::kConflict,
          fmt::format(
              "{}: was made with other settings: {}; give the same ones to go on, use another --out, or "
              "--fresh to start over",
              options.out, difference));
    }
  }
  std::unique_ptr<RunFiles> files(new RunFiles(std::move(*responses), std::move(*failures)));
  files->folder_ = folder;
  files->configuration_ = configuration.json;
  files->recorded_ = begun;
  files->set_aside_ = std::move(set_aside);
  if (auto status = files->ReadResponses(questions); !status) return tl::unexpected(status.error());
  if (auto status = files->ReadFailures(); !status) return tl::unexpected(status.error());
  return files;
}

Status RunFiles::ReadResponses(const std::vector<Question>& questions) {
  auto repaired = responses_.RepairTail();
  if (!repaired) return tl::unexpected(repaired.error());
  repaired_bytes_ += *repaired;
  std::map<std::string_view, const Question*> by_id;
  for (const Question& question : questions) by_id.emplace(question.id, &question);
  return responses_.ForEachLine([&](std::string_view line, size_t number) -> Status {
    auto response = ParseResponse(line);
    if (!response) {
      return Fail(ErrorCode::kInvalidData, fmt::format("{}:{}: {}; mend or remove that line",
                                                       responses_.path(), number, response.error().message));
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
                        responses_.path(), number, response->question_id));
      }
    }
    Count(*response);
    done_.emplace(response->question_id, response->sample);
    return {};
  });
}

Status RunFiles::ReadFailures() {
  auto repaired = failures_.RepairTail();
  if (!repaired) return tl::unexpected(repaired.error());
  return failures_.ForEachLine([&](std::string_view line, size_t number) -> Status {
    const Json record = Json::parse(line, nullptr, false);
    const bool sound = record.is_object() && record.contains("question_id") &&
                       record["question_id"].is_string() && record.contains("sample") &&
                       record["sample"].is_number_unsigned();
    if (!sound) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}:{}: not a record of a failure; mend or remove that line", failures_.path(),
                              number));
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
  totals_.closed_by_student += response.closed_by == "student" ? 1 : 0;
}

Status RunFiles::RecordConfiguration() {
  if (recorded_) return {};
  recorded_ = true;
  return WriteWhole(ConfigurationPath(folder_), configuration_ + "\n");
}

Status RunFiles::AddResponse(const Response& response) {
  if (auto status = responses_.Append(ToJsonLine(response)); !status) return status;
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
  if (auto status = failures_.Append(record.dump(-1, ' ', false, Json::error_handler_t::replace)); !status)
    return status;
  failed_.emplace(task.question_id, task.sample);
  return {};
}

}  // namespace tessy
