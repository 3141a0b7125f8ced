#include "cli/eval.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/common_flags.h"
#include "cli/exit_status.h"
#include "cli/run_file.h"
#include "cli/synth.h"
#include "cli/validators.h"
#include "job/common_settings.h"
#include "job/synth_options.h"
#include "judge/grading.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

struct EvalFlags {
  SynthOptions synth;
  MessageOptions messages;
  std::string run_file;
  std::string model;
  std::string responses;
  std::string group_by = "task";
  bool json = false;
};

Json ToJson(const Grade& grade) {
  return {{"pass_at_1", grade.pass_at_1}, {"low", grade.low},         {"high", grade.high},
          {"right", grade.right},         {"samples", grade.samples}, {"questions", grade.questions},
          {"missing", grade.missing}};
}

std::string Row(const std::string& name, const Grade& grade) {
  return fmt::format("{:<24} {:>6.1f} %   {:>5.1f} … {:>5.1f}   {} of {} samples right, {} questions{}\n",
                     name, 100 * grade.pass_at_1, 100 * grade.low, 100 * grade.high, grade.right,
                     grade.samples, grade.questions,
                     grade.missing > 0 ? fmt::format(", {} never came", grade.missing) : "");
}

Result<int> Evaluate(EvalFlags flags) {
  if (flags.model.empty() == flags.responses.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--model is missing: give the .gguf file or the server to evaluate, or --responses to grade "
                "what is there");
  }
  if (!flags.responses.empty()) flags.synth.out = flags.responses;
  if (flags.synth.out.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--out is missing: name the file for the model's responses");
  }
  flags.synth.method = "student-only";
  flags.synth.student = {flags.model};
  auto questions = ReadQuestions(flags.synth.questions, {.skip_bad_lines = flags.synth.skip_bad_lines});
  if (!questions) return tl::unexpected(questions.error());
  if (flags.synth.limit > 0 && questions->questions.size() > flags.synth.limit) {
    questions->questions.resize(flags.synth.limit);
  }
  // Every question must have an answer. This is checked before hours are spent on responses.
  if (auto answers = ExpectedAnswers(flags.synth.questions, questions->questions); !answers) {
    return tl::unexpected(answers.error());
  }
  if (flags.responses.empty()) {
    const auto ran = RunSynth(flags.synth, flags.messages);
    if (!ran) return tl::unexpected(ran.error());
    if (*ran != kExitDone && *ran != kExitSomeFailed) return *ran;
  }
  const auto graded = GradeResponses(flags.synth.out, flags.synth.questions, questions->questions,
                                     flags.synth.samples_per_question, flags.group_by);
  if (!graded) return tl::unexpected(graded.error());
  std::string text;
  if (flags.json) {
    Json json{{"model", flags.model.empty() ? flags.responses : flags.model},
              {"all", ToJson(graded->all)},
              {"groups", Json::object()}};
    for (const auto& [name, grade] : graded->groups) json["groups"][name] = ToJson(grade);
    text = json.dump(2) + "\n";
  } else {
    text = fmt::format("{:<24} {:>8}   95 % interval\n", "", "pass@1");
    for (const auto& [name, grade] : graded->groups) text += Row(name, grade);
    text += Row("all", graded->all);
  }
  if (auto status = WriteOutput(text); !status) return tl::unexpected(status.error());
  return kExitDone;
}

// The model or its responses, the questions, and the files.
void AddInputFlags(CLI::App& command, EvalFlags& flags) {
  SynthOptions& f = flags.synth;
  command.add_option("run.toml", flags.run_file, "settings; every key is a flag's name, and flags win");
  command.add_option("--model", flags.model, "a .gguf file, or http://host:port/v1#served-model")
      ->type_name("MODEL");
  command.add_option("--responses", flags.responses, "grade these instead of asking a model")
      ->type_name("FILE");
  command.add_option("--questions", f.questions, "JSON lines with a \"prompt\" and an \"answer\" each")
      ->type_name("FILE")
      ->required();
  command.add_option("--out", f.out, "its responses, appended one by one; the same command goes on")
      ->type_name("FILE");
  command.add_option("--samples", f.samples_per_question, "of each question")
      ->check(CLI::Range(1U, 100000U))
      ->capture_default_str();
  command.add_option("--group-by", flags.group_by, "a field of the questions; each of its values gets a row")
      ->capture_default_str();
  command.add_option("--limit", f.limit, "only the first questions")->check(WholeNumber())->type_name("N");
}

