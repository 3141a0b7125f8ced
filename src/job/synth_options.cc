#include "job/synth_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "job/cast.h"
#include "job/text_or_file.h"
#include "synthesis/prompt.h"

namespace tessy {
namespace {

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

std::string FirstOf(const std::vector<std::string>& specs) { return specs.empty() ? "" : specs.front(); }

}  // namespace

Result<Method> MethodOf(const SynthOptions& told) {
  auto method = FindMethod(told.method);
  if (!method || told.answer_by.empty()) return method;
  const Role answerer = told.answer_by == "teacher" ? Role::kTeacher : Role::kStudent;
  if (!method->cooperative() && answerer != method->answerer) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--answer-by {}: with --method {} the {} answers; it is for --method tessy",
                            told.answer_by, told.method, Name(method->answerer)));
  }
  method->answerer = answerer;
  return method;
}

namespace {

ServedBy ServedByOf(const SynthOptions& told, Role role) {
  const bool student = role == Role::kStudent;
  return {.flag = std::string(Name(role)),
          .specs = student ? told.student : told.teacher,
          .servers = told.servers,
          .vocabulary = student ? told.student_vocabulary : told.teacher_vocabulary,
          .key_variable = student ? "TESSY_STUDENT_API_KEY" : "TESSY_TEACHER_API_KEY",
          .streams = told.draft == "stop"};
}

ServedBy PredictorServedByOf(const SynthOptions& told, Role role) {
  const bool student = role == Role::kStudent;
  ServedBy served = ServedByOf(told, role);
  served.flag += "-boundary";
  served.specs = student ? told.student_boundary : told.teacher_boundary;
  served.vocabulary = student ? told.student_boundary_vocabulary : told.teacher_boundary_vocabulary;
  return served;
}

// Layers of one model or predictor alone.
Status UseLayers(const SynthOptions& told, const Method& method, CastOptions& cast) {
  const bool several = method.Uses(Role::kStudent) && method.Uses(Role::kTeacher);
  const auto use = [&](const std::string& flag, const std::string& text,
                       const std::vector<std::string>& specs, LayersAsked& asked) -> Status {
    if (several) asked.own_flag = flag;
    if (text.empty()) return {};
    if (IsServed(specs)) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("--{}: is for a .gguf file, and this model's server decides that", flag));
    }
    asked.flag = flag;
    asked.layers = GpuLayersOf(text);
    return {};
  };
  Status status = use("student-gpu-layers", told.student_gpu_layers, told.student, cast.layers[0]);
  if (status) status = use("teacher-gpu-layers", told.teacher_gpu_layers, told.teacher, cast.layers[1]);
  if (status) {
    status = use("student-boundary-gpu-layers", told.student_boundary_gpu_layers, told.student_boundary,
                 cast.boundary_layers[0]);
  }
  if (status) {
    status = use("teacher-boundary-gpu-layers", told.teacher_boundary_gpu_layers, told.teacher_boundary,
                 cast.boundary_layers[1]);
  }
  return status;
}

// What is behind servers is taken out of what is loaded here.
Status SplitServed(const SynthOptions& told, const Method& method, CastOptions& cast) {
  if (method.scores_candidates && told.score_by == "likelihood" && IsServed(told.teacher)) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "--score-by likelihood: a server (--teacher) tells no likelihoods; use --score-by judge, or a "
        "teacher that is a .gguf file");
  }
  for (const Role role : kRoles) {
    const bool student = role == Role::kStudent;
    if (IsServed(student ? told.student : told.teacher)) {
      if (told.engine.exact) {
        return Fail(ErrorCode::kInvalidArgument,
                    fmt::format("--exact: the arithmetic of a server (--{}) cannot be controlled from here",
                                Name(role)));
      }
      if (method.Uses(role)) {
        auto server = ServerOptionsOf(ServedByOf(told, role), role, cast);
        if (!server) return tl::unexpected(server.error());
        cast.servers[Index(role)] = std::move(*server);
      }
      cast.models[Index(role)].clear();
    }
    if (!method.cooperative() || !IsServed(student ? told.student_boundary : told.teacher_boundary)) continue;
    if (told.engine.exact) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("--exact: the arithmetic of a server (--{}-boundary) cannot be controlled from here",
                      Name(role)));
    }
    auto predictor = PoolingOptionsOf(PredictorServedByOf(told, role));
    if (!predictor) return tl::unexpected(predictor.error());
    cast.boundary_servers[Index(role)] = std::move(*predictor);
    cast.boundaries[Index(role)].clear();
  }
  return {};
}

}  // namespace

namespace {

// Of two writers one has to think before the other one answers.
Status CheckThinking(const SynthOptions& told, const Method& method) {
  if (told.thinking != "off" || method.has_one_writer()) return {};
  std::string names;
  for (const Method& one : Methods()) {
    if (one.has_one_writer()) names += (names.empty() ? "" : ", ") + std::string(one.name);
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("--thinking off: with --method {} two models write a response; it is for methods "
                          "with one writer: {}",
                          told.method, names));
}

Status TellSystems(const SynthOptions& told, const Method& method, CastOptions& options) {
  for (const Role role : kRoles) {
    const std::string& system = role == Role::kStudent ? told.student_system : told.teacher_system;
    if (system.empty()) continue;
    const auto refuse = [&](const std::string& why) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("--{}-system: {}", Name(role), why));
    };
    if (!method.Uses(role))
      return refuse(fmt::format("with --method {} the {} is asked nothing", told.method, Name(role)));
    auto text = TextOrFile(system);
    if (!text) return refuse(text.error().message);
    options.systems[Index(role)] = std::move(*text);
  }
  return {};
}

}  // namespace

