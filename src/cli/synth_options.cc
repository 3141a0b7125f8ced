#include "cli/synth_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/numbers.h"
#include "cli/cast.h"
#include "cli/common_flags.h"
#include "cli/identity.h"
#include "cli/validators.h"
#include "store/append_file.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint32_t kCandidates = 5;  // the paper's (method, section 10)

// One file, or any number of servers.
Status CheckSpecs(const std::vector<std::string>& specs, const std::string& flag) {
  const bool served = std::all_of(specs.begin(), specs.end(), &IsServerAddress);
  if (specs.size() < 2 || served) return {};
  return Fail(
      ErrorCode::kInvalidArgument,
      fmt::format("--{}: is given {} times; only servers of one model may be several", flag, specs.size()));
}

bool IsServed(const std::vector<std::string>& specs) {
  return !specs.empty() && IsServerAddress(specs.front());
}

CLI::Validator Date() {
  const auto check = [](const std::string& text) -> std::string {
    constexpr std::string_view kForm = "0000-00-00";
    bool good = text.size() == kForm.size();
    for (size_t i = 0; good && i < kForm.size(); ++i) {
      good = kForm[i] == '-' ? text[i] == '-' : text[i] >= '0' && text[i] <= '9';
    }
    return good ? "" : fmt::format("{} is not a date of the form YYYY-MM-DD", text);
  };
  return {check, ""};
}

std::string FirstOf(const std::vector<std::string>& specs) { return specs.empty() ? "" : specs.front(); }

// "{tessy,student-only,…}", for the help and the shell's completion.
std::string MethodChoice() {
  std::string choice;
  for (const Method& method : kMethods)
    choice += fmt::format("{}{}", choice.empty() ? "{" : ",", method.name);
  return choice + "}";
}

}  // namespace