void AddModelFlags(CLI::App& command, SynthOptions& f) {
  AddServerFlags(command, f.servers);
  command
      .add_option("--vocabulary", f.student_vocabulary,
                  "a .gguf of the model that is served, for its vocabulary and template")
      ->type_name("FILE")
      ->group("Servers");
  command.add_option("--family", f.student_family, FamilyHelp())->type_name("FAMILY");
  AddSamplingFlags(command, f.sampling);
}

void AddBudgetFlags(CLI::App& command, SynthOptions& f) {
  command.add_option("--seed", f.seed, "of sampling")->check(WholeNumber())->capture_default_str();
  command.add_option("--max-thinking-tokens", f.thinking_tokens_max, "thinking budget")
      ->check(CLI::Range(1U, 100000000U))
      ->capture_default_str();
  command.add_option("--max-answer-tokens", f.answer_tokens_max, "answer budget")
      ->check(CLI::Range(1U, 100000000U))
      ->capture_default_str();
  f.retries = 0;
  command
      .add_option("--retries", f.retries,
                  "fresh attempts where none came to an end; 0: such a sample is wrong")
      ->check(CLI::Range(0U, 1000U))
      ->capture_default_str();
}

void AddEngineFlags(CLI::App& command, SynthOptions& f) {
  command
      .add_option("--concurrency", f.concurrency,
                  "samples at a time (default: what memory allows, at most 64; 256 with a server)")
      ->check(CLI::Range(1, 4096))
      ->type_name("N")
      ->group("Engine");
  AddMachineFlags(command, f.machine);
  command
      .add_option("--context", f.context, "tokens of a sample (default: what the model knows, at most 40960)")
      ->check(CLI::Range(16U, 100000000U))
      ->type_name("N")
      ->group("Engine");
  command.add_flag("--exact", f.exact, "batch-invariant arithmetic")->group("Engine");
}

}  // namespace

void AddEvalCommand(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("eval", "pass@1 on problems with short answers");
  auto flags = std::make_shared<EvalFlags>();
  SynthOptions& f = flags->synth;
  f.sampling.temperature = 0.6F;  // the paper's (method, section 11)
  AddInputFlags(*command, *flags);
  AddModelFlags(*command, f);
  AddBudgetFlags(*command, f);
  AddEngineFlags(*command, f);
  command->add_flag("--fresh", f.fresh, "set an existing --out aside (renamed) and start over");
  command->add_flag("--skip-bad-lines", f.skip_bad_lines, "pass over questions that cannot be read");
  command->add_flag("--json", flags->json, "the result as JSON");
  AddMessageFlags(*command, flags->messages);
  command->footer(
      "An answer is a number, numbers, a choice (A … J), a \\boxed{…} or a line; the question's \"answer\" "
      "says which.\n\n"
      "Example:\n"
      "  tessy eval --model tuned.gguf --questions q.jsonl --samples 4 --out evaluation.jsonl\n\n"
      "Exit status: 0 done; 1 usage or configuration; 3 interrupted, resumable; 4 a server cannot be "
      "reached.");
  command->callback([command, flags, &context] {
    if (!flags->run_file.empty()) {
      if (auto status = ApplyRunFile(*command, flags->run_file); !status) return Finish(context, status);
    }
    if (flags->messages.log_level == "warning") flags->messages.log_level = "error";
    auto status = Evaluate(*flags);
    if (!status) return Finish(context, tl::unexpected(status.error()));
    context.exit_status = *status;
  });
}

}  // namespace tessy
