#include "store/run_folder.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/json_depth.h"
#include "store/configuration.h"

namespace tessy {
namespace {

std::string ConfigurationPath(const std::string& folder) { return folder + "/config.json"; }

// What is damaged tells nothing that could be accepted.
bool IsSound(const std::string& configuration_json) {
  return !NestsDeeperThan(configuration_json, kNestingMax) &&
         nlohmann::json::parse(configuration_json, nullptr, false).is_object();
}

Result<std::vector<std::string>> SetAllAside(const RunFolder::Options& options) {
  // Not from under a run that is still writing.
  if (auto held = AppendFile::Open(options.out); !held) return tl::unexpected(held.error());
  std::vector<std::string> names;
  for (const std::string& path : {options.out, RunFolder::FolderOf(options.out, options.run_folder)}) {
    std::error_code status;
    const bool empty =
        std::filesystem::is_regular_file(path, status) && std::filesystem::file_size(path, status) == 0;
    if (empty) continue;
    auto moved = SetAside(path);
    if (!moved) return tl::unexpected(moved.error());
    if (!moved->empty()) names.push_back(std::move(*moved));
  }
  return names;
}

}  // namespace

std::string RunFolder::FolderOf(const std::string& out, const std::string& run_folder) {
  return run_folder.empty() ? out + ".run" : run_folder;
}

std::string RunFolder::RecordedConfiguration(const Options& options) {
  auto text = ReadWhole(ConfigurationPath(RunFolder::FolderOf(options.out, options.run_folder))).value_or("");
  // Nobody who reads it is to go down so deep; Open says that it is damaged.
  return NestsDeeperThan(text, kNestingMax) ? std::string("[nested too deeply]") : text;
}

Error RunFolder::OtherSettings(const Options& options, const std::string& difference) {
  const std::string accept =
      options.accept_flag.empty() ? "" : fmt::format(", {} to go on with these", options.accept_flag);
  return {.code = ErrorCode::kConflict,
          .message = fmt::format("{}: was made with other settings: {}; give the same ones to go on{}, use "
                                 "another --out, or --fresh to start over",
                                 options.out, difference, accept)};
}

Result<RunFolder> RunFolder::Open(const Options& options, std::string configuration_json) {
  const std::string folder = RunFolder::FolderOf(options.out, options.run_folder);
  NewFiles made;
  made.Expect(options.out);
  std::vector<std::string> set_aside;
  if (options.fresh) {
    auto names = SetAllAside(options);
    if (!names) return tl::unexpected(names.error());
    set_aside = std::move(*names);
  }
  made.Expect(options.out);  // again, for what has been set aside
  auto results = AppendFile::Open(options.out);
  if (!results) return tl::unexpected(results.error());
  const std::string recorded = RecordedConfiguration(options);
  const Error unknown{
      .code = ErrorCode::kConflict,
      .message = fmt::format("{}: is there already, and {} does not say how it was made; use another "
                             "--out, or --fresh to set it aside",
                             options.out, ConfigurationPath(folder))};
  if (!results->empty() && recorded.empty()) return tl::unexpected(unknown);
  made.Expect(folder + "/" + options.rejects);
  for (const std::string& other : options.others) made.Expect(folder + "/" + other);
  auto rejects = AppendFile::Open(folder + "/" + options.rejects);
  if (!rejects) return tl::unexpected(rejects.error());
  const bool begun = !results->empty() || !rejects->empty();
  if (begun && recorded.empty()) return tl::unexpected(unknown);
  const std::string known = options.as_recorded_now ? options.as_recorded_now(recorded) : recorded;
  const std::string difference = begun ? DifferenceOf(known, configuration_json, options.unset) : "";
  const bool accepted = options.accepts_change && IsSound(recorded);
  if (!difference.empty() && !accepted) return tl::unexpected(OtherSettings(options, difference));
  RunFolder run(std::move(*results), std::move(*rejects), std::move(made));
  for (AppendFile* file : {&run.results_, &run.rejects_}) {
    auto repaired = file->RepairTail();
    if (!repaired) return tl::unexpected(repaired.error());
    run.repaired_bytes_ += *repaired;
  }
  run.folder_ = folder;
  run.configuration_ = std::move(configuration_json);
  // A record in an older form is written anew.
  run.recorded_ = begun && difference.empty() && DifferenceOf(recorded, run.configuration_).empty();
  run.accepted_change_ = difference;
  run.set_aside_ = std::move(set_aside);
  return run;
}

Status RunFolder::RewriteRejects(const std::vector<std::string>& lines) {
  if (auto copied = CopyAside(rejects_.path()); !copied) return tl::unexpected(copied.error());
  if (auto status = rejects_.KeepLines(0); !status) return status;
  for (const std::string& line : lines) {
    if (auto status = rejects_.Append(line); !status) return status;
  }
  return {};
}

Status RunFolder::RecordConfiguration() {
  made_.Keep();
  if (recorded_) return {};
  recorded_ = true;
  return WriteWhole(ConfigurationPath(folder_), configuration_ + "\n");
}

}  // namespace tessy