void AddSynthFlags(CLI::App& command, SynthFlags& f) {
  AddServerFlags(command, f.servers);
  for (auto [name, path] : {std::pair("--student-vocabulary", &f.student_vocabulary),
                            std::pair("--teacher-vocabulary", &f.teacher_vocabulary),
                            std::pair("--student-boundary-vocabulary", &f.student_boundary_vocabulary),
                            std::pair("--teacher-boundary-vocabulary", &f.teacher_boundary_vocabulary)}) {
    command
        .add_option(name, *path, "a .gguf of what is served, for its vocabulary: prompts go out as token ids")
        ->type_name("FILE")
        ->group("Servers");
  }
  command.add_option("run.toml", f.run_file, "settings; every key is a flag's name, and flags win");
  command
      .add_option(
          "--questions", f.questions,
          "JSON lines with prompt, messages, dialogs, conversations or input; a file is read again as "
          "questions come up, what comes from a pipe or - (standard input) is kept in memory")
      ->type_name("FILE")
      ->group("Input and output");
  command
      .add_option("--out", f.out,
                  "responses, appended one by one; the same command goes on (default: standard output)")
      ->type_name("FILE")
      ->group("Input and output");
  command
      .add_option(
          "--output-format", f.output_format,
          "tessy: who wrote what, counts, settings; tessy-reference: as the published code has it, the "
          "question's row with the response in it and n_tokens_total, _teacher and _student, each "
          "counted in its writer's own vocabulary (there: all in the student's)")
      ->check(CLI::IsMember({"tessy", "tessy-reference"}))
      ->capture_default_str()
      ->group("Input and output");
  command.add_option("--run", f.run_folder, "folder of the run's settings and failures (default: OUT.run)")
      ->type_name("DIR")
      ->group("Input and output");
  command.add_flag("--fresh", f.fresh, "set an existing --out aside (renamed) and start over")
      ->group("Input and output");
  f.accept_flag = "--accept-config-change";
  command
      .add_flag(f.accept_flag, f.accept_config_change,
                "go on with an existing --out though the settings differ; what is under way is started over")
      ->group("Input and output");
  command.add_option("--limit", f.limit, "only the first N questions (default: all)")
      ->check(WholeNumber())
      ->type_name("N")
      ->group("Input and output");
  command.add_flag("--skip-bad-lines", f.skip_bad_lines, "pass over questions that cannot be read")
      ->group("Input and output");

  // One value a flag: what follows may be the run's file.
  for (auto [name, specs] : {std::pair("--student", &f.student), std::pair("--teacher", &f.teacher)}) {
    command
        .add_option(name, *specs, "model: a .gguf file, or http://host:port/v1#served-model, once a replica")
        ->allow_extra_args(false)
        ->type_name("MODEL")
        ->group("Models");
  }
  for (auto [name, specs] : {std::pair("--student-boundary", &f.student_boundary),
                             std::pair("--teacher-boundary", &f.teacher_boundary)}) {
    command
        .add_option(name, *specs,
                    "predictor: a .gguf file, lexicon (built in), or the address of a pooling server")
        ->allow_extra_args(false)
        ->type_name("MODEL")
        ->default_str("lexicon")
        ->group("Models");
  }
  command
      .add_option("--student-family", f.student_family,
                  "qwen3, gpt-oss, deepseek-r1, plain or a .toml (default: by template)")
      ->type_name("FAMILY")
      ->group("Models");
  command.add_option("--teacher-family", f.teacher_family, "as --student-family")
      ->type_name("FAMILY")
      ->group("Models");
  command.add_option("--template-date", f.template_date, "date for templates that show one (default: today)")
      ->check(Date())
      ->type_name("YYYY-MM-DD")
      ->group("Models");
  command
      .add_option("--reasoning-effort", f.reasoning_effort,
                  "low, medium or high, for gpt-oss (default: high)")
      ->check(CLI::IsMember({"low", "medium", "high"}))
      ->group("Models");

  command.add_option("--method", f.method, "who writes what; tessy is Algorithm 1 of the paper")
      ->type_name(MethodChoice())
      ->capture_default_str()
      ->group("Method");
  command
      .add_option("--answer-by", f.answer_by, "student or teacher, with --method tessy (default: student)")
      ->check(CLI::IsMember({"student", "teacher"}))
      ->group("Method");
  command.add_option("--samples-per-question", f.samples_per_question, "responses for each question")
      ->check(CLI::Range(1U, 1000000U))
      ->capture_default_str()
      ->group("Method");
  command
      .add_option("--draft", f.draft,
                  "stop: nothing is written past a boundary; rollback: k tokens, then cut (the paper's)")
      ->check(CLI::IsMember({"stop", "rollback"}))
      ->capture_default_str()
      ->group("Method");
  command.add_option("--k", f.k, "tokens of a draft, with --draft rollback")
      ->check(CLI::Range(1U, 100000U))
      ->capture_default_str()
      ->group("Method");
  command.add_option("--cut", f.cut, "where a hand-over may fall: auto, complete_word, drop_word, token")
      ->check(CLI::IsMember({"auto", "complete_word", "drop_word", "token"}))
      ->capture_default_str()
      ->group("Method");
  command.add_option("--min-span-tokens", f.min_span_tokens, "tokens that a span keeps at least")
      ->check(CLI::Range(1U, 100000U))
      ->capture_default_str()
      ->group("Method");
  command.add_option("--style-threshold", f.style_threshold, "P(style) from which a token is the student's")
      ->check(Number(0.0, 1.0))
      ->capture_default_str()
      ->group("Method");
  command
      .add_option("--max-thinking-tokens", f.thinking_tokens_max,
                  "thinking budget; the context may leave less")
      ->check(CLI::Range(1U, 100000000U))
      ->capture_default_str()
      ->group("Method");
  command.add_option("--max-answer-tokens", f.answer_tokens_max, "answer budget")
      ->check(CLI::Range(1U, 100000000U))
      ->capture_default_str()
      ->group("Method");
  command.add_option("--retries", f.retries, "fresh attempts at a sample that failed")
      ->check(CLI::Range(0U, 1000U))
      ->capture_default_str()
      ->group("Method");
  command
      .add_option("--keep", f.keep,
                  "correct: only responses whose answer is that of the question's \"answer\"")
      ->check(CLI::IsMember({"all", "correct"}))
      ->capture_default_str()
      ->group("Method");
  command
      .add_option("--checker", f.checker,
                  "with --keep correct: asked instead, with the response as JSON on its standard input; exit "
                  "status 0 is "
                  "right, 1 wrong")
      ->type_name("COMMAND")
      ->group("Method");
  command
      .add_option("--candidates", f.candidates,
                  "written for one response at most, by teacher-score or --keep correct (default: 5)")
      ->check(CLI::Range(1U, 10000U))
      ->type_name("N")
      ->group("Method");
  command
      .add_option("--score-by", f.score_by,
                  "of teacher-score: the teacher's likelihood of a candidate, or its judgement")
      ->check(CLI::IsMember({"likelihood", "judge"}))
      ->capture_default_str()
      ->group("Method");
  command
      .add_option("--judge-prompt", f.judge_prompt,
                  "with {question} and {response} in it (default: built in)")
      ->type_name("FILE")
      ->group("Method");
  command
      .add_option("--reference-prompt", f.reference_prompt,
                  "of teacher-reference, with {question} and {answer} in it (default: built in)")
      ->type_name("FILE")
      ->group("Method");

  command
      .add_option("--seed", f.seed, "same seed, same settings: same responses (to the letter with --exact)")
      ->check(WholeNumber())
      ->capture_default_str()
      ->group("Sampling");
  AddSamplingFlags(command, f.sampling);
  command.add_option("--min-p", f.sampling.min_p, "0: off")
      ->check(Number(0.0, 1.0))
      ->capture_default_str()
      ->group("Sampling");

  command
      .add_flag("--exact", f.exact,
                "batch-invariant arithmetic: the same text whatever k, concurrency or interruption")
      ->group("Engine");
  command
      .add_option("--concurrency", f.concurrency,
                  "samples at a time (default: what memory allows, at most 64; 256 where all is served)")
      ->check(CLI::Range(1, 1000000))
      ->type_name("N")
      ->group("Engine");
  AddMachineFlags(command, f.threads, f.gpu_layers, f.memory_gib);
  command
      .add_option("--context", f.context, "tokens of a sample (default: what the models know, at most 40960)")
      ->check(CLI::Range(16U, 100000000U))
      ->type_name("N")
      ->group("Engine");

  AddMessageFlags(command, f.progress, f.log_level);
}

