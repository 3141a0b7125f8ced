#include "cli/annotate_options.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "base/numbers.h"
#include "cli/cast.h"
#include "cli/common_flags.h"
#include "cli/identity.h"
#include "cli/validators.h"
#include "synthesis/method.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kPhrases = "phrases:";
constexpr std::string_view kLexicon = "lexicon";

void AddFileFlags(CLI::App& command, AnnotateFlags& f) {
  command
      .add_option("--responses", f.responses,
                  "responses with thinking: ours, messages, dialogs, conversations")
      ->type_name("FILE")
      ->group("Input and output");
  command.add_option("--out", f.out, "annotations, appended one by one; the same command goes on")
      ->type_name("FILE")
      ->group("Input and output");
  command.add_option("--run", f.run_folder, "folder of settings and rejected.jsonl (default: OUT.run)")
      ->type_name("DIR")
      ->group("Input and output");
  command.add_flag("--fresh", f.fresh, "set an existing --out aside (renamed) and start over")
      ->group("Input and output");
  command.add_flag("--skip-bad-lines", f.skip_bad_lines, "pass over responses without thinking")
      ->group("Input and output");
}

void AddWindowFlags(CLI::App& command, AnnotateFlags& f) {
  command.add_option("--window-words", f.windows.words, "words of a window; 0: all of the thinking")
      ->check(WholeNumber())
      ->capture_default_str()
      ->group("Windows");
  command.add_option("--windows-per-response", f.windows.per_response, "windows of one response, at most")
      ->check(CLI::Range(1U, 1000000U))
      ->capture_default_str()
      ->group("Windows");
  command.add_option("--windows", f.windows.total, "windows in all, at most (default: no limit)")
      ->check(WholeNumber())
      ->type_name("N")
      ->group("Windows");
  command.add_option("--seed", f.windows.seed, "of the choice of windows, and of sampling")
      ->check(WholeNumber())
      ->capture_default_str()
      ->group("Windows");
}

void AddAnnotatorFlags(CLI::App& command, AnnotateFlags& f) {
  command
      .add_option(
          "--annotator", f.annotator,
          "a .gguf file or http://host:port/v1#served-model; lexicon: the built-in rules; phrases:FILE: one "
          "phrase a line, # for a number")
      ->type_name("MODEL")
      ->group("Annotator");
  command.add_option("--lexicon", f.lexicon, "rules of your own, with --annotator lexicon")
      ->type_name("FILE.toml")
      ->group("Annotator");
  command
      .add_option("--prompt", f.prompt, "what the model is asked, with {window} in it (default: built in)")
      ->type_name("FILE")
      ->group("Annotator");
  command
      .add_option("--annotator-family", f.family,
                  "qwen3, gpt-oss, deepseek-r1, plain or a .toml (default: by template)")
      ->type_name("FAMILY")
      ->group("Annotator");
  AddServerFlags(command, f.servers);
  command
      .add_option("--vocabulary", f.vocabulary,
                  "a .gguf of the model that is served, for its vocabulary and template")
      ->type_name("FILE")
      ->group("Servers");
  command.add_option("--annotator-thinking", f.thinking, "off: the model answers at once")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str()
      ->group("Annotator");
  command.add_option("--max-thinking-tokens", f.thinking_tokens_max, "before an answer")
      ->check(CLI::Range(1U, 100000000U))
      ->capture_default_str()
      ->group("Annotator");
  command.add_option("--max-answer-tokens", f.answer_tokens_max, "of an answer")
      ->check(CLI::Range(1U, 100000000U))
      ->capture_default_str()
      ->group("Annotator");
  command.add_option("--retries", f.retries, "fresh attempts where no answer comes")
      ->check(CLI::Range(0U, 1000U))
      ->capture_default_str()
      ->group("Annotator");
  command.add_option("--temperature", f.sampling.temperature, "0: always the most probable token")
      ->check(Number(0.0, 100.0))
      ->capture_default_str()
      ->group("Annotator");
}

void AddEngineFlags(CLI::App& command, AnnotateFlags& f) {
  command.add_flag("--exact", f.exact, "batch-invariant arithmetic")->group("Engine");
  command
      .add_option("--concurrency", f.concurrency,
                  "windows at a time (default: what memory allows, at most 64; 256 with a server)")
      ->check(CLI::Range(1, 4096))
      ->type_name("N")
      ->group("Engine");
  AddMachineFlags(command, f.threads, f.gpu_layers, f.memory_gib);
  command.add_option("--context", f.context, "tokens of prompt and answer (default: what the model knows)")
      ->check(CLI::Range(16U, 100000000U))
      ->type_name("N")
      ->group("Engine");
  AddMessageFlags(command, f.progress, f.log_level);
}

Result<Json> DescribeAnnotator(const AnnotateFlags& f) {
  switch (KindOf(f)) {
    case AnnotatorKind::kLexicon:
      if (f.lexicon.empty()) return Json(kLexicon);
      return IdentityOfData(f.lexicon);
    case AnnotatorKind::kPhrases:
      return IdentityOfData(PhrasesPath(f));
    case AnnotatorKind::kModel:
      if (IsServerAddress(f.annotator)) return Json{{"server", f.annotator}};
      return IdentityOfModel(f.annotator);
  }
  return Json();
}

}  // namespace

