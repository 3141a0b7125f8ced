#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "cast/model_cast.h"
#include "job/common_settings.h"
#include "job/settings.h"
#include "synthesis/sample.h"

namespace tessy {

// A model that a job asks about one thing after another, in process or behind a server, and how it is asked.
// Values are as people write them: 0 or empty is the default that the setting's help names.
struct AskedModel {
  std::string model;  // a file or an address; empty: none is asked
  std::string prompt;
  std::string family;
  std::string template_date;
  std::string thinking = "on";
  uint32_t thinking_tokens_max = 4096;
  uint32_t answer_tokens_max = 2048;
  uint32_t retries = 1;
  Sampling sampling{.temperature = 0.0F};
  EnginesOptions engine;
  ServerOptions servers;
  std::string vocabulary;
};

// How the settings of one job speak of the model.
struct AskedModelNames {
  const char* role;         // "annotator": --annotator-family, --annotator-thinking
  const char* group;        // of the help
  const char* prompt_help;  // what must be in the file
  bool is_asked;            // false: the settings bind nothing
};

// prompt, ROLE-family, template-date, ROLE-thinking, max-thinking-tokens, max-answer-tokens, retries,
// temperature. The setting of the model itself is the job's.
Settings AskedModelSettings(AskedModel& asked, const AskedModelNames& names);
// The settings of the engine, those of servers, and vocabulary. `many` says what --concurrency counts.
Settings AskedEngineSettings(AskedModel& asked, const AskedModelNames& names, const char* many);

// The cast that has the model as its teacher, wherever it lives. `flag` is that of the model, `key_variable`
// the one of the environment that holds a server's key. Errors name the flag.
Result<CastOptions> CastOptionsOf(const AskedModel& asked, const std::string& flag, const char* key_variable);
SampleSettings SampleSettingsOf(const AskedModel& asked, uint64_t seed);

}  // namespace tessy
