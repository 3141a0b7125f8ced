#pragma once

#include <string>
#include <vector>

#include "job/settings.h"

namespace tessy {

// One section of docs/settings.md.
struct SettingsSection {
  std::string command;  // "synth"
  std::string about;    // what it does, one sentence
  Settings settings;    // with their defaults
};

// The text of docs/settings.md: every setting with its values, default, help, and how it binds a run. Pure.
std::string SettingsPage(const std::vector<SettingsSection>& sections);

}  // namespace tessy
