#include "job/run_catalogue.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/json_depth.h"
#include "store/append_file.h"
#include "store/open_run_store.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view kFolderEnding = ".run";
constexpr int kDepthMax = 3;

// ---- Finding.

bool HoldsRun(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / kRunStoreFile, ignored);
}

void FindFolders(const fs::path& folder, int depth, std::vector<std::string>& found) {
  if (HoldsRun(folder)) found.push_back(folder.lexically_normal().string());
  if (depth == kDepthMax) return;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored))
      FindFolders(entry.path(), depth + 1, found);
  }
}

// The responses of the run in OUT.run are OUT. Any other folder was given by --run, and holds them itself
// unless --out named another place.
std::string OutputOf(const std::string& folder) {
  const std::string out = folder.ends_with(kFolderEnding)
                              ? folder.substr(0, folder.size() - kFolderEnding.size())
                              : folder + "/responses.jsonl";
  std::error_code ignored;
  return fs::exists(out, ignored) ? out : "";
}

// ---- What the settings say.

// Writing it out calls itself for each level.
Json Parsed(const std::string& json) { return ParseBounded<Json>(json); }

Json Settings(const RunSummary& summary) {
  if (summary.configurations.empty()) return Json::object();
  Json settings = Parsed(summary.configurations.back().json);
  return settings.is_object() ? settings : Json::object();
}

std::string DescribeModel(const Json& model) {
  if (model.is_string()) return model.get<std::string>();
  if (!model.is_object()) return "?";
  if (model.contains("server") && model["server"].is_string()) return model["server"].get<std::string>();
  const auto text = [&model](const char* key) {
    return model.contains(key) && model[key].is_string() ? model[key].get<std::string>() : std::string("?");
  };
  return fmt::format("{}, fingerprint {}", text("file"), text("fingerprint"));
}

std::vector<RecordedModel> ModelsOf(const Json& settings) {
  std::vector<RecordedModel> models;
  for (const char* role : {"student", "teacher", "student_boundary", "teacher_boundary"}) {
    if (!settings.contains(role)) continue;
    const Json& model = settings[role];
    models.push_back(
        {role, model.dump(-1, ' ', false, Json::error_handler_t::replace), DescribeModel(model)});
  }
  return models;
}

// ---- As JSON.

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json Brief(const CataloguedRun& run) {
  const RunSummary& summary = run.summary;
  return {{"out", TextOrNull(run.out)},
          {"run", run.folder},
          {"method", run.method},
          {"state", Name(run.state)},
          {"samples", summary.samples},
          {"done", summary.done},
          {"failed", summary.failed},
          {"tokens", run.tokens()},
          {"last_activity", summary.sessions.empty() ? Json() : Json(FormatTime(run.last_activity_ms()))}};
}

Json Generated(const RunSummary& summary) {
  return {{"tokens", summary.tokens},
          {"drafted_tokens", summary.drafted_tokens},
          {"discarded_tokens", summary.discarded_tokens},
          {"recalled_tokens", summary.recalled_tokens},
          {"spans", summary.spans},
          {"seconds", summary.seconds},
          {"tokens_per_second", summary.tokens_per_second()},
          {"samples_per_hour", summary.samples_per_hour()}};
}

Json Full(const CataloguedRun& run) {
  const RunSummary& summary = run.summary;
  Json json = Brief(run);
  json["unfinished"] = summary.unfinished;
  for (const SampleStat& stat : kSampleStats) json[std::string(stat.key)] = summary.stats.*stat.value;
  json["closed_by"] = summary.closed_by;
  json["failures"] = summary.failures;
  json["failed_attempts"] = summary.failed_attempts;
  json["generated"] = Generated(summary);
  json["models"] = Json::object();
  for (const RecordedModel& model : run.models) json["models"][model.role] = Json::parse(model.json);
  json["sessions"] = Json::array();
  for (const SessionRecord& session : summary.sessions) {
    json["sessions"].push_back({{"started", FormatTime(session.started_ms)},
                                {"last", FormatTime(session.last_ms)},
                                {"ended", TextOrNull(session.ended)},
                                {"tokens", session.tokens},
                                {"recalled_tokens", session.recalled_tokens},
                                {"spans", session.spans}});
  }
  json["configurations"] = Json::array();
  for (const ConfigurationRecord& configuration : summary.configurations) {
    json["configurations"].push_back(
        {{"since", FormatTime(configuration.at_ms)}, {"settings", Parsed(configuration.json)}});
  }
  return json;
}

std::string Dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

std::string_view Name(RunState state) {
  constexpr std::string_view kNames[] = {"running", "interrupted", "finished"};
  return kNames[static_cast<size_t>(state)];
}

uint64_t CataloguedRun::tokens() const { return summary.stats.tokens(); }

double CataloguedRun::teacher_share() const {
  const uint64_t thinking = summary.stats.thinking_tokens();
  return thinking == 0 ? 0.0
                       : static_cast<double>(summary.stats.teacher_tokens) / static_cast<double>(thinking);
}

int64_t CataloguedRun::last_activity_ms() const {
  return summary.sessions.empty() ? 0 : summary.sessions.back().last_ms;
}

Result<std::string> FindRun(std::string name) {
  while (name.size() > 1 && name.ends_with('/')) name.pop_back();
  if (HoldsRun(name)) return name;
  std::string folder = fmt::format("{}{}", name, kFolderEnding);
  if (HoldsRun(folder)) return folder;
  return Fail(ErrorCode::kNotFound,
              fmt::format("{}: no run is recorded there: neither {}/{} nor {}/{} is there", name, folder,
                          kRunStoreFile, name, kRunStoreFile));
}

Result<CataloguedRun> ReadRun(const std::string& folder) {
  auto store = OpenRunStoreToRead(RunStoreIn(folder));
  if (!store) return tl::unexpected(store.error());
  auto summary = Summarize(**store);
  if (!summary) return tl::unexpected(summary.error());
  CataloguedRun run;
  run.folder = folder;
  run.out = OutputOf(folder);
  if (summary->finished()) run.state = RunState::kFinished;
  if (IsBeingWritten(folder + "/failures.jsonl")) run.state = RunState::kRunning;
  const Json settings = Settings(*summary);
  const auto method = settings.find("method");
  run.method = method != settings.end() && method->is_string() ? method->get<std::string>() : "?";
  run.models = ModelsOf(settings);
  run.summary = std::move(*summary);
  return run;
}

Result<RunCatalogue> FindRuns(std::span<const std::string> folders) {
  std::vector<std::string> found;
  for (const std::string& folder : folders) {
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored)) {
      return Fail(ErrorCode::kNotFound,
                  fmt::format("{}: is no folder; tessy runs show {} looks at one run", folder, folder));
    }
    FindFolders(folder, 0, found);
  }
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  RunCatalogue catalogue;
  for (const std::string& folder : found) {
    auto run = ReadRun(folder);
    if (run) {
      catalogue.runs.push_back(std::move(*run));
    } else {
      catalogue.unreadable.push_back(run.error());
    }
  }
  std::ranges::stable_sort(catalogue.runs, std::greater(), &CataloguedRun::last_activity_ms);
  return catalogue;
}

std::string FormatTime(int64_t milliseconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(milliseconds / 1000)));
}

std::string ToJson(std::span<const CataloguedRun> runs) {
  Json json = Json::array();
  for (const CataloguedRun& run : runs) json.push_back(Brief(run));
  return Dump(json);
}

std::string ToJson(const CataloguedRun& run) { return Dump(Full(run)); }

}  // namespace tessy
