#include "cli/train_boundary.h"

#include <fmt/format.h>

#include "cli/train_session.h"
#include "dataset/annotation.h"
#include "job/identity.h"
#include "model/text/llama_vocabulary.h"
#include "train/boundary_examples.h"
#include "train/boundary_metrics.h"

namespace tessy {
namespace {

struct Data {
  std::vector<Example> training;
  std::vector<Example> validation;
  std::string about;  // in words
};

Result<std::vector<Annotation>> ReadAll(const std::vector<std::string>& paths) {
  std::vector<Annotation> windows;
  for (const std::string& path : paths) {
    auto read = ReadAnnotations(path);
    if (!read) return tl::unexpected(read.error());
    windows.insert(windows.end(), std::make_move_iterator(read->begin()),
                   std::make_move_iterator(read->end()));
  }
  if (windows.empty()) return Fail(ErrorCode::kInvalidData, "--annotations: there is not one window");
  return windows;
}

Result<Data> ReadData(const TrainBoundaryFlags& flags, const Vocabulary& vocabulary) {
  auto windows = ReadAll(flags.annotations);
  if (!windows) return tl::unexpected(windows.error());
  auto split = SplitByTrace(*windows, flags.validation, flags.seed);
  if (!split) return tl::unexpected(split.error());
  Data data;
  size_t cut_off = 0;
  for (auto [indices, examples] :
       {std::pair(&split->training, &data.training), std::pair(&split->validation, &data.validation)}) {
    for (const size_t i : *indices) {
      auto example = BoundaryExample((*windows)[i], vocabulary, flags.max_tokens);
      if (!example) return tl::unexpected(example.error());
      if (example->size() == flags.max_tokens) ++cut_off;
      examples->push_back(std::move(*example));
    }
  }
  data.about = fmt::format(
      "{} windows to train on, {} of other traces to judge by{}", data.training.size(),
      data.validation.size(),
      cut_off > 0 ? fmt::format("; {} reach --max-tokens {} and may be cut off", cut_off, flags.max_tokens)
                  : "");
  return data;
}

Judgement Judge(const Data& data, std::span<const Prediction> predictions, const std::string& select) {
  std::vector<std::vector<float>> p_style;
  for (const Prediction& prediction : predictions) p_style.push_back(prediction.p_style);
  const BoundaryMetrics metrics = Measure(data.validation, p_style);
  return {.score = select == "f1" ? metrics.all.f1() : metrics.all.accuracy(),
          .json = metrics.ToJson(),
          .text = metrics.Describe()};
}

}  // namespace

Result<int> RunTrainBoundary(const TrainBoundaryFlags& flags) {
  auto base = OpenCheckpoint(flags.base);
  if (!base) return tl::unexpected(base.error());
  auto vocabulary = LoadVocabulary(flags.base);
  if (!vocabulary) return tl::unexpected(vocabulary.error());
  auto configuration = DescribeSettings(flags);
  if (!configuration) return tl::unexpected(configuration.error());
  auto data = ReadData(flags, **vocabulary);
  if (!data) return tl::unexpected(data.error());

  TrainingJob job;
  job.base = base->get();
  job.training = data->training;
  job.validation = data->validation;
  job.trainer = TrainerOptionsOf(flags);
  job.trainer.classes = 2;
  job.judge = [&](std::span<const Prediction> predictions) {
    return Judge(*data, predictions, flags.select);
  };
  job.keep_last = flags.select == "last";
  job.out = flags.out;
  job.configuration_json = *configuration;
  job.fresh = flags.fresh;
  job.save_every = flags.save_every;
  job.file = {.tokenizer_from = flags.base,
              .name = FileName(flags.out),
              .type = WeightTypeOf(flags),
              .metadata = {{"tessy.training.kind", "boundary"}, {"tessy.training.settings", *configuration}}};
  return RunJob(std::move(job), flags, data->about);
}

}  // namespace tessy
