#include "cli/setting_flags.h"

#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "job/run_file.h"

namespace tessy {
namespace {

CLI::Option* AddSwitch(CLI::App& command, const Setting& setting) {
  return command.add_flag("--" + setting.key, *std::get<bool*>(setting.value), setting.help);
}

CLI::Option* AddOption(CLI::App& command, const Setting& setting) {
  const auto assign = [setting](const CLI::results_t& texts) { return Assign(setting, texts).has_value(); };
  CLI::Option* option = command.add_option("--" + setting.key, assign, setting.help);
  option->type_name(TypeOf(setting));
  const auto check = [setting](const std::string& text) { return WhyRefused(setting, text); };
  option->check(CLI::Validator(check, DescribeRange(setting)));
  if (setting.delimiter != '\0') option->delimiter(setting.delimiter);
  // One value a flag: what follows may be the run file.
  if (TakesSeveral(setting)) {
    option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(false);
  }
  if (const std::string text = TextOf(setting); setting.shows_default && !text.empty()) {
    option->default_str(TakesSeveral(setting) && text.find(',') != std::string::npos ? "[" + text + "]"
                                                                                     : text);
  }
  return option;
}

// The usage, then a line of what is needed.
class NeedsFirst final : public CLI::Formatter {
 public:
  explicit NeedsFirst(std::string needed) : needed_(std::move(needed)) {}
  std::string make_usage(const CLI::App* app, std::string name) const override {
    return CLI::Formatter::make_usage(app, std::move(name)) + needed_ + "\n";
  }

 private:
  std::string needed_;
};

}  // namespace

void AddSettings(CLI::App& command, const Settings& settings) {
  for (const Setting& setting : settings) {
    CLI::Option* option = IsSwitch(setting) ? AddSwitch(command, setting) : AddOption(command, setting);
    option->group(setting.group);
  }
}

void ShowNeeded(CLI::App& command, const Settings& settings, const std::string& more) {
  std::string needed = "Needed:";
  for (const Setting& setting : settings) {
    if (setting.required) needed += " --" + setting.key + " " + TypeOf(setting);
  }
  if (!more.empty()) needed += "\n" + more;
  command.formatter(std::make_shared<NeedsFirst>(needed + "\n"));
}

void AddRunFileArgument(CLI::App& command, std::string& path) {
  command.add_option("run.toml", path, "settings; every key is a flag's name, and flags win");
}

Status ApplyRunFile(const CLI::App& command, const Settings& settings, const std::string& path,
                    std::string_view given) {
  if (path.empty()) return {};
  return ApplyRunFile(settings, path, [&](std::string_view key) {
    if (key == given) return true;
    const CLI::Option* option = command.get_option_no_throw("--" + std::string(key));
    return option != nullptr && option->count() > 0;
  });
}

}  // namespace tessy
