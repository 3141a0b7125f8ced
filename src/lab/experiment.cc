#include "lab/experiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/machine.h"
#include "base/shipped_files.h"
#include "lab/experiment_results.h"
#include "lab/report.h"
#include "store/append_file.h"

namespace tessy {
namespace {

Status FindModels(LabOptions& options) {
  if (options.quick && options.models.empty()) {
    auto shipped = ShippedFile("lab/models");
    if (!shipped) return tl::unexpected(shipped.error());
    options.models = *shipped;
  }
  if (options.models.empty()) return {};
  for (const char* role : {"student", "teacher"}) {
    const std::string path = options.models + "/" + role + ".gguf";
    if (std::filesystem::exists(path)) continue;
    return Fail(
        ErrorCode::kNotFound,
        fmt::format("{}: no such model; --models names a folder with student.gguf and teacher.gguf", path));
  }
  return {};
}

}  // namespace

Result<LabOutcome> RunLabExperiment(LabOptions options,
                                    const std::function<void(const StagesBegun&)>& begun) {
  if (auto status = FindModels(options); !status) return tl::unexpected(status.error());
  if (options.jobs == 0) options.jobs = std::max(1, ProcessorsAvailable());
  auto stages = Stages::Open({.folder = options.out, .jobs = options.jobs, .begun = begun});
  if (!stages) return tl::unexpected(stages.error());
  const LabPlan plan(std::move(options));
  if (auto status = WriteWhole(plan.In("reference-prompt.txt"), "{question} hint{answer}\n"); !status)
    return tl::unexpected(status.error());
  for (const LabPlan::Step& step : plan.Steps()) {
    if (auto status = stages->Run(step.title, step.stages); !status) return tl::unexpected(status.error());
  }
  const auto results = CollectLabResults(plan);
  if (!results) return tl::unexpected(results.error());
  const auto traces = FirstLabTraces(plan);
  if (!traces) return tl::unexpected(traces.error());
  LabOutcome outcome{.table = RenderLabTable(*results),
                     .report_path = plan.In("report.html"),
                     .results_path = plan.In("results.json")};
  if (auto status = WriteWhole(outcome.results_path, *results + "\n"); !status)
    return tl::unexpected(status.error());
  if (auto status = WriteWhole(outcome.report_path, RenderLabReport(*results, *traces)); !status)
    return tl::unexpected(status.error());
  return outcome;
}

}  // namespace tessy
