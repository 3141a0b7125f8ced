#include "lab/experiment_plan.h"

#include <fmt/format.h>

#include <utility>

namespace tessy {
namespace {

constexpr const char* kRoles[] = {"student", "teacher"};

LabSize SizeOf(const LabOptions& options) {
  LabSize size;
  if (!options.quick) return size;
  size.evaluation = 200;
  size.steps = {40, 160};
  size.high_rate = false;
  return size;
}

std::vector<LabDataSet> DataSetsOf(const LabOptions& options) {
  std::vector<LabDataSet> all{{"tessy", {"--method", "tessy"}},
                              {"teacher-only", {"--method", "teacher-only"}},
                              {"student-only", {"--method", "student-only"}},
                              {"teacher-think", {"--method", "teacher-think"}},
                              {"teacher-mix", {"--method", "teacher-mix"}},
                              {"teacher-answer", {"--method", "teacher-answer"}},
                              {"teacher-score", {"--method", "teacher-score"}},
                              {"teacher-reference", {"--method", "teacher-reference"}},
                              {"tessy, teacher answers", {"--method", "tessy", "--answer-by", "teacher"}}};
  if (options.quick) all.resize(3);
  return all;
}

// "tessy, teacher answers" as a file's name.
std::string FileOf(const std::string& name) {
  std::string file;
  for (const char c : name) {
    if (c != ',') file += c == ' ' ? '-' : c;
  }
  return file;
}

void Append(std::vector<std::string>& words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
}

}  // namespace

LabPlan::LabPlan(LabOptions options)
    : options_(std::move(options)), size_(SizeOf(options_)), data_sets_(DataSetsOf(options_)) {}

std::string LabPlan::Model(const std::string& role) const {
  return options_.models.empty() ? In(role + ".gguf") : options_.models + "/" + role + ".gguf";
}

std::string LabPlan::Data(const std::string& data_set) const {
  return In("data-" + FileOf(data_set) + ".jsonl");
}

std::string LabPlan::TrainingSet(const std::string& data_set) const { return In("set-" + FileOf(data_set)); }

std::string LabPlan::Tuned(const LabTuning& tuning, int steps) const {
  return fmt::format("tuned-{}-{}-{}{}", FileOf(tuning.data), tuning.seed, steps,
                     tuning.rate == kLabRate ? "" : "-high");
}

std::string LabPlan::EvaluationQuestions(int steps) const {
  return In(steps == size_.steps.back() ? "evaluation.jsonl" : "evaluation-code.jsonl");
}

std::vector<int> LabPlan::CurveSteps(double rate) const {
  return rate == kLabRate ? size_.steps : std::vector<int>{10, 20, 40, 80, 160};
}

std::vector<LabTuning> LabPlan::Tunings() const {
  std::vector<LabTuning> tunings;
  for (const LabDataSet& data : data_sets_) {
    for (int seed = 0; seed < options_.seeds; ++seed) tunings.push_back({data.name, seed, kLabRate});
  }
  return tunings;
}

std::vector<LabTuning> LabPlan::HighTunings() const {
  if (!size_.high_rate) return {};
  return {{"tessy", 0, kLabHighRate}, {"teacher-only", 0, kLabHighRate}};
}

std::vector<LabPlan::Step> LabPlan::Steps() const {
  std::vector<Step> steps{World(), Selection()};
  if (options_.models.empty()) AddPretraining(steps);
  AddPredictors(steps);
  steps.push_back(Synthesis());
  steps.push_back(Export());
  AddFineTuning(steps);
  return steps;
}

LabPlan::Step LabPlan::World() const {
  const std::string seed = std::to_string(options_.world_seed);
  const std::string questions_seed = std::to_string(100 + options_.world_seed);
  const std::string evaluation_seed = std::to_string(200 + options_.world_seed);
  Step step{"the world: corpora and questions", {}};
  // Phrases of both styles for both predictors: a teacher that takes up the student's style has written
  // style.
  step.stages.push_back({"phrases", {"lab", "phrases", "--role", "both", "--out", In("phrases.txt")}});
  for (const std::string role : kRoles) {
    if (!options_.models.empty()) continue;
    const uint64_t count = role == "student" ? size_.student_corpus : size_.teacher_corpus;
    step.stages.push_back({"corpus-" + role,
                           {"lab", "corpus", "--role", role, "--count", std::to_string(count), "--seed", seed,
                            "--out", In("corpus-" + role + ".jsonl")}});
  }
  step.stages.push_back({"problems",
                         {"lab", "questions", "--task", "CODE", "--count", std::to_string(size_.questions),
                          "--seed", questions_seed, "--steps", "0", "--out", In("problems.jsonl")}});
  const auto evaluation = [&](const std::string& name, const Words& tasks) {
    Words words{"lab",    "questions",     "--count", std::to_string(size_.evaluation),
                "--seed", evaluation_seed, "--out",   In(name)};
    for (const std::string& task : tasks) Append(words, {"--task", task});
    step.stages.push_back({name, words});
  };
  evaluation("evaluation.jsonl", {"CODE", "ADD", "MAX", "REV"});
  evaluation("evaluation-code.jsonl", {"CODE"});
  return step;
}

// Whoever repeats the lab with other seeds may draw a problem twice, or one of the evaluation's.
LabPlan::Step LabPlan::Selection() const {
  return {"choosing questions",
          {{"questions",
            {"select", In("problems.jsonl"), "--decontaminate", In("evaluation.jsonl"), "--threads", "1",
             "--out", In("questions.jsonl"), "--fresh"}}}};
}

Stage LabPlan::Pretrain(const std::string& role) const {
  return {"pretrain-" + role, {"train",          "sft",
                               "--student",      In("new-" + role + ".gguf"),
                               "--responses",    In("corpus-" + role + ".jsonl"),
                               "--out",          Model(role),
                               "--epochs",       "1",
                               "--batch-size",   "32",
                               "--lr",           role == "student" ? "3e-3" : "2.5e-3",
                               "--lr-floor",     "0.1",
                               "--beta2",        "0.98",
                               "--warmup-steps", "50",
                               "--threads",      "1",
                               "--save-every",   "500",
                               "--progress",     "none"}};
}

void LabPlan::AddPretraining(std::vector<Step>& steps) const {
  const Words student{"--vocabulary",   "416", "--width",      "64", "--layers", "3",
                      "--feed-forward", "192", "--head-width", "16"};
  const Words teacher{"--vocabulary",   "448", "--width",      "96", "--layers", "3",
                      "--feed-forward", "256", "--head-width", "24"};
  Step models{"vocabularies and models that have learnt nothing", {}};
  Step training{"pretraining", {}};
  for (const std::string role : {"teacher", "student"}) {  // the longest first
    Words words{"lab",    "model",
                "--text", In("corpus-" + role + ".jsonl"),
                "--seed", std::to_string(options_.world_seed),
                "--out",  In("new-" + role + ".gguf")};
    Append(words, role == "student" ? student : teacher);
    models.stages.push_back({"new-" + role, words});
    training.stages.push_back(Pretrain(role));
  }
  steps.push_back(std::move(models));
  steps.push_back(std::move(training));
}

Stage LabPlan::Evaluate(const std::string& name, const std::string& model,
                        const std::string& questions) const {
  return {"eval-" + name,
          {"eval", "--model", model, "--questions", questions, "--out", Evaluation(name), "--temperature",
           "0.6", "--max-thinking-tokens", "220", "--max-answer-tokens", "24", "--progress", "none"}};
}

void LabPlan::AddPredictors(std::vector<Step>& steps) const {
  Step sampling{"samples of both, and how good they are", {}};
  Step annotating{"annotating style", {}};
  Step training{"training boundary predictors", {}};
  for (const std::string role : kRoles) {
    sampling.stages.push_back(
        {"sample-" + role,
         {"synth", "--questions", In("questions.jsonl"), "--" + role, Model(role), "--method", role + "-only",
          "--temperature", "0.95", "--top-p", "1", "--top-k", "0", "--seed", "7", "--out",
          In("sample-" + role + ".jsonl"), "--progress", "none"}});
    annotating.stages.push_back({"annotate-" + role,
                                 {"annotate", "--responses", In("sample-" + role + ".jsonl"), "--annotator",
                                  "phrases:" + In("phrases.txt"), "--windows-per-response", "3", "--out",
                                  In("style-" + role + ".jsonl"), "--progress", "none"}});
    training.stages.push_back(
        {"boundary-" + role,
         {"train", "boundary", "--annotations", In("style-" + role + ".jsonl"), "--base", Model(role), "--lr",
          "1e-3", "--threads", "1", "--out", In("boundary-" + role + ".gguf"), "--progress", "none"}});
  }
  for (const std::string role : kRoles)
    sampling.stages.push_back(Evaluate(role, Model(role), In("evaluation.jsonl")));
  for (Step* step : {&sampling, &annotating, &training}) steps.push_back(std::move(*step));
}

LabPlan::Step LabPlan::Synthesis() const {
  Step step{"synthesis by every method", {}};
  for (const LabDataSet& data : data_sets_) {
    Words words{"synth",
                "--questions",
                In("questions.jsonl"),
                "--student",
                Model("student"),
                "--teacher",
                Model("teacher"),
                "--student-boundary",
                In("boundary-student.gguf"),
                "--teacher-boundary",
                In("boundary-teacher.gguf"),
                "--temperature",
                "0.6",
                "--top-p",
                "1",
                "--top-k",
                "0",
                "--seed",
                "11",
                "--reference-prompt",
                In("reference-prompt.txt"),
                "--max-thinking-tokens",
                "220",
                "--out",
                Data(data.name),
                "--progress",
                "none"};
    Append(words, data.synth);
    step.stages.push_back({"synth-" + FileOf(data.name), words});
  }
  return step;
}

// The rows of ms-swift are those that can be checked with the lab's template, which writes no assistant's
// turn.
LabPlan::Step LabPlan::Export() const {
  Step step{"training sets", {}};
  for (const LabDataSet& data : data_sets_) {
    const std::string set = TrainingSet(data.name);
    step.stages.push_back(
        {"export-" + FileOf(data.name),
         {"export", Data(data.name), "--format", "ms-swift", "--template-of", Model("student"), "--out", set},
         set});
  }
  return step;
}

Stage LabPlan::Tune(const LabTuning& tuning, int steps) const {
  const std::string name = Tuned(tuning, steps);
  return {name, {"train",          "sft",
                 "--student",      Model("student"),
                 "--responses",    TrainingSet(tuning.data) + "/train.jsonl",
                 "--out",          In(name + ".gguf"),
                 "--epochs",       "100",
                 "--steps",        std::to_string(steps),
                 "--batch-size",   "16",
                 "--lr",           fmt::format("{}", tuning.rate),
                 "--schedule",     "constant",
                 "--warmup-steps", "5",
                 "--seed",         std::to_string(tuning.seed),
                 "--threads",      "1",
                 "--save-every",   "1000",
                 "--progress",     "none"}};
}

void LabPlan::AddFineTuning(std::vector<Step>& steps) const {
  Step tuning{"fine-tuning the student on each", {}};
  Step evaluating{"evaluation in and out of domain", {}};
  std::vector<LabTuning> all = Tunings();
  for (const LabTuning& high : HighTunings()) all.push_back(high);
  for (const LabTuning& one : all) {
    for (const int count : CurveSteps(one.rate)) {
      const std::string name = Tuned(one, count);
      tuning.stages.push_back(Tune(one, count));
      evaluating.stages.push_back(Evaluate(name, In(name + ".gguf"), EvaluationQuestions(count)));
    }
  }
  steps.push_back(std::move(tuning));
  steps.push_back(std::move(evaluating));
}

}  // namespace tessy
