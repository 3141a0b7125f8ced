#include "lab/experiment_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace tessy {
namespace {

using testing::ElementsAre;

std::vector<Stage> AllStages(const LabPlan& plan) {
  std::vector<Stage> all;
  for (const LabPlan::Step& step : plan.Steps())
    all.insert(all.end(), step.stages.begin(), step.stages.end());
  return all;
}

// The argument after this flag; empty if the stage does not have it.
std::string ArgumentOf(const Stage& stage, const std::string& flag) {
  const auto found = std::ranges::find(stage.arguments, flag);
  return found == stage.arguments.end() ? "" : *std::next(found);
}

TEST(LabPlan, StagesAndTheirFilesHaveNamesOfTheirOwn) {
  const auto stages = AllStages(LabPlan({.seeds = 2}));
  std::set<std::string> names;
  std::set<std::string> files;
  for (const Stage& stage : stages) {
    names.insert(stage.name);
    files.insert(ArgumentOf(stage, "--out"));
  }
  EXPECT_EQ(names.size(), stages.size());
  EXPECT_EQ(files.size(), stages.size());
}

// A stage reads what an earlier step has written, never what one beside it writes.
TEST(LabPlan, EveryFileIsWrittenBeforeItIsRead) {
  for (const bool quick : {false, true}) {
    const LabPlan plan({.out = "lab", .models = quick ? "models" : "", .quick = quick});
    std::set<std::string> written{"lab/reference-prompt.txt"};
    for (const LabPlan::Step& step : plan.Steps()) {
      std::set<std::string> outputs;
      for (const Stage& stage : step.stages) {
        const std::string out = ArgumentOf(stage, "--out");
        for (std::string word : stage.arguments) {
          if (word.starts_with("phrases:")) word = word.substr(8);
          if (!word.starts_with("lab/") || word == out) continue;
          // Of a folder that a stage writes, another one reads a file.
          const std::string folder = word.substr(0, word.rfind('/'));
          EXPECT_TRUE(written.contains(word) || written.contains(folder)) << stage.name << " reads " << word;
        }
        outputs.insert(out);
      }
      written.insert(outputs.begin(), outputs.end());
    }
  }
}

TEST(LabPlan, ResultsAreReadWhereStagesPutThem) {
  const LabPlan plan({.out = "lab", .seeds = 2});
  std::set<std::string> files;
  for (const Stage& stage : AllStages(plan)) files.insert(ArgumentOf(stage, "--out"));
  for (const LabDataSet& data : plan.data_sets()) EXPECT_TRUE(files.contains(plan.Data(data.name)));
  std::vector<LabTuning> tunings = plan.Tunings();
  EXPECT_EQ(tunings.size(), 2 * plan.data_sets().size());
  for (const LabTuning& high : plan.HighTunings()) tunings.push_back(high);
  for (const LabTuning& tuning : tunings) {
    for (const int steps : plan.CurveSteps(tuning.rate)) {
      EXPECT_TRUE(files.contains(plan.In(plan.Tuned(tuning, steps) + ".gguf")));
      EXPECT_TRUE(files.contains(plan.Evaluation(plan.Tuned(tuning, steps))));
    }
    EXPECT_EQ(plan.CurveSteps(tuning.rate).back(), plan.size().steps.back());
  }
}

// The lab's own data take the way of a user's: its questions are chosen, its training sets exported.
TEST(LabPlan, StudentsAreTunedOnWhatWasExportedOfChosenQuestions) {
  const LabPlan plan({.out = "lab"});
  std::map<std::string, std::string> exported;  // the folder, by the responses
  for (const Stage& stage : AllStages(plan)) {
    const std::string& command = stage.arguments.front();
    if (command == "select") {
      EXPECT_EQ(ArgumentOf(stage, "--out"), "lab/questions.jsonl");
      EXPECT_THAT(stage.arguments, testing::Contains("--fresh"));
    } else if (command == "synth") {
      EXPECT_EQ(ArgumentOf(stage, "--questions"), "lab/questions.jsonl");
    } else if (command == "export") {
      exported[stage.arguments[1]] = ArgumentOf(stage, "--out");
      // An export that was killed at its end goes on with the same command.
      EXPECT_EQ(stage.set_aside, ArgumentOf(stage, "--out"));
    }
  }
  EXPECT_EQ(exported.size(), plan.data_sets().size());
  std::set<std::string> tuned;
  for (const Stage& stage : AllStages(plan)) {
    if (stage.name.starts_with("tuned-")) tuned.insert(ArgumentOf(stage, "--responses"));
  }
  std::set<std::string> sets;
  for (const LabDataSet& data : plan.data_sets()) {
    EXPECT_EQ(exported[plan.Data(data.name)], plan.TrainingSet(data.name));
    sets.insert(plan.TrainingSet(data.name) + "/train.jsonl");
  }
  EXPECT_EQ(tuned, sets);
}

TEST(LabPlan, TheQuickFormTakesModelsThatAreThereAndThreeMethods) {
  const LabPlan plan({.models = "models", .quick = true});
  EXPECT_EQ(plan.Model("student"), "models/student.gguf");
  for (const Stage& stage : AllStages(plan)) EXPECT_FALSE(stage.name.starts_with("pretrain")) << stage.name;
  std::vector<std::string> names;
  for (const LabDataSet& data : plan.data_sets()) names.push_back(data.name);
  EXPECT_THAT(names, ElementsAre("tessy", "teacher-only", "student-only"));
  EXPECT_TRUE(plan.HighTunings().empty());
}

}  // namespace
}  // namespace tessy
