#include "cli/lab_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/numbers.h"
#include "base/shipped_files.h"
#include "cli/exit_status.h"
#include "cli/validators.h"
#include "dataset/grading.h"
#include "dataset/response.h"
#include "job/stages.h"
#include "lab/report.h"
#include "lab/similarity.h"
#include "lab/world.h"
#include "model/text/llama_vocabulary.h"
#include "report/response_page.h"
#include "store/append_file.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

struct LabFlags {
  std::string out = "lab-run";
  std::string models;  // a folder of student.gguf and teacher.gguf; empty: pretrained here
  int seeds = 1;
  bool quick = false;
  uint64_t world_seed = 1;
  int jobs = 0;
  std::vector<std::string> methods;
};

// How much of everything (by trial: what brings both models near their best, and no more).
struct LabSize {
  uint64_t student_corpus = 80000;  // responses: 2,500 steps of 32
  uint64_t teacher_corpus = 64000;  // 2,000 steps
  uint64_t questions = 600;
  uint64_t evaluation = 400;  // problems of a task
  std::vector<int> steps{20, 40, 80, 160};
  bool high_rate = true;  // the curve at 3e-4
};

LabSize SizeOf(const LabFlags& flags) {
  LabSize size;
  if (!flags.quick) return size;
  size.evaluation = 200;
  size.steps = {40, 160};
  size.high_rate = false;
  return size;
}

struct DataSet {
  std::string name;  // of the table's row
  Words synth;       // method and what else is its own
};