Result<Method> MethodOf(const SynthFlags& flags) {
  auto method = FindMethod(flags.method);
  if (!method || flags.answer_by.empty()) return method;
  const Role answerer = flags.answer_by == "teacher" ? Role::kTeacher : Role::kStudent;
  if (!method->cooperative() && answerer != method->answerer) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--answer-by {}: with --method {} the {} answers; it is for --method tessy",
                            flags.answer_by, flags.method, Name(method->answerer)));
  }
  method->answerer = answerer;
  return method;
}

namespace {

ServedBy ServedByOf(const SynthFlags& flags, Role role) {
  const bool student = role == Role::kStudent;
  return {.flag = std::string(Name(role)),
          .specs = student ? flags.student : flags.teacher,
          .servers = flags.servers,
          .vocabulary = student ? flags.student_vocabulary : flags.teacher_vocabulary,
          .key_variable = student ? "TESSY_STUDENT_API_KEY" : "TESSY_TEACHER_API_KEY",
          .streams = flags.draft == "stop"};
}

ServedBy PredictorServedByOf(const SynthFlags& flags, Role role) {
  const bool student = role == Role::kStudent;
  ServedBy served = ServedByOf(flags, role);
  served.flag += "-boundary";
  served.specs = student ? flags.student_boundary : flags.teacher_boundary;
  served.vocabulary = student ? flags.student_boundary_vocabulary : flags.teacher_boundary_vocabulary;
  return served;
}

// What is behind servers is taken out of what is loaded here.
Status SplitServed(const SynthFlags& flags, const Method& method, MixedCastOptions& mixed) {
  if (method.plan == Plan::kBestOf && flags.score_by == "likelihood" && IsServed(flags.teacher)) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "--score-by likelihood: a server (--teacher) tells no likelihoods; use --score-by judge, or a "
        "teacher that is a .gguf file");
  }
  for (const Role role : kRoles) {
    const bool student = role == Role::kStudent;
    if (IsServed(student ? flags.student : flags.teacher)) {
      if (flags.exact) {
        return Fail(ErrorCode::kInvalidArgument,
                    fmt::format("--exact: the arithmetic of a server (--{}) is not ours to say", Name(role)));
      }
      if (method.Uses(role)) {
        auto server = ServerOptionsOf(ServedByOf(flags, role), role, mixed.llama);
        if (!server) return tl::unexpected(server.error());
        mixed.servers[Index(role)] = std::move(*server);
      }
      mixed.llama.models[Index(role)].clear();
    }
    if (!method.cooperative() || !IsServed(student ? flags.student_boundary : flags.teacher_boundary))
      continue;
    if (flags.exact) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("--exact: the arithmetic of a server (--{}-boundary) is not ours to say", Name(role)));
    }
    auto predictor = PoolingOptionsOf(PredictorServedByOf(flags, role));
    if (!predictor) return tl::unexpected(predictor.error());
    mixed.predictors[Index(role)] = std::move(*predictor);
    mixed.llama.boundaries[Index(role)].clear();
  }
  return {};
}

}  // namespace

