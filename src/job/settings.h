#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"

namespace tessy {

// Stands before the file of an annotator's phrases: "phrases:FILE".
inline constexpr std::string_view kPhrasesMark = "phrases:";
// Stands before the file of a text: "@FILE". See TextOrFile.
inline constexpr std::string_view kFileMark = "@";

// One table of settings for each kind of job. Flags of the command line, keys of run files, the recorded
// configuration of a run, its comparison on resume, man pages and docs/settings.md are all derived from it.

// How the value of a setting enters the recorded configuration.
enum class Fingerprint : uint8_t {
  kNone,      // not at all: the setting does not change what the results are
  kValue,     // the value itself
  kText,      // the value itself; of "@FILE" what TextOrFile reads
  kPresence,  // that it is given, as the text `Recorded::if_given`
  kFile,      // the name and the content of the file, or of each file; of a folder or a pattern as one
  kFamily,    // a built-in family by its name, any other by the name and the content of its file
  kModel,     // a model file by its name and content, a served model by its name (its server may move),
              // "phrases:FILE" by that file's name and content, "lexicon" by its name
};

// How a setting is recorded.
struct Recorded {
  Fingerprint as = Fingerprint::kNone;
  // The key in config.json; a slash leads into an object ("weights/style"). Empty: the setting's own key,
  // with underscores.
  std::string name = {};
  // The recorded value if the setting is empty; if this is empty too, the setting is not recorded.
  std::string if_empty = {};
  std::string if_given = {};  // see kPresence
  // False where the other settings make this one irrelevant: it is then not recorded.
  bool applies = true;
  // Earlier versions did not record it: a record without it agrees with any value.
  bool may_be_absent = false;
  // The meaning of a record that has no value, 0 or an empty text, for a user who is told how settings
  // differ; empty: the default that the help tells.
  std::string unset = {};
};

// Where the value lives.
using SettingValue = std::variant<bool*, int*, int64_t*, uint32_t*, uint64_t*, float*, double*, std::string*,
                                  std::vector<std::string>*>;

// The values that a setting may take, besides the limits of its C++ type.
struct WholeRange {
  int64_t min = 0;
  uint64_t max = UINT64_MAX;
};
struct RealRange {
  double min = 0.0;
  double max = 0.0;
};
using Choices = std::vector<std::string>;
// Why a text is no value; empty if it is one.
using SettingCheck = std::function<std::string(const std::string& text)>;
using SettingRange = std::variant<std::monostate, WholeRange, RealRange, Choices, SettingCheck>;

struct Setting {
  std::string key;  // "top-p": the flag without its dashes, and the key in a run file
  SettingValue value;
  std::string help;
  std::string group;
  SettingRange range = {};
  std::string type_name = {};  // what help texts call the value; empty: by its C++ type
  // The help shows the value that the setting has while flags are declared. False where that value stands for
  // something that the help explains.
  bool shows_default = true;
  char delimiter = '\0';      // of several values in one text
  bool only_as_flag = false;  // it makes no sense in a run file
  bool required = false;      // a job cannot do without it
  Recorded recorded = {};
};

// The settings of one options struct, in the order of the help. Every `value` points into that struct, which
// must outlive the table; conditions (`Recorded::applies`) are those of the moment at which the table was
// made.
using Settings = std::vector<Setting>;

// True if a run that goes on must have the value with which it began.
bool IsBinding(const Setting& setting);

const Setting* FindSetting(std::span<const Setting> settings, std::string_view key);

// Puts `more` before the first setting of that group, at the end if there is none.
void InsertBefore(Settings& settings, std::string_view group, Settings more);

// Why a text is no value of the setting, "7 is not in {a,b}"; empty if it is one.
std::string WhyRefused(const Setting& setting, const std::string& text);

// Gives the setting the value that these texts stand for; several only where it takes several. The ~/ of
// files, folders and models is the user's home. Errors begin with the flag.
Status Assign(const Setting& setting, std::span<const std::string> texts);

bool IsSwitch(const Setting& setting);      // true or false
bool TakesSeveral(const Setting& setting);  // a list
// The value as it would be typed; a list's parts are divided by commas.
std::string TextOf(const Setting& setting);
// "UINT", "FILE": what help texts call a value.
std::string TypeOf(const Setting& setting);
// "{auto,token}", "UINT in [1 - 100]"; empty where any value of the type will do.
std::string DescribeRange(const Setting& setting);

// Checks for `Setting::range`.
std::string CheckDate(const std::string& text);  // YYYY-MM-DD

}  // namespace tessy
