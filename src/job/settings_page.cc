#include "job/settings_page.h"

#include <fmt/format.h>

#include <string_view>

namespace tessy {
namespace {

constexpr std::string_view kIntroduction =
    "# Settings\n\n"
    "This page is made from the program's tables of settings; a test fails if it is out of date.\n\n"
    "A setting is a flag, `--top-p 0.8`, or a key in a run file, `top-p = 0.8` (`tessy synth run.toml`). A "
    "flag that is\n"
    "typed wins over the run file. A list in the file is a flag given several times. A switch is `true` or "
    "`false` in the\n"
    "file.\n\n"
    "The column *binds* says what a run that goes on is compared by; the run is refused, with the "
    "difference, if it\n"
    "differs from what `config.json` in the run's folder has recorded:\n\n"
    "| binds | compared |\n"
    "|---|---|\n"
    "| value | the value |\n"
    "| file | the name and the content of the file |\n"
    "| family | the name of a built-in family, the name and content of any other's file |\n"
    "| model | a model file by its name and content, a served model by its name: its server may move |\n"
    "| given | that it is given, where the model is served |\n"
    "| | nothing: the setting does not change what the results are |\n";

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string_view Binds(const Setting& setting) {
  switch (setting.recorded.as) {
    case Fingerprint::kNone:
      return "";
    case Fingerprint::kValue:
    case Fingerprint::kText:
      return "value";
    case Fingerprint::kPresence:
      return "given";
    case Fingerprint::kFile:
      return "file";
    case Fingerprint::kFamily:
      return "family";
    case Fingerprint::kModel:
      return "model";
  }
  return "";
}

std::string Values(const Setting& setting) {
  if (IsSwitch(setting)) return "switch";
  const std::string range = DescribeRange(setting);
  std::string values = setting.type_name.empty() && !range.empty() ? range : TypeOf(setting);
  if (!setting.type_name.empty() && !range.empty()) values += ": " + range;
  if (TakesSeveral(setting)) values += ", several";
  return "`" + values + "`";
}

std::string Row(const Setting& setting) {
  const std::string value = IsSwitch(setting) || !setting.shows_default ? "" : TextOf(setting);
  return fmt::format("| `{}`{} | {} | {} | {} | {} |\n", setting.key, setting.required ? " (needed)" : "",
                     Escaped(Values(setting)), value.empty() ? "" : "`" + Escaped(value) + "`",
                     Binds(setting), Escaped(setting.help));
}

}  // namespace

std::string SettingsPage(const std::vector<SettingsSection>& sections) {
  std::string page(kIntroduction);
  for (const SettingsSection& section : sections) {
    page += fmt::format("\n## tessy {}\n{}\n", section.command, section.about);
    std::string group;
    for (const Setting& setting : section.settings) {
      if (setting.group != group) {
        group = setting.group;
        page += fmt::format(
            "\n### {}\n| setting | values | default | binds | meaning |\n|---|---|---|---|---|\n", group);
      }
      page += Row(setting);
    }
  }
  return page;
}

}  // namespace tessy