Result<CastOptions> CastOptionsOf(const SynthOptions& told, const Method& method) {
  if (auto status = CheckThinking(told, method); !status) return tl::unexpected(status.error());
  for (const auto& [specs, flag] : {std::pair(&told.student, "student"), std::pair(&told.teacher, "teacher"),
                                    std::pair(&told.student_boundary, "student-boundary"),
                                    std::pair(&told.teacher_boundary, "teacher-boundary")}) {
    if (auto status = CheckSpecs(*specs, flag); !status) return tl::unexpected(status.error());
  }
  CastOptions options;
  options.method = method;
  options.thinks = told.thinking != "off";
  options.models = {FirstOf(told.student), FirstOf(told.teacher)};
  options.boundaries = {FirstOf(told.student_boundary), FirstOf(told.teacher_boundary)};
  options.families = {told.student_family, told.teacher_family};
  for (const Role role : kRoles) {
    if (method.Uses(role) && options.models[Index(role)].empty()) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("--{0} is missing: --method {1} needs it; give a .gguf file, or a server's address",
                      Name(role), told.method));
    }
    TemplateOptions& shown = options.template_options[Index(role)];
    shown.date = told.template_date;
    if (!told.reasoning_effort.empty())
      shown.variables.emplace_back("reasoning_effort", told.reasoning_effort);
  }
  if (auto status = TellSystems(told, method, options); !status) return tl::unexpected(status.error());
  options.sampling = told.sampling;
  if (auto status = UseEngine(told.engine, options); !status) return tl::unexpected(status.error());
  if (auto status = UseLayers(told, method, options); !status) return tl::unexpected(status.error());
  if (auto status = SplitServed(told, method, options); !status) return tl::unexpected(status.error());
  return options;
}

Result<SampleSettings> SampleSettingsOf(const SynthOptions& told, const Method& method,
                                        bool shares_vocabulary) {
  SampleSettings settings;
  settings.method = method;
  settings.seed = told.seed;
  settings.draft_tokens = told.draft == "stop" ? 1 : told.k;
  settings.thinking_tokens_max = told.thinking_tokens_max;
  settings.answer_tokens_max = told.answer_tokens_max;
  settings.retries_max = told.retries;
  settings.thinks = told.thinking != "off";
  settings.force_close = told.close_thinking == "force";
  settings.greedy = told.sampling.temperature <= 0.0F;
  settings.min_span_tokens = told.min_span_tokens;
  settings.style_threshold = told.style_threshold;
  if (told.cut == "token" && method.cooperative() && !shares_vocabulary) {
    return Fail(ErrorCode::kInvalidArgument,
                "--cut token: needs one vocabulary for both roles and both predictors, and these differ; use "
                "--cut auto, complete_word or drop_word");
  }
  if (told.cut == "drop_word") {
    settings.cut = CutRule::kDropWord;
  } else if (told.cut == "token" || (told.cut == "auto" && shares_vocabulary)) {
    settings.cut = CutRule::kToken;
  } else {
    settings.cut = CutRule::kCompleteWord;
  }
  return settings;
}

uint32_t CandidatesOf(const SynthOptions& told, const Method& method) {
  if (told.candidates > 0) return told.candidates;
  return method.scores_candidates || told.keep == "correct" ? kCandidates : 1;
}

namespace {

// Without the end of a file's last line.
Result<std::string> PromptOf(const std::string& path, std::string_view built_in,
                             std::initializer_list<std::string_view> places) {
  auto text = ReadPrompt(path, built_in, places);
  if (text && !path.empty() && text->ends_with('\n')) text->pop_back();
  return text;
}

}  // namespace

Result<TaskSettings> TaskSettingsOf(const SynthOptions& told, const SampleSettings& sample) {
  if (!told.checker.empty() && told.keep != "correct") {
    return Fail(ErrorCode::kInvalidArgument, "--checker: is for --keep correct");
  }
  if (told.judge == "code" && told.keep != "correct") {
    return Fail(ErrorCode::kInvalidArgument, "--judge code: is for --keep correct");
  }
  if (told.judge == "code" && !told.checker.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--checker: a command judges instead of --judge code; give one of them");
  }
  if (told.candidates > 1 && !sample.method.scores_candidates && told.keep != "correct") {
    return Fail(ErrorCode::kInvalidArgument,
                "--candidates: is for --method teacher-score, and for --keep correct");
  }
  TaskSettings settings{.sample = sample, .judge_prompt = {}, .reference_prompt = {}};
  settings.candidates = CandidatesOf(told, settings.sample.method);
  settings.score_by = told.score_by == "judge" ? ScoreBy::kJudge : ScoreBy::kLikelihood;
  auto judge = PromptOf(told.judge_prompt, BuiltInJudgePrompt(), {"{question}", "{response}"});
  if (!judge) return tl::unexpected(judge.error());
  auto reference = PromptOf(told.reference_prompt, BuiltInReferencePrompt(), {"{question}", "{answer}"});
  if (!reference) return tl::unexpected(reference.error());
  settings.judge_prompt = std::move(*judge);
  settings.reference_prompt = std::move(*reference);
  return settings;
}

}  // namespace tessy