std::vector<DataSet> DataSets(const LabFlags& flags) {
  std::vector<DataSet> all{{"tessy", {"--method", "tessy"}},
                           {"teacher-only", {"--method", "teacher-only"}},
                           {"student-only", {"--method", "student-only"}},
                           {"teacher-think", {"--method", "teacher-think"}},
                           {"teacher-mix", {"--method", "teacher-mix"}},
                           {"teacher-answer", {"--method", "teacher-answer"}},
                           {"teacher-score", {"--method", "teacher-score"}},
                           {"teacher-reference", {"--method", "teacher-reference"}},
                           {"tessy, teacher answers", {"--method", "tessy", "--answer-by", "teacher"}}};
  if (flags.quick) all.resize(3);
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

class Lab {
 public:
  Lab(LabFlags flags, Stages stages)
      : flags_(std::move(flags)),
        size_(SizeOf(flags_)),
        data_(DataSets(flags_)),
        stages_(std::move(stages)) {}

  Status Run();

 private:
  std::string In(const std::string& name) const { return flags_.out + "/" + name; }
  std::string Model(const std::string& role) const {
    return flags_.models.empty() ? In(role + ".gguf") : flags_.models + "/" + role + ".gguf";
  }
  Stage Make(std::string name, Words arguments) const { return {std::move(name), std::move(arguments)}; }
  static void Add(Words& words, const Words& more) { words.insert(words.end(), more.begin(), more.end()); }

  Status WriteWorld();
  Status Pretrain();
  Status TrainPredictors();
  Status Synthesise();
  Status FineTune();
  Stage Tune(const std::string& data, int seed, int steps, double rate) const;
  Stage Evaluate(const std::string& name, const std::string& model, const std::string& questions) const;
  std::string Tuned(const std::string& data, int seed, int steps, double rate) const;
  std::vector<int> CurveSteps(double rate) const;

  Result<Json> Collect() const;
  Result<Json> Accuracy(const std::string& evaluation, const std::string& questions) const;
  Result<Json> DataFigures(const std::string& name) const;
  Result<Json> Losses(const std::string& tuned) const;
  Result<Json> Similarities() const;
  Result<Json> Predictor(const std::string& role) const;

  LabFlags flags_;
  LabSize size_;
  std::vector<DataSet> data_;
  Stages stages_;
};

constexpr double kRate = 1e-4;
constexpr double kHighRate = 3e-4;

// ---- The stages.

Status Lab::WriteWorld() {
  std::vector<Stage> stages;
  const std::string seed = std::to_string(flags_.world_seed);
  const std::string questions_seed = std::to_string(100 + flags_.world_seed);
  const std::string evaluation_seed = std::to_string(200 + flags_.world_seed);
  // Whoever writes it: a teacher that takes up the student's style has written style.
  stages.push_back(Make("phrases", {"lab", "phrases", "--role", "both", "--out", In("phrases.txt")}));
  for (const std::string role : {"student", "teacher"}) {
    if (!flags_.models.empty()) continue;
    const uint64_t count = role == "student" ? size_.student_corpus : size_.teacher_corpus;
    stages.push_back(
        Make("corpus-" + role, {"lab", "corpus", "--role", role, "--count", std::to_string(count), "--seed",
                                seed, "--out", In("corpus-" + role + ".jsonl")}));
  }
  stages.push_back(
      Make("questions", {"lab", "questions", "--task", "CODE", "--count", std::to_string(size_.questions),
                         "--seed", questions_seed, "--steps", "0", "--out", In("questions.jsonl")}));
  const auto evaluation = [&](const std::string& name, const Words& tasks) {
    Words words{"lab",    "questions",     "--count", std::to_string(size_.evaluation),
                "--seed", evaluation_seed, "--out",   In(name)};
    for (const std::string& task : tasks) Add(words, {"--task", task});
    stages.push_back(Make(name, words));
  };
  evaluation("evaluation.jsonl", {"CODE", "ADD", "MAX", "REV"});
  evaluation("evaluation-code.jsonl", {"CODE"});
  return stages_.Run("the world: corpora and questions", stages);
}

Status Lab::Pretrain() {
  if (!flags_.models.empty()) return {};
  const std::string seed = std::to_string(flags_.world_seed);
  const Words student{"--vocabulary",   "416", "--width",      "64", "--layers", "3",
                      "--feed-forward", "192", "--head-width", "16"};
  const Words teacher{"--vocabulary",   "448", "--width",      "96", "--layers", "3",
                      "--feed-forward", "256", "--head-width", "24"};
  std::vector<Stage> models;
  std::vector<Stage> training;
  for (const std::string role : {"teacher", "student"}) {
    Words words{"lab",    "model", "--text", In("corpus-" + role + ".jsonl"),
                "--seed", seed,    "--out",  In("new-" + role + ".gguf")};
    Add(words, role == "student" ? student : teacher);
    models.push_back(Make("new-" + role, words));
    training.push_back(Make("pretrain-" + role, {"train",          "sft",
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
                                                 "--progress",     "none"}));
  }
  if (auto status = stages_.Run("vocabularies and models that have learnt nothing", models); !status)
    return status;
  return stages_.Run("pretraining", training);
}

Stage Lab::Evaluate(const std::string& name, const std::string& model, const std::string& questions) const {
  return Make("eval-" + name, {"eval", "--model", model, "--questions", In(questions), "--out",
                               In("eval-" + name + ".jsonl"), "--temperature", "0.6", "--max-thinking-tokens",
                               "220", "--max-answer-tokens", "24", "--progress", "none"});
}

Status Lab::TrainPredictors() {
  std::vector<Stage> sampling;
  std::vector<Stage> annotating;
  std::vector<Stage> training;
  for (const std::string role : {"student", "teacher"}) {
    sampling.push_back(Make("sample-" + role, {"synth", "--questions", In("questions.jsonl"), "--" + role,
                                               Model(role), "--method", role + "-only", "--temperature",
                                               "0.95", "--top-p", "1", "--top-k", "0", "--seed", "7", "--out",
                                               In("sample-" + role + ".jsonl"), "--progress", "none"}));
    annotating.push_back(
        Make("annotate-" + role, {"annotate", "--responses", In("sample-" + role + ".jsonl"), "--annotator",
                                  "phrases:" + In("phrases.txt"), "--windows-per-response", "3", "--out",
                                  In("style-" + role + ".jsonl"), "--progress", "none"}));
    training.push_back(Make(
        "boundary-" + role,
        {"train", "boundary", "--annotations", In("style-" + role + ".jsonl"), "--base", Model(role), "--lr",
         "1e-3", "--threads", "1", "--out", In("boundary-" + role + ".gguf"), "--progress", "none"}));
  }
  sampling.push_back(Evaluate("student", Model("student"), "evaluation.jsonl"));
  sampling.push_back(Evaluate("teacher", Model("teacher"), "evaluation.jsonl"));
  if (auto status = stages_.Run("samples of both, and how good they are", sampling); !status) return status;
  if (auto status = stages_.Run("annotating style", annotating); !status) return status;
  return stages_.Run("training boundary predictors", training);
}

Status Lab::Synthesise() {
  if (auto status = WriteWhole(In("reference-prompt.txt"), "{question} hint{answer}\n"); !status)
    return status;
  std::vector<Stage> stages;
  for (const DataSet& data : data_) {
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
                In("data-" + FileOf(data.name) + ".jsonl"),
                "--progress",
                "none"};
    Add(words, data.synth);
    stages.push_back(Make("synth-" + FileOf(data.name), words));
  }
  return stages_.Run("synthesis by every method", stages);
}

