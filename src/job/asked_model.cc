#include "job/asked_model.h"

#include <utility>

#include "job/cast.h"
#include "synthesis/method.h"

namespace tessy {

Settings AskedModelSettings(AskedModel& o, const AskedModelNames& names) {
  const std::string group = names.group;
  const std::string role = names.role;
  const Recorded told{.as = Fingerprint::kValue, .applies = names.is_asked};
  const Recorded family{
      .as = Fingerprint::kFamily, .name = "family", .if_empty = "by template", .applies = names.is_asked};
  return {{.key = "prompt",
           .value = &o.prompt,
           .help = names.prompt_help,
           .group = group,
           .type_name = "FILE",
           .recorded = {.as = Fingerprint::kFile, .if_empty = "built in", .applies = names.is_asked}},
          {.key = role + "-family",
           .value = &o.family,
           .help = FamilyHelp(),
           .group = group,
           .type_name = "FAMILY",
           .recorded = family},
          {.key = "template-date",
           .value = &o.template_date,
           .help = "date for templates that show one (default: today)",
           .group = group,
           .range = &CheckDate,
           .type_name = "YYYY-MM-DD",
           .recorded = {.as = Fingerprint::kValue, .applies = names.is_asked, .may_be_absent = true}},
          {.key = role + "-thinking",
           .value = &o.thinking,
           .help = "off: the model answers at once",
           .group = group,
           .range = Choices{"on", "off"},
           .recorded = {.as = Fingerprint::kValue, .name = "thinking", .applies = names.is_asked}},
          {.key = "max-thinking-tokens",
           .value = &o.thinking_tokens_max,
           .help = "before an answer",
           .group = group,
           .range = WholeRange{1, kTokensMax},
           .recorded = told},
          {.key = "max-answer-tokens",
           .value = &o.answer_tokens_max,
           .help = "of an answer",
           .group = group,
           .range = WholeRange{1, kTokensMax},
           .recorded = told},
          {.key = "retries",
           .value = &o.retries,
           .help = "fresh attempts where no answer comes",
           .group = group,
           .range = WholeRange{0, 1000},
           .recorded = told},
          {.key = "temperature",
           .value = &o.sampling.temperature,
           .help = "0: always the most probable token",
           .group = group,
           .range = RealRange{0.0, 100.0},
           .recorded = told}};
}

Settings AskedEngineSettings(AskedModel& o, const AskedModelNames& names, const char* many) {
  constexpr uint64_t kConcurrencyMax = 4096;
  Settings settings =
      EngineSettings(o.engine,
                     {.exact = "batch-invariant arithmetic",
                      .concurrency = many,
                      .context = "tokens of prompt and answer (default: what the model knows)"},
                     kConcurrencyMax, {.as = Fingerprint::kValue, .applies = names.is_asked});
  Append(settings, ServerSettings(o.servers));
  settings.push_back({.key = "vocabulary",
                      .value = &o.vocabulary,
                      .help = "a .gguf of the model that is served, for its vocabulary and template",
                      .group = "Servers",
                      .type_name = "FILE"});
  return settings;
}

Result<CastOptions> CastOptionsOf(const AskedModel& f, const std::string& flag, const char* key_variable) {
  CastOptions options;
  options.method = *FindMethod("teacher-only");
  options.thinks = f.thinking == "on";
  options.models = {"", f.model};
  options.families = {f.family, f.family};
  for (TemplateOptions& told : options.template_options) {
    told.date = f.template_date;
  }
  options.sampling = f.sampling;
  if (auto status = UseEngine(f.engine, options); !status) return tl::unexpected(status.error());
  if (!IsServerAddress(f.model)) return options;
  if (f.engine.exact) {
    return Fail(ErrorCode::kInvalidArgument,
                "--exact: the arithmetic of a server (--" + flag + ") cannot be controlled from here");
  }
  auto server = ServerOptionsOf({.flag = flag,
                                 .specs = {f.model},
                                 .servers = f.servers,
                                 .vocabulary = f.vocabulary,
                                 .key_variable = key_variable},
                                Role::kTeacher, options);
  if (!server) return tl::unexpected(server.error());
  options.servers[Index(Role::kTeacher)] = std::move(*server);
  options.models[Index(Role::kTeacher)].clear();
  return options;
}

SampleSettings SampleSettingsOf(const AskedModel& f, uint64_t seed) {
  SampleSettings settings;
  settings.method = *FindMethod("teacher-only");
  settings.seed = seed;
  settings.thinking_tokens_max = f.thinking_tokens_max;
  settings.answer_tokens_max = f.answer_tokens_max;
  settings.retries_max = f.retries;
  settings.greedy = f.sampling.temperature <= 0.0F;
  settings.thinks = f.thinking == "on";
  return settings;
}

}  // namespace tessy