Result<MixedCastOptions> CastOptionsOf(const SynthFlags& flags, const Method& method) {
  for (const auto& [specs, flag] :
       {std::pair(&flags.student, "student"), std::pair(&flags.teacher, "teacher"),
        std::pair(&flags.student_boundary, "student-boundary"),
        std::pair(&flags.teacher_boundary, "teacher-boundary")}) {
    if (auto status = CheckSpecs(*specs, flag); !status) return tl::unexpected(status.error());
  }
  LlamaCastOptions options;
  options.method = method;
  options.models = {FirstOf(flags.student), FirstOf(flags.teacher)};
  options.boundaries = {FirstOf(flags.student_boundary), FirstOf(flags.teacher_boundary)};
  options.families = {flags.student_family, flags.teacher_family};
  for (const Role role : kRoles) {
    if (method.Uses(role) && options.models[Index(role)].empty()) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("--{0} is missing: --method {1} needs it; give a .gguf file, or a server's address",
                      Name(role), flags.method));
    }
    TemplateOptions& told = options.template_options[Index(role)];
    told.date = flags.template_date;
    if (!flags.reasoning_effort.empty())
      told.variables.emplace_back("reasoning_effort", flags.reasoning_effort);
  }
  options.sampling = flags.sampling;
  options.concurrency = flags.concurrency;
  options.context_tokens = flags.context;
  options.memory_bytes = static_cast<uint64_t>(flags.memory_gib * static_cast<double>(uint64_t{1} << 30));
  options.threads = flags.threads;
  options.gpu_layers = flags.gpu_layers;
  options.exact = flags.exact;
  MixedCastOptions mixed{.llama = std::move(options), .servers = {}, .predictors = {}};
  if (auto status = SplitServed(flags, method, mixed); !status) return tl::unexpected(status.error());
  return mixed;
}

Result<SampleSettings> SampleSettingsOf(const SynthFlags& flags, const Method& method,
                                        bool shares_vocabulary) {
  SampleSettings settings;
  settings.method = method;
  settings.seed = flags.seed;
  settings.draft_tokens = flags.draft == "stop" ? 1 : flags.k;
  settings.thinking_tokens_max = flags.thinking_tokens_max;
  settings.answer_tokens_max = flags.answer_tokens_max;
  settings.retries_max = flags.retries;
  settings.min_span_tokens = flags.min_span_tokens;
  settings.style_threshold = flags.style_threshold;
  if (flags.cut == "token" && method.cooperative() && !shares_vocabulary) {
    return Fail(ErrorCode::kInvalidArgument,
                "--cut token: needs one vocabulary for both roles and both predictors, and these differ; use "
                "--cut auto, complete_word or drop_word");
  }
  if (flags.cut == "drop_word") {
    settings.cut = CutRule::kDropWord;
  } else if (flags.cut == "token" || (flags.cut == "auto" && shares_vocabulary)) {
    settings.cut = CutRule::kToken;
  } else {
    settings.cut = CutRule::kCompleteWord;
  }
  return settings;
}

namespace {

uint32_t CandidatesOf(const SynthFlags& flags, const Method& method) {
  if (flags.candidates > 0) return flags.candidates;
  return method.plan == Plan::kBestOf || flags.keep == "correct" ? kCandidates : 1;
}

// A file's text, which must have all of `places` in it; the built-in one without a file.
Result<std::string> PromptOf(const std::string& path, std::string_view built_in,
                             std::initializer_list<std::string_view> places) {
  if (path.empty()) return std::string(built_in);
  auto text = ReadWhole(path);
  if (!text) return text;
  for (const std::string_view place : places) {
    if (text->find(place) == std::string::npos) {
      return Fail(ErrorCode::kInvalidData, fmt::format("{}: has no {} in it", path, place));
    }
  }
  if (text->ends_with('\n')) text->pop_back();
  return text;
}

}  // namespace

Result<TaskSettings> TaskSettingsOf(const SynthFlags& flags, const SampleSettings& sample) {
  const Plan plan = sample.method.plan;
  if (!flags.checker.empty() && flags.keep != "correct") {
    return Fail(ErrorCode::kInvalidArgument, "--checker: is for --keep correct");
  }
  if (flags.candidates > 1 && plan != Plan::kBestOf && flags.keep != "correct") {
    return Fail(ErrorCode::kInvalidArgument,
                "--candidates: is for --method teacher-score, and for --keep correct");
  }
  TaskSettings settings{.sample = sample, .judge_prompt = {}, .reference_prompt = {}};
  settings.candidates = CandidatesOf(flags, settings.sample.method);
  settings.score_by = flags.score_by == "judge" ? ScoreBy::kJudge : ScoreBy::kLikelihood;
  auto judge = PromptOf(flags.judge_prompt, BuiltInJudgePrompt(), {"{question}", "{response}"});
  if (!judge) return tl::unexpected(judge.error());
  auto reference = PromptOf(flags.reference_prompt, BuiltInReferencePrompt(), {"{question}", "{answer}"});
  if (!reference) return tl::unexpected(reference.error());
  settings.judge_prompt = std::move(*judge);
  settings.reference_prompt = std::move(*reference);
  return settings;
}