std::string Lab::Tuned(const std::string& data, int seed, int steps, double rate) const {
  return fmt::format("tuned-{}-{}-{}{}", FileOf(data), seed, steps, rate == kRate ? "" : "-high");
}

Stage Lab::Tune(const std::string& data, int seed, int steps, double rate) const {
  const std::string name = Tuned(data, seed, steps, rate);
  return Make(name, {"train",          "sft",
                     "--student",      Model("student"),
                     "--responses",    In("data-" + FileOf(data) + ".jsonl"),
                     "--out",          In(name + ".gguf"),
                     "--epochs",       "100",
                     "--steps",        std::to_string(steps),
                     "--batch-size",   "16",
                     "--lr",           fmt::format("{}", rate),
                     "--schedule",     "constant",
                     "--warmup-steps", "5",
                     "--seed",         std::to_string(seed),
                     "--threads",      "1",
                     "--save-every",   "1000",
                     "--progress",     "none"});
}

std::vector<int> Lab::CurveSteps(double rate) const {
  return rate == kRate || size_.steps.empty() ? size_.steps : std::vector<int>{10, 20, 40, 80, 160};
}

Status Lab::FineTune() {
  std::vector<Stage> tuning;
  std::vector<Stage> evaluating;
  const auto add = [&](const std::string& data, int seed, double rate) {
    for (const int steps : CurveSteps(rate)) {
      const std::string name = Tuned(data, seed, steps, rate);
      tuning.push_back(Tune(data, seed, steps, rate));
      const bool last = steps == size_.steps.back();
      evaluating.push_back(
          Evaluate(name, In(name + ".gguf"), last ? "evaluation.jsonl" : "evaluation-code.jsonl"));
    }
  };
  for (const DataSet& data : data_) {
    for (int seed = 0; seed < flags_.seeds; ++seed) add(data.name, seed, kRate);
  }
  if (size_.high_rate) {
    add("tessy", 0, kHighRate);
    add("teacher-only", 0, kHighRate);
  }
  if (auto status = stages_.Run("fine-tuning the student on each", tuning); !status) return status;
  return stages_.Run("evaluation in and out of domain", evaluating);
}

// ---- What came of it.

Result<Json> Lab::Accuracy(const std::string& evaluation, const std::string& questions_name) const {
  const auto questions = ReadQuestions(In(questions_name));
  if (!questions) return tl::unexpected(questions.error());
  const auto graded = GradeResponses(In("eval-" + evaluation + ".jsonl"), In(questions_name),
                                     questions->questions, 1, "task");
  if (!graded) return tl::unexpected(graded.error());
  Json json = Json::object();
  for (const auto& [task, grade] : graded->groups) {
    json[task] = {{"pass_at_1", grade.pass_at_1}, {"low", grade.low}, {"high", grade.high}};
  }
  return json;
}

Result<Json> Lab::DataFigures(const std::string& name) const {
  const std::string path = In("data-" + FileOf(name) + ".jsonl");
  const auto questions = ReadQuestions(In("questions.jsonl"));
  if (!questions) return tl::unexpected(questions.error());
  const auto graded = GradeResponses(path, In("questions.jsonl"), questions->questions, 1, "task");
  if (!graded) return tl::unexpected(graded.error());
  const auto responses = ReadResponses(path);
  if (!responses) return tl::unexpected(responses.error());
  ResponseStats sum;
  for (const Response& response : *responses) {
    sum.thinking_tokens += response.stats.thinking_tokens;
    sum.teacher_tokens += response.stats.teacher_tokens;
    sum.answer_tokens += response.stats.answer_tokens;
    sum.switches += response.stats.switches;
  }
  const auto count = static_cast<double>(std::max<size_t>(1, responses->size()));
  return Json{{"responses", responses->size()},
              {"right", graded->all.pass_at_1},
              {"thinking_tokens", static_cast<double>(sum.thinking_tokens) / count},
              {"switches", static_cast<double>(sum.switches) / count},
              {"teacher_share", static_cast<double>(sum.teacher_tokens) /
                                    static_cast<double>(std::max<uint64_t>(1, sum.thinking_tokens))}};
}

