#include "job/output_check.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

#include "dataset/tables/table_files.h"
#include "job/text_or_file.h"
#include "model/text/gguf_file.h"

namespace tessy {
namespace {

// The texts of a setting that may be paths.
std::vector<std::string> TextsOf(const Setting& setting) {
  if (std::holds_alternative<Choices>(setting.range)) return {};
  if (const auto* text = std::get_if<std::string*>(&setting.value)) return {**text};
  if (const auto* texts = std::get_if<std::vector<std::string>*>(&setting.value)) return **texts;
  return {};
}

std::string TextOf(std::span<const Setting> settings, std::string_view key) {
  const Setting* setting = FindSetting(settings, key);
  const auto texts = setting != nullptr ? TextsOf(*setting) : std::vector<std::string>();
  return texts.empty() || texts.front() == "-" ? "" : texts.front();
}

bool IsFresh(std::span<const Setting> settings) {
  const Setting* fresh = FindSetting(settings, "fresh");
  return fresh != nullptr && IsSwitch(*fresh) && *std::get<bool*>(fresh->value);
}

std::filesystem::path RealPath(const std::string& path) {
  std::error_code error;
  return std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
}

// Whether a file of that name would be among those that the folder or pattern stands for, now or later.
bool WouldBeRead(const std::string& output, const std::string& several) {
  const auto out = RealPath(output);
  std::error_code error;
  if (std::filesystem::is_directory(several, error)) {
    const auto folder = RealPath(several);
    return std::mismatch(folder.begin(), folder.end(), out.begin(), out.end()).first == folder.end();
  }
  const auto pattern = std::filesystem::absolute(several, error).lexically_normal();
  const auto name = std::filesystem::absolute(output, error).lexically_normal();
  const auto matches = [&](const std::filesystem::path& path) {
    return fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0;
  };
  return matches(name) || matches(out);
}

// A result among what is read would be a source of the next run, or of this one.
Status CheckAgainstSeveral(std::span<const NamedPath> outputs, const NamedPath& several) {
  const auto files =
      TableFiles(several.path)
          .value_or(std::vector<std::string>());  // what is wrong is said by the one who reads it
  for (const NamedPath& output : outputs) {
    const auto is_output = [&](const std::string& file) { return IsSameFile(file, output.path); };
    const bool is_read = WouldBeRead(output.path, several.path) || std::ranges::any_of(files, is_output);
    if (!is_read) continue;
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} {}: lies in {} {}, which is read; give a place outside of it", output.name,
                            output.path, several.name, several.path));
  }
  return {};
}

}  // namespace

Status CheckOutputs(std::span<const Setting> settings, const std::optional<NamedPath>& more) {
  const std::string out = TextOf(settings, "out");
  const std::string run = TextOf(settings, "run");
  std::vector<NamedPath> outputs;
  if (!out.empty()) outputs = {{"--out", out}, {"--out", out + ".tmp"}};
  if (const std::string verdicts = TextOf(settings, "verdicts"); !verdicts.empty()) {
    outputs.push_back({"--verdicts", verdicts});
  }
  // The folder is written into; only --fresh moves what else is in it.
  if (IsFresh(settings) && !out.empty() && run.empty()) outputs.push_back({"--out", out + ".run"});
  if (IsFresh(settings) && !run.empty()) outputs.push_back({"--run", run});
  std::vector<NamedPath> files = outputs;
  if (!run.empty()) files.push_back({"--run", run});
  std::vector<NamedPath> inputs;
  if (more) inputs.push_back(*more);
  for (const Setting& setting : settings) {
    if (setting.key == "out" || setting.key == "run" || setting.key == "verdicts") continue;
    for (std::string text : TextsOf(setting)) {
      if (setting.type_name == "FILE" && IsSeveralFiles(text)) {
        if (auto status = CheckAgainstSeveral(files, {"--" + setting.key, text}); !status) return status;
      }
      if (text.starts_with(kPhrasesMark)) text.erase(0, kPhrasesMark.size());
      if (setting.recorded.as == Fingerprint::kText) text = FileOfText(text);
      for (const std::string& path : GgufPartsOf(text)) {
        if (!path.empty()) inputs.push_back({"--" + setting.key, path});
      }
    }
  }
  return CheckOutputs(outputs, inputs);
}

}  // namespace tessy
