#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "job/stages.h"

namespace tessy {

struct LabOptions {
  std::string out = "lab-run";  // folder
  std::string models = {};      // a folder of student.gguf and teacher.gguf; empty: both are pretrained
  int seeds = 1;                // fine-tunings of each kind
  bool quick = false;           // from the shipped models, three methods, fewer problems and steps
  uint64_t world_seed = 1;      // of corpora, problems and new models
  int jobs = 0;                 // processes at a time; 0: one for each core
};

// The sizes of the experiment. They were found by trial: they bring both models near their best, and larger
// ones do not help.
struct LabSize {
  uint64_t student_corpus = 80000;  // responses: 2,500 steps of 32
  uint64_t teacher_corpus = 64000;  // 2,000 steps
  uint64_t questions = 600;         // drawn; nearly all of them are chosen
  uint64_t evaluation = 400;        // problems of each task
  std::vector<int> steps{20, 40, 80, 160};
  bool high_rate = true;  // the curves at kLabHighRate
};

inline constexpr double kLabRate = 1e-4;
inline constexpr double kLabHighRate = 3e-4;

// The data of one row of the table.
struct LabDataSet {
  std::string name;
  std::vector<std::string> synth;  // the arguments of `tessy synth` that no other row has
};

// One fine-tuning of the student.
struct LabTuning {
  std::string data;  // the name of a LabDataSet
  int seed = 0;
  double rate = kLabRate;
};

// The experiment as a list of commands of this program, and where each of them puts its files. Immutable;
// nothing here touches a file.
class LabPlan {
 public:
  explicit LabPlan(LabOptions options);

  // Stages that may run beside each other.
  struct Step {
    std::string title;
    std::vector<Stage> stages;
  };
  // In the order in which they must run. The file reference-prompt.txt must be there before the first one.
  std::vector<Step> Steps() const;

  const LabOptions& options() const { return options_; }
  const LabSize& size() const { return size_; }
  const std::vector<LabDataSet>& data_sets() const { return data_sets_; }
  std::vector<LabTuning> Tunings() const;      // those of the table
  std::vector<LabTuning> HighTunings() const;  // those of the curves at kLabHighRate
  // Each tuning is run anew for every one of these numbers of steps; the last is that of size().steps.
  std::vector<int> CurveSteps(double rate) const;

  std::string In(const std::string& name) const { return options_.out + "/" + name; }
  std::string Model(const std::string& role) const;            // "student", "teacher"
  std::string Data(const std::string& data_set) const;         // its responses
  std::string TrainingSet(const std::string& data_set) const;  // the folder of its rows for a trainer
  std::string Tuned(const LabTuning&, int steps) const;        // the name of its stage
  std::string Evaluation(const std::string& name) const { return In("eval-" + name + ".jsonl"); }
  // The questions that a model tuned for so many steps is asked: all tasks, or CODE alone.
  std::string EvaluationQuestions(int steps) const;

 private:
  using Words = std::vector<std::string>;

  Step World() const;
  Step Selection() const;
  void AddPretraining(std::vector<Step>& steps) const;
  void AddPredictors(std::vector<Step>& steps) const;
  Step Synthesis() const;
  Step Export() const;
  void AddFineTuning(std::vector<Step>& steps) const;
  Stage Pretrain(const std::string& role) const;
  Stage Tune(const LabTuning& tuning, int steps) const;
  Stage Evaluate(const std::string& name, const std::string& model, const std::string& questions) const;

  LabOptions options_;
  LabSize size_;
  std::vector<LabDataSet> data_sets_;
};

}  // namespace tessy