void AddAnnotateFlags(CLI::App& command, AnnotateFlags& f) {
  command.add_option("run.toml", f.run_file, "settings; every key is a flag's name, and flags win");
  AddFileFlags(command, f);
  AddWindowFlags(command, f);
  AddAnnotatorFlags(command, f);
  AddEngineFlags(command, f);
}

AnnotatorKind KindOf(const AnnotateFlags& f) {
  if (f.annotator == kLexicon) return AnnotatorKind::kLexicon;
  return f.annotator.starts_with(kPhrases) ? AnnotatorKind::kPhrases : AnnotatorKind::kModel;
}

std::string PhrasesPath(const AnnotateFlags& f) { return f.annotator.substr(kPhrases.size()); }

Status CheckFlags(const AnnotateFlags& f) {
  const auto refuse = [](const std::string& reason) { return Fail(ErrorCode::kInvalidArgument, reason); };
  if (f.responses.empty()) return refuse("--responses is missing: make some with tessy synth");
  if (f.out.empty()) return refuse("--out is missing: name the file to write annotations to");
  if (f.annotator.empty())
    return refuse("--annotator is missing: give a .gguf file, a server's address, lexicon or phrases:FILE");
  if (!f.lexicon.empty() && KindOf(f) != AnnotatorKind::kLexicon) {
    return refuse("--lexicon goes with --annotator lexicon");
  }
  if (KindOf(f) != AnnotatorKind::kModel) return {};
  return CastOptionsOf(f).map([](const MixedCastOptions&) {});
}

Result<MixedCastOptions> CastOptionsOf(const AnnotateFlags& f) {
  LlamaCastOptions options;
  options.method = *FindMethod("teacher-only");
  options.models = {"", f.annotator};
  options.families = {f.family, f.family};
  for (TemplateOptions& told : options.template_options) {
    told.date = fmt::format("{:%F}", fmt::localtime(std::time(nullptr)));
  }
  options.sampling = f.sampling;
  options.concurrency = f.concurrency;
  options.context_tokens = f.context;
  options.memory_bytes = static_cast<uint64_t>(f.memory_gib * static_cast<double>(uint64_t{1} << 30));
  options.threads = f.threads;
  options.gpu_layers = f.gpu_layers;
  options.exact = f.exact;
  MixedCastOptions mixed{.llama = std::move(options), .servers = {}, .predictors = {}};
  if (!IsServerAddress(f.annotator)) return mixed;
  if (f.exact) {
    return Fail(ErrorCode::kInvalidArgument,
                "--exact: the arithmetic of a server (--annotator) is not ours to say");
  }
  auto server = ServerOptionsOf({.flag = "annotator",
                                 .specs = {f.annotator},
                                 .servers = f.servers,
                                 .vocabulary = f.vocabulary,
                                 .key_variable = "TESSY_ANNOTATOR_API_KEY"},
                                Role::kTeacher, mixed.llama);
  if (!server) return tl::unexpected(server.error());
  mixed.servers[Index(Role::kTeacher)] = std::move(*server);
  mixed.llama.models[Index(Role::kTeacher)].clear();
  return mixed;
}

SampleSettings SampleSettingsOf(const AnnotateFlags& f) {
  SampleSettings settings;
  settings.method = *FindMethod("teacher-only");
  settings.seed = f.windows.seed;
  settings.thinking_tokens_max = f.thinking_tokens_max;
  settings.answer_tokens_max = f.answer_tokens_max;
  settings.retries_max = f.retries;
  settings.thinks = f.thinking == "on";
  return settings;
}

Result<std::string> DescribeSettings(const AnnotateFlags& f) {
  Json json{{"tessy_annotations", 1}};
  auto responses = IdentityOfData(f.responses);
  if (!responses) return tl::unexpected(responses.error());
  auto annotator = DescribeAnnotator(f);
  if (!annotator) return tl::unexpected(annotator.error());
  json["responses"] = *responses;
  json["annotator"] = *annotator;
  json["window_words"] = f.windows.words;
  json["windows_per_response"] = f.windows.per_response;
  json["windows"] = f.windows.total;
  json["seed"] = f.windows.seed;
  if (KindOf(f) != AnnotatorKind::kModel) return json.dump();
  json["prompt"] = "built in";
  if (!f.prompt.empty()) {
    auto prompt = IdentityOfData(f.prompt);
    if (!prompt) return tl::unexpected(prompt.error());
    json["prompt"] = *prompt;
  }
  json["family"] = f.family.empty() ? "by template" : f.family;
  json["thinking"] = f.thinking;
  json["max_thinking_tokens"] = f.thinking_tokens_max;
  json["max_answer_tokens"] = f.answer_tokens_max;
  json["retries"] = f.retries;
  json["temperature"] = Decimal(f.sampling.temperature);
  json["exact"] = f.exact;
  json["context"] = f.context;
  return json.dump();
}

}  // namespace tessy