namespace {

// A run may move to other machines; what is served there is the same. Where no name tells, the address must.
std::string ServedName(const std::string& spec) {
  const size_t hash = spec.find('#');
  return hash == std::string::npos || hash + 1 == spec.size() ? spec : spec.substr(hash + 1);
}

// A vocabulary is the server's own, or it is refused: which file brought it does not matter.
Result<Json> IdentityOf(const std::string& model, const std::string& vocabulary) {
  if (!IsServerAddress(model)) return IdentityOfModel(model);
  Json identity{{"server", ServedName(model)}};
  if (!vocabulary.empty()) identity["prompts"] = "token ids";
  return identity;
}

}  // namespace

Result<std::string> DescribeSettings(const SynthFlags& flags, const Method& method) {
  Json json{{"tessy_run", 1}, {"method", flags.method}, {"answer_by", std::string(Name(method.answerer))}};
  const std::array<std::string, 2> models{FirstOf(flags.student), FirstOf(flags.teacher)};
  const std::array<std::string, 2> boundaries{FirstOf(flags.student_boundary),
                                              FirstOf(flags.teacher_boundary)};
  const std::array<std::string, 2> families{flags.student_family, flags.teacher_family};
  const std::array<std::string, 2> vocabularies{flags.student_vocabulary, flags.teacher_vocabulary};
  const std::array<std::string, 2> boundary_vocabularies{flags.student_boundary_vocabulary,
                                                         flags.teacher_boundary_vocabulary};
  for (const Role role : {Role::kStudent, Role::kTeacher}) {
    const auto i = Index(role);
    if (!models[i].empty()) {
      auto identity = IdentityOf(models[i], vocabularies[i]);
      if (!identity) return tl::unexpected(identity.error());
      json[std::string(Name(role))] = *identity;
      json[fmt::format("{}_family", Name(role))] = families[i].empty() ? "by template" : families[i];
    }
    if (!method.cooperative()) continue;
    Json boundary = "lexicon";
    if (boundaries[i] != "lexicon") {
      auto identity = IdentityOf(boundaries[i], boundary_vocabularies[i]);
      if (!identity) return tl::unexpected(identity.error());
      boundary = *identity;
    }
    json[fmt::format("{}_boundary", Name(role))] = boundary;
  }
  if (CandidatesOf(flags, method) > 1) {
    json["candidates"] = CandidatesOf(flags, method);
    json["keep"] = flags.keep;
    if (!flags.checker.empty()) json["checker"] = flags.checker;
  }
  if (method.plan == Plan::kBestOf) json["score_by"] = flags.score_by;
  for (const auto& [key, path] : {std::pair("judge_prompt", &flags.judge_prompt),
                                  std::pair("reference_prompt", &flags.reference_prompt)}) {
    if (path->empty()) continue;
    auto prompt = IdentityOfData(*path);
    if (!prompt) return tl::unexpected(prompt.error());
    json[key] = *prompt;
  }
  if (flags.output_format != "tessy") json["output_format"] = flags.output_format;
  json["seed"] = flags.seed;
  json["temperature"] = Decimal(flags.sampling.temperature);
  json["top_p"] = Decimal(flags.sampling.top_p);
  json["top_k"] = flags.sampling.top_k;
  json["min_p"] = Decimal(flags.sampling.min_p);
  json["draft"] = flags.draft;
  if (flags.draft != "stop") json["k"] = flags.k;
  json["cut"] = flags.cut;
  json["min_span_tokens"] = flags.min_span_tokens;
  json["style_threshold"] = Decimal(flags.style_threshold);
  json["max_thinking_tokens"] = flags.thinking_tokens_max;
  json["max_answer_tokens"] = flags.answer_tokens_max;
  json["retries"] = flags.retries;
  json["context"] = flags.context;
  json["exact"] = flags.exact;
  json["template_date"] = flags.template_date;
  json["reasoning_effort"] = flags.reasoning_effort;
  return json.dump();
}

}  // namespace tessy
