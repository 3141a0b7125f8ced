#include "job/synth_settings.h"

#include <utility>

#include "job/common_settings.h"
#include "job/settings_record.h"
#include "model/openai/server_address.h"

namespace tessy {
namespace {

const Recorded kAsValue{.as = Fingerprint::kValue};
// What the table needs to know of the settings together: what is of no effect is not recorded.
struct Uses {
  explicit Uses(const SynthOptions& o) {
    const auto found = FindMethod(o.method);
    if (found) method = *found;
    picks = o.candidates > 1 || o.keep != "all";
    student_served = !o.student.empty() && IsServerAddress(o.student.front());
    teacher_served = !o.teacher.empty() && IsServerAddress(o.teacher.front());
  }
  Method method = DefaultMethod();
  bool picks = false;  // one of several candidates may be kept, or none
  bool student_served = false, teacher_served = false;
};

Settings FileSettings(SynthOptions& o) {
  const std::string group = "Input and output";
  return {
      {.key = "questions",
       .value = &o.questions,
       .help = "JSON lines with prompt, messages, dialogs, conversations or input; a file is read again as "
               "questions come up, what comes from - (standard input) or <(command) is kept in memory",
       .group = group,
       .type_name = "FILE",
       .required = true},
      {.key = "out",
       .value = &o.out,
       .help = "responses, appended one by one; the same command goes on (default: standard output)",
       .group = group,
       .type_name = "FILE"},
      {.key = "output-format",
       .value = &o.output_format,
       .help = "tessy: who wrote what, counts, settings; tessy-reference: as the published code has it, the "
               "question's row with the response in it and n_tokens_total, _teacher and _student, each "
               "counted in its writer's own vocabulary (there: all in the student's)",
       .group = group,
       .range = Choices{"tessy", "tessy-reference"},
       .recorded = {.as = Fingerprint::kValue, .applies = o.output_format != "tessy", .unset = "tessy"}},
      {.key = "run",
       .value = &o.run_folder,
       .help = "folder of the run's settings and failures (default: OUT.run)",
       .group = group,
       .type_name = "DIR"},
      {.key = "fresh",
       .value = &o.fresh,
       .help = "set an existing --out aside (renamed) and start over",
       .group = group,
       .only_as_flag = true},
      {.key = "accept-config-change",
       .value = &o.accept_config_change,
       .help = "go on with an existing --out though the settings differ; what is under way is started over",
       .group = group},
      {.key = "retry-failed",
       .value = &o.retry_failed,
       .help = "try again what has failed for good: all, or a reason as failures.jsonl has it, or its begin",
       .group = group,
       .type_name = "REASON",
       .only_as_flag = true},
      {.key = "limit",
       .value = &o.limit,
       .help = "only the first N questions (default: all)",
       .group = group,
       .type_name = "N",
       .shows_default = false},
      {.key = "skip-bad-lines",
       .value = &o.skip_bad_lines,
       .help = "pass over questions that cannot be read",
       .group = group}};
}

Settings ModelSettings(SynthOptions& o, const Uses& uses) {
  const std::string group = "Models";
  const std::string model = "model: a .gguf file, or http://host:port/v1#served-model, once a replica";
  const std::string predictor =
      "predictor: a .gguf file, lexicon (built in), or the address of a pooling server";
  const Recorded as_model{.as = Fingerprint::kModel};
  const Recorded as_predictor{.as = Fingerprint::kModel, .applies = uses.method.cooperative()};
  return {{.key = "student",
           .value = &o.student,
           .help = model,
           .group = group,
           .type_name = "MODEL",
           .required = true,
           .recorded = as_model},
          {.key = "teacher",
           .value = &o.teacher,
           .help = model,
           .group = group,
           .type_name = "MODEL",
           .required = true,
           .recorded = as_model},
          {.key = "student-boundary",
           .value = &o.student_boundary,
           .help = predictor,
           .group = group,
           .type_name = "MODEL",
           .recorded = as_predictor},
          {.key = "teacher-boundary",
           .value = &o.teacher_boundary,
           .help = predictor,
           .group = group,
           .type_name = "MODEL",
           .recorded = as_predictor}};
}

// How the models are asked.
Settings PromptSettings(SynthOptions& o, const Uses& uses) {
  const std::string group = "Models";
  const auto as_family = [](const std::vector<std::string>& specs) {
    return Recorded{.as = Fingerprint::kFamily, .if_empty = "by template", .applies = !specs.empty()};
  };
  const auto as_system = [&](const std::string& role, std::string& text, Role writer,
                             const std::string& more = "") {
    return Setting{.key = role + "-system",
                   .value = &text,
                   .help = "system prompt of the " + role + " for questions that bring none, or @FILE" + more,
                   .group = group,
                   .type_name = "TEXT",
                   .recorded = {.as = Fingerprint::kText, .applies = uses.method.Uses(writer)}};
  };
  return {{.key = "student-family",
           .value = &o.student_family,
           .help = FamilyHelp(),
           .group = group,
           .type_name = "FAMILY",
           .recorded = as_family(o.student)},
          {.key = "teacher-family",
           .value = &o.teacher_family,
           .help = "as --student-family",
           .group = group,
           .type_name = "FAMILY",
           .recorded = as_family(o.teacher)},
          as_system("student", o.student_system, Role::kStudent),
          as_system("teacher", o.teacher_system, Role::kTeacher,
                    "; with --score-by judge it stands before the judging prompt, too"),
          {.key = "template-date",
           .value = &o.template_date,
           .help = "date for templates that show one (default: today)",
           .group = group,
           .range = &CheckDate,
           .type_name = "YYYY-MM-DD",
           .recorded = kAsValue},
          {.key = "reasoning-effort",
           .value = &o.reasoning_effort,
           .help = "low, medium or high, for gpt-oss (default: high)",
           .group = group,
           .range = Choices{"low", "medium", "high"},
           .recorded = kAsValue}};
}

// "{tessy,student-only,…}", for the help and the shell's completion.
std::string MethodChoice() {
  std::string choice;
  for (const Method& method : Methods()) {
    choice += choice.empty() ? "{" : ",";
    choice += method.name;
  }
  return choice + "}";
}

Settings MethodSettings(SynthOptions& o) {
  const std::string group = "Method";
  return {{.key = "method",
           .value = &o.method,
           .help = "who writes what; tessy is Algorithm 1 of the paper",
           .group = group,
           .type_name = MethodChoice(),
           .recorded = kAsValue},
          {.key = "answer-by",
           .value = &o.answer_by,
           .help = "student or teacher, with --method tessy (default: student)",
           .group = group,
           .range = Choices{"student", "teacher"},
           .recorded = kAsValue},
          {.key = "thinking",
           .value = &o.thinking,
           .help = "off: the response is the answer alone; for methods with one writer",
           .group = group,
           .range = Choices{"on", "off"},
           // Runs of older programs do not tell it, and all of them thought.
           .recorded = {.as = Fingerprint::kValue, .applies = o.thinking == "off", .unset = "on"}},
          {.key = "samples-per-question",
           .value = &o.samples_per_question,
           .help = "responses for each question",
           .group = group,
           .range = WholeRange{1, 1000000}},
          {.key = "draft",
           .value = &o.draft,
           .help = "stop: token by token up to the boundary, and one more where a word must be complete; "
                   "rollback: k tokens, then cut (the paper's)",
           .group = group,
           .range = Choices{"stop", "rollback"},
           .recorded = kAsValue},
          {.key = "k",
           .value = &o.k,
           .help = "tokens of a draft, with --draft rollback",
           .group = group,
           .range = WholeRange{1, 100000},
           .recorded = {.as = Fingerprint::kValue, .applies = o.draft != "stop"}},
          {.key = "cut",
           .value = &o.cut,
           .help = "where a hand-over may fall: auto, complete_word, drop_word, token",
           .group = group,
           .range = Choices{"auto", "complete_word", "drop_word", "token"},
           .recorded = kAsValue},
          {.key = "min-span-tokens",
           .value = &o.min_span_tokens,
           .help = "tokens that a span keeps at least",
           .group = group,
           .range = WholeRange{1, 100000},
           .recorded = kAsValue},
          {.key = "style-threshold",
           .value = &o.style_threshold,
           .help = "P(style) from which a token is the student's",
           .group = group,
           .range = RealRange{0.0, 1.0},
           .recorded = kAsValue}};
}

// The budgets of a sample, and what happens at their end.
Settings BudgetSettings(SynthOptions& o) {
  const std::string group = "Method";
  return {
      {.key = "max-thinking-tokens",
       .value = &o.thinking_tokens_max,
       .help = "thinking budget; the context may leave less",
       .group = group,
       .range = WholeRange{1, kTokensMax},
       .recorded = kAsValue},
      {.key = "close-thinking",
       .value = &o.close_thinking,
       .help =
           "at the end of the thinking budget: fail the attempt, or force the answer with what is thought",
       .group = group,
       .range = Choices{"fail", "force"},
       // Runs of older programs do not tell it, and none of them forced.
       .recorded = {.as = Fingerprint::kValue, .applies = o.close_thinking == "force", .unset = "fail"}},
      {.key = "max-answer-tokens",
       .value = &o.answer_tokens_max,
       .help = "answer budget",
       .group = group,
       .range = WholeRange{1, kTokensMax},
       .recorded = kAsValue},
      {.key = "retries",
       .value = &o.retries,
       .help = "fresh attempts at a sample that failed",
       .group = group,
       .range = WholeRange{0, 1000},
       .recorded = kAsValue}};
}

// Candidates, and which of them is kept.
Settings ChoiceSettings(SynthOptions& o, const Uses& uses) {
  const std::string group = "Method";
  return {
      {.key = "keep",
       .value = &o.keep,
       .help = "correct: only responses whose answer is that of the question's \"answer\"",
       .group = group,
       .range = Choices{"all", "correct"},
       .recorded = {.as = Fingerprint::kValue, .applies = uses.picks, .unset = "all"}},
      {.key = "checker",
       .value = &o.checker,
       .help = "with --keep correct: asked instead, with the response as JSON on its standard input; exit "
               "status 0 is right, 1 wrong",
       .group = group,
       .type_name = "COMMAND",
       .recorded = {.as = Fingerprint::kValue, .applies = !o.checker.empty()}},
      {.key = "checkers",
       .value = &o.checkers,
       .help = "checkers at a time; 0: as many as the machine has cores, at least 16",
       .group = group,
       .range = WholeRange{0, 10000},
       .type_name = "N"},
      {.key = "judge",
       .value = &o.judge,
       .help = "with --keep correct: answer compares with the question's \"answer\"; code runs the answer's "
               "program "
               "(Python) on the question's tests, in a sandbox",
       .group = group,
       .range = Choices{"answer", "code"},
       .recorded = {.as = Fingerprint::kValue, .applies = o.judge != "answer"}},
      {.key = "judge-workers",
       .value = &o.judge_workers,
       .help = "programs that run at a time; 0, and at most: as many as the machine has cores",
       .group = group,
       .range = WholeRange{0, 10000},
       .type_name = "N"},
      {.key = "candidates",
       .value = &o.candidates,
       .help = "responses that are written for one that is kept, at most, by teacher-score or --keep correct "
               "(default: 5)",
       .group = group,
       .range = WholeRange{1, 10000},
       .type_name = "N",
       .shows_default = false,
       .recorded = {.as = Fingerprint::kValue, .applies = uses.picks, .unset = "1"}},
      {.key = "score-by",
       .value = &o.score_by,
       .help = "of teacher-score: the teacher's likelihood of a candidate, or its judgement",
       .group = group,
       .range = Choices{"likelihood", "judge"},
       .recorded = {.as = Fingerprint::kValue, .applies = uses.method.scores_candidates}},
      {.key = "judge-prompt",
       .value = &o.judge_prompt,
       .help = "with {question} and {response} in it (default: built in)",
       .group = group,
       .type_name = "FILE",
       .recorded = {.as = Fingerprint::kFile}},
      {.key = "reference-prompt",
       .value = &o.reference_prompt,
       .help = "of teacher-reference, with {question} and {answer} in it (default: built in)",
       .group = group,
       .type_name = "FILE",
       .recorded = {.as = Fingerprint::kFile}}};
}

Settings SamplingOf(SynthOptions& o) {
  Settings settings{{.key = "seed",
                     .value = &o.seed,
                     .help = "same seed, same settings: same responses (to the letter with --exact)",
                     .group = "Sampling",
                     .recorded = kAsValue}};
  Append(settings, SamplingSettings(o.sampling));
  settings.push_back({.key = "min-p",
                      .value = &o.sampling.min_p,
                      .help = "0: off",
                      .group = "Sampling",
                      .range = RealRange{0.0, 1.0},
                      .recorded = kAsValue});
  return settings;
}

// A vocabulary is the server's own, or it is refused: which file brought it does not matter, but prompts then
// go out as token ids.
Settings VocabularySettings(SynthOptions& o, const Uses& uses) {
  Settings settings;
  const auto add = [&](const std::string& role, std::string& path, bool matters) {
    settings.push_back(
        {.key = role + "-vocabulary",
         .value = &path,
         .help = "a .gguf of what is served, for its vocabulary: prompts go out as token ids",
         .group = "Servers",
         .type_name = "FILE",
         .recorded = {
             .as = Fingerprint::kPresence,
             .name = (role.ends_with("-boundary") ? role.substr(0, role.find('-')) + "_boundary" : role) +
                     "/prompts",
             .if_given = "token ids",
             .applies = matters}});
  };
  const auto predicts = [&](const std::vector<std::string>& specs) {
    return uses.method.cooperative() && !specs.empty() && IsServerAddress(specs.front());
  };
  add("student", o.student_vocabulary, uses.student_served);
  add("teacher", o.teacher_vocabulary, uses.teacher_served);
  add("student-boundary", o.student_boundary_vocabulary, predicts(o.student_boundary));
  add("teacher-boundary", o.teacher_boundary_vocabulary, predicts(o.teacher_boundary));
  return settings;
}

}  // namespace

Settings SynthSettings(SynthOptions& options) {
  const Uses uses(options);
  Settings settings = FileSettings(options);
  Append(settings, ModelSettings(options, uses));
  Append(settings, PromptSettings(options, uses));
  Append(settings, MethodSettings(options));
  Append(settings, BudgetSettings(options));
  Append(settings, ChoiceSettings(options, uses));
  Append(settings, SamplingOf(options));
  Append(settings,
         EngineSettings(
             options.engine,
             {.exact = "batch-invariant arithmetic: the same text whatever k, concurrency or interruption",
              .concurrency = "samples at a time (default: what memory allows, at most 64; 256 where all "
                             "is served)",
              .context = "tokens of a sample (default: what the models know, at most 40960)"},
             1000000, kAsValue));
  for (const auto& [key, value] : {std::pair("student-gpu-layers", &options.student_gpu_layers),
                                   {"teacher-gpu-layers", &options.teacher_gpu_layers},
                                   {"student-boundary-gpu-layers", &options.student_boundary_gpu_layers},
                                   {"teacher-boundary-gpu-layers", &options.teacher_boundary_gpu_layers}}) {
    settings.push_back(GpuLayersSetting(key, *value, "of this model alone (default: --gpu-layers)"));
  }
  Append(settings, ServerSettings(options.servers));
  Append(settings, VocabularySettings(options, uses));
  return settings;
}

Result<std::string> RecordOf(const SynthOptions& options, const Method& method) {
  SynthOptions resolved = options;
  resolved.answer_by = Name(method.answerer);
  resolved.candidates = CandidatesOf(options, method);
  return RecordOf(SynthSettings(resolved), "tessy_run", "1");
}

std::string AsRecordedNow(const SynthOptions& options, const std::string& recorded, const std::string& now) {
  SynthOptions resolved = options;
  return AsRecordedNow(SynthSettings(resolved), recorded, now);
}

}  // namespace tessy
