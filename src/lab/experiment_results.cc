#include "lab/experiment_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "judge/grading.h"
#include "lab/similarity.h"
#include "model/text/llama_vocabulary.h"
#include "store/append_file.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

Result<Graded> GradeOf(const std::string& responses, const std::string& questions_path) {
  const auto questions = ReadQuestions(questions_path);
  if (!questions) return tl::unexpected(questions.error());
  return GradeResponses(responses, questions_path, questions->questions, 1, "task");
}

Result<Json> Accuracy(const std::string& responses, const std::string& questions) {
  const auto graded = GradeOf(responses, questions);
  if (!graded) return tl::unexpected(graded.error());
  Json json = Json::object();
  for (const auto& [task, grade] : graded->groups) {
    json[task] = {{"pass_at_1", grade.pass_at_1}, {"low", grade.low}, {"high", grade.high}};
  }
  return json;
}

Result<Json> DataFigures(const std::string& path, const std::string& questions) {
  const auto graded = GradeOf(path, questions);
  if (!graded) return tl::unexpected(graded.error());
  const auto responses = ReadResponses(path);
  if (!responses) return tl::unexpected(responses.error());
  SampleStats sums;
  for (const Response& response : *responses) sums += response.stats;
  const auto count = static_cast<double>(std::max<size_t>(1, responses->size()));
  const auto thinking_tokens = static_cast<double>(sums.thinking_tokens());
  return Json{{"responses", responses->size()},
              {"right", graded->all.pass_at_1},
              {"thinking_tokens", thinking_tokens / count},
              {"switches", static_cast<double>(sums.switches) / count},
              {"teacher_share", static_cast<double>(sums.teacher_tokens) / std::max(1.0, thinking_tokens)}};
}

// By step: the loss that was minimised, and the losses by kind of token.
Result<Json> Losses(const std::string& tuned) {
  std::ifstream stream(tuned + ".gguf.run/metrics.jsonl");
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
  if (curve.empty()) return Fail(ErrorCode::kInvalidData, fmt::format("{}: has no metrics", tuned));
  return Json{{"mean", sum / static_cast<double>(curve.size())}, {"curve", std::move(curve)}};
}

Result<Json> Similarities(const LabPlan& plan) {
  const auto vocabulary = LoadVocabulary(plan.Model("student"));
  if (!vocabulary) return tl::unexpected(vocabulary.error());
  std::vector<TokenisedResponses> methods;
  Json names = Json::array();
  for (const LabDataSet& data : plan.data_sets()) {
    const auto responses = ReadResponses(plan.Data(data.name));
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

// The predictor's figures on traces that it was not trained on.
Result<Json> Predictor(const LabPlan& plan, const std::string& role) {
  const auto text = ReadWhole(plan.In("boundary-" + role + ".gguf.run/result.json"));
  if (!text) return tl::unexpected(text.error());
  const Json result = Json::parse(*text, nullptr, false);
  return result.is_object() && result.contains("validation") ? result["validation"] : Json::object();
}

Result<Json> TuningResults(const LabPlan& plan, const LabTuning& tuning) {
  Json run{{"seed", tuning.seed}, {"rate", tuning.rate}, {"code_by_step", Json::array()}};
  const int last = plan.size().steps.back();
  for (const int steps : plan.CurveSteps(tuning.rate)) {
    auto accuracy = Accuracy(plan.Evaluation(plan.Tuned(tuning, steps)), plan.EvaluationQuestions(steps));
    if (!accuracy) return accuracy;
    run["code_by_step"].push_back({{"step", steps}, {"pass_at_1", (*accuracy)["CODE"]["pass_at_1"]}});
    if (steps == last) run["accuracy"] = std::move(*accuracy);
  }
  auto losses = Losses(plan.In(plan.Tuned(tuning, last)));
  if (!losses) return losses;
  run["loss"] = std::move(*losses);
  return run;
}

Status AddModels(Json& results, const LabPlan& plan) {
  for (const std::string role : {"student", "teacher"}) {
    auto accuracy = Accuracy(plan.Evaluation(role), plan.In("evaluation.jsonl"));
    if (!accuracy) return tl::unexpected(accuracy.error());
    results[role] = std::move(*accuracy);
    auto predictor = Predictor(plan, role);
    if (!predictor) return tl::unexpected(predictor.error());
    results["predictors"][role] = std::move(*predictor);
  }
  return {};
}

Status AddMethods(Json& results, const LabPlan& plan) {
  results["methods"] = Json::array();
  const auto tunings = plan.Tunings();
  for (const LabDataSet& data : plan.data_sets()) {
    auto figures = DataFigures(plan.Data(data.name), plan.In("questions.jsonl"));
    if (!figures) return tl::unexpected(figures.error());
    Json method{{"name", data.name}, {"data", std::move(*figures)}, {"runs", Json::array()}};
    for (const LabTuning& tuning : tunings) {
      if (tuning.data != data.name) continue;
      auto run = TuningResults(plan, tuning);
      if (!run) return tl::unexpected(run.error());
      method["runs"].push_back(std::move(*run));
    }
    results["methods"].push_back(std::move(method));
  }
  results["high_rate"] = Json::array();
  for (const LabTuning& tuning : plan.HighTunings()) {
    auto run = TuningResults(plan, tuning);
    if (!run) return tl::unexpected(run.error());
    (*run)["name"] = tuning.data;
    results["high_rate"].push_back(std::move(*run));
  }
  return {};
}

}  // namespace

Result<std::string> CollectLabResults(const LabPlan& plan) {
  const LabOptions& options = plan.options();
  Json results{{"tessy_lab", 1},         {"quick", options.quick},     {"world_seed", options.world_seed},
               {"seeds", options.seeds}, {"steps", plan.size().steps}, {"rate", kLabRate}};
  if (auto status = AddModels(results, plan); !status) return tl::unexpected(status.error());
  if (auto status = AddMethods(results, plan); !status) return tl::unexpected(status.error());
  auto similarity = Similarities(plan);
  if (!similarity) return tl::unexpected(similarity.error());
  results["similarity"] = std::move(*similarity);
  return results.dump(1);
}

Result<std::vector<Response>> FirstLabTraces(const LabPlan& plan) {
  std::vector<Response> traces;
  for (const LabDataSet& data : plan.data_sets()) {
    auto reader = ResponseReader::Open(plan.Data(data.name));
    if (!reader) return tl::unexpected(reader.error());
    auto response = reader->Next();
    if (!response || !*response) continue;
    (*response)->method = data.name;
    traces.push_back(std::move(**response));
  }
  return traces;
}

}  // namespace tessy