// By step: the loss that was minimised, and by kind of token.
Result<Json> Lab::Losses(const std::string& tuned) const {
  std::ifstream stream(In(tuned + ".gguf.run/metrics.jsonl"));
  Json curve = Json::array();
  double sum = 0.0;
  for (std::string line; std::getline(stream, line);) {
    const Json record = Json::parse(line, nullptr, false);
    if (!record.is_object() || !record.contains("rate")) continue;
    sum += record.value("loss", 0.0);
    Json point{{"step", record["step"]}, {"loss", record["loss"]}};
    for (const auto& [kind, loss] : record["losses"].items()) point[kind] = loss;
    curve.push_back(std::move(point));
  }
  if (curve.empty()) return Fail(ErrorCode::kInvalidData, fmt::format("{}: has no metrics", In(tuned)));
  return Json{{"mean", sum / static_cast<double>(curve.size())}, {"curve", std::move(curve)}};
}

Result<Json> Lab::Similarities() const {
  const auto vocabulary = LoadVocabulary(Model("student"));
  if (!vocabulary) return tl::unexpected(vocabulary.error());
  std::vector<TokenisedResponses> methods;
  Json names = Json::array();
  for (const DataSet& data : data_) {
    const auto responses = ReadResponses(In("data-" + FileOf(data.name) + ".jsonl"));
    if (!responses) return tl::unexpected(responses.error());
    TokenisedResponses tokenised;
    for (const Response& response : *responses) {
      tokenised[response.question_id] = (*vocabulary)->Tokenize(response.messages.back().content);
    }
    methods.push_back(std::move(tokenised));
    names.push_back(data.name);
  }
  return Json{{"methods", names}, {"matrix", SimilarityMatrix(methods)}};
}

Result<Json> Lab::Predictor(const std::string& role) const {
  const auto text = ReadWhole(In("boundary-" + role + ".gguf.run/result.json"));
  if (!text) return tl::unexpected(text.error());
  const Json result = Json::parse(*text, nullptr, false);
  return result.is_object() && result.contains("validation") ? result["validation"] : Json::object();
}

Result<Json> Lab::Collect() const {
  Json results{{"tessy_lab", 1},        {"quick", flags_.quick}, {"world_seed", flags_.world_seed},
               {"seeds", flags_.seeds}, {"steps", size_.steps},  {"rate", kRate}};
  for (const std::string role : {"student", "teacher"}) {
    auto accuracy = Accuracy(role, "evaluation.jsonl");
    if (!accuracy) return accuracy;
    results[role] = std::move(*accuracy);
    auto predictor = Predictor(role);
    if (!predictor) return predictor;
    results["predictors"][role] = std::move(*predictor);
  }
  const auto run_of = [&](const std::string& data, int seed, double rate) -> Result<Json> {
    Json run{{"seed", seed}, {"rate", rate}, {"code_by_step", Json::array()}};
    for (const int steps : CurveSteps(rate)) {
      const std::string name = Tuned(data, seed, steps, rate);
      const bool last = steps == size_.steps.back();
      auto accuracy = Accuracy(name, last ? "evaluation.jsonl" : "evaluation-code.jsonl");
      if (!accuracy) return accuracy;
      run["code_by_step"].push_back({{"step", steps}, {"pass_at_1", (*accuracy)["CODE"]["pass_at_1"]}});
      if (last) run["accuracy"] = std::move(*accuracy);
    }
    auto losses = Losses(Tuned(data, seed, size_.steps.back(), rate));
    if (!losses) return losses;
    run["loss"] = std::move(*losses);
    return run;
  };
  results["methods"] = Json::array();
  for (const DataSet& data : data_) {
    auto figures = DataFigures(data.name);
    if (!figures) return figures;
    Json method{{"name", data.name}, {"data", std::move(*figures)}, {"runs", Json::array()}};
    for (int seed = 0; seed < flags_.seeds; ++seed) {
      auto run = run_of(data.name, seed, kRate);
      if (!run) return run;
      method["runs"].push_back(std::move(*run));
    }
    results["methods"].push_back(std::move(method));
  }
  results["high_rate"] = Json::array();
  if (size_.high_rate) {
    for (const char* data : {"tessy", "teacher-only"}) {
      auto run = run_of(data, 0, kHighRate);
      if (!run) return run;
      (*run)["name"] = data;
      results["high_rate"].push_back(std::move(*run));
    }
  }
  auto similarity = Similarities();
  if (!similarity) return similarity;
  results["similarity"] = std::move(*similarity);
  return results;
}

