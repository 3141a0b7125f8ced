#include "job/output_check.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

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
  std::vector<NamedPath> inputs;
  if (more) inputs.push_back(*more);
  for (const Setting& setting : settings) {
    if (setting.key == "out" || setting.key == "run" || setting.key == "verdicts") continue;
    for (std::string text : TextsOf(setting)) {
      if (text.starts_with(kPhrasesMark)) text.erase(0, kPhrasesMark.size());
      if (setting.recorded.as == Fingerprint::kText) {
        if (!text.starts_with(kFileMark)) continue;
        text.erase(0, kFileMark.size());
      }
      for (const std::string& path : GgufPartsOf(text)) {
        if (!path.empty()) inputs.push_back({"--" + setting.key, path});
      }
    }
  }
  return CheckOutputs(outputs, inputs);
}

}  // namespace tessy