Status Lab::Run() {
  for (const auto stage :
       {&Lab::WriteWorld, &Lab::Pretrain, &Lab::TrainPredictors, &Lab::Synthesise, &Lab::FineTune}) {
    if (auto status = (this->*stage)(); !status) return status;
  }
  const auto results = Collect();
  if (!results) return tl::unexpected(results.error());
  if (auto status = WriteWhole(In("results.json"), results->dump(1) + "\n"); !status) return status;
  std::vector<Response> traces;
  for (const DataSet& data : data_) {
    auto reader = ResponseReader::Open(In("data-" + FileOf(data.name) + ".jsonl"));
    if (!reader) return tl::unexpected(reader.error());
    auto response = reader->Next();
    if (response && *response) {
      (*response)->method = data.name;
      traces.push_back(std::move(**response));
    }
  }
  if (auto status = WriteWhole(In("report.html"), RenderLabReport(results->dump(), traces)); !status)
    return status;
  return WriteOutput(RenderLabTable(results->dump()) +
                     fmt::format("\n{}, {}\n", In("report.html"), In("results.json")));
}

Result<int> RunLab(LabFlags flags) {
  if (flags.quick && flags.models.empty()) {
    auto shipped = ShippedFile("lab/models");
    if (!shipped) return tl::unexpected(shipped.error());
    flags.models = *shipped;
  }
  if (flags.jobs == 0) flags.jobs = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  for (const char* role : {"student", "teacher"}) {
    const std::string path = flags.models + "/" + role + ".gguf";
    if (!flags.models.empty() && !fs::exists(path)) {
      return Fail(
          ErrorCode::kNotFound,
          fmt::format("{}: no such model; --models names a folder with student.gguf and teacher.gguf", path));
    }
  }
  auto stages = Stages::Open({.folder = flags.out, .jobs = flags.jobs, .begun = [](const StagesBegun& begun) {
                                Say(fmt::format("[{:>6}] {} ({})\n", Duration(begun.seconds), begun.title,
                                                Counted(begun.commands, "command")));
                              }});
  if (!stages) return tl::unexpected(stages.error());
  const auto status = Lab(flags, std::move(*stages)).Run();
  if (status) return kExitDone;
  if (status.error().code != ErrorCode::kCancelled) return tl::unexpected(status.error());
  fmt::print(stderr, "{}: {}\n", flags.out, status.error().message);
  return kExitInterrupted;
}

}  // namespace

void AddLabRunCommand(CLI::App& lab, CommandContext& context) {
  CLI::App* command = lab.add_subcommand("run", "the whole experiment: a table, and a page to look at");
  auto flags = std::make_shared<LabFlags>();
  command->add_option("--out", flags->out, "folder; the same command goes on in it")
      ->type_name("DIR")
      ->capture_default_str();
  command->add_option("--seeds", flags->seeds, "fine-tunings of each kind")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_flag("--quick", flags->quick,
                    "from the shipped pair, three methods, fewer problems and steps");
  command->add_option("--models", flags->models, "folder of a student.gguf and a teacher.gguf to start from")
      ->type_name("DIR");
  command->add_option("--world-seed", flags->world_seed, "of corpora, problems and new models")
      ->check(WholeNumber())
      ->capture_default_str();
  command->add_option("--jobs", flags->jobs, "commands at a time (default: cores)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command->footer(
      "Every stage is a command of this program; DIR/done has them as they were run, DIR/logs what they "
      "said.\n\n"
      "Example:\n  tessy lab run --seeds 2 --out lab-run\n\n"
      "Exit status: 0 done; 1 usage, configuration, or a stage that failed; 3 interrupted, resumable.");
  command->callback([flags, &context] {
    auto status = RunLab(*flags);
    if (!status) return Finish(context, tl::unexpected(status.error()));
    context.exit_status = *status;
  });
}

}  // namespace tessy
