#include "job/train_job.h"

#include <fmt/format.h>

#include <functional>
#include <span>
#include <utility>

#include "base/machine.h"
#include "job/identity.h"
#include "job/output_check.h"
#include "job/settings_record.h"
#include "job/stop_request.h"
#include "job/train_data.h"
#include "model/text/chat_format.h"
#include "model/text/gguf_file.h"
#include "model/text/llama_vocabulary.h"
#include "train/boundary_metrics.h"
#include "weights/checkpoint.h"

namespace tessy {
namespace {

TrainerOptions TrainerOptionsOf(const TrainOptions& o) {
  TrainerOptions options;
  options.epochs = o.epochs;
  options.batch = o.batch_size;
  options.micro_tokens = o.micro_tokens;
  options.rate = o.rate;
  options.rate_floor = o.rate_floor;
  options.beta2 = o.beta2;
  options.warmup_steps = o.warmup_steps;
  options.cosine = o.schedule == "cosine";
  options.weight_decay = o.weight_decay;
  options.clip = o.clip;
  options.steps_max = o.steps;
  options.seed = o.seed;
  options.device = o.device;
  const bool accelerated = o.device != "cpu";
  options.precision =
      o.precision == "bf16" || (o.precision == "auto" && accelerated) ? Precision::kBF16 : Precision::kF32;
  options.threads = o.threads;
  if (o.lora_rank > 0) options.lora = {.rank = o.lora_rank, .alpha = o.lora_alpha, .targets = o.lora_targets};
  return options;
}

WeightType WeightTypeOf(const TrainOptions& o) {
  return o.type == "f16" ? WeightType::kF16 : o.type == "bf16" ? WeightType::kBF16 : WeightType::kF32;
}

// All but the kind's own. `data` must outlive the training.
template <class Options>
TrainingJob JobOf(const Options& options, const std::string& base, const std::string& kind,
                  const std::string& record, const TrainingData& data) {
  TrainingJob job;
  job.training = data.training;
  job.validation = data.validation;
  job.trainer = TrainerOptionsOf(options);
  job.out = options.out;
  job.configuration_json = record;
  job.as_recorded_now = [options, record](const std::string& recorded) {
    return AsRecordedNow(options, recorded, record);
  };
  Options copy = options;
  job.unset = UnsetTextsOf(TrainSettings(copy));
  job.fresh = options.fresh;
  job.save_every = options.save_every;
  job.file = {.tokenizer_from = base,
              .name = FileName(options.out),
              .type = WeightTypeOf(options),
              .metadata = {{"tessy.training.kind", kind}, {"tessy.training.settings", record}}};
  return job;
}

template <class Options>
Status CheckOutputsOf(Options options) {
  return CheckOutputs(TrainSettings(options));
}

Judgement Judge(const TrainingData& data, std::span<const Prediction> predictions,
                const std::string& select) {
  std::vector<std::vector<float>> p_style;
  for (const Prediction& prediction : predictions) p_style.push_back(prediction.p_style);
  const BoundaryMetrics metrics = Measure(data.validation, p_style);
  return {.score = select == "f1" ? metrics.all.f1() : metrics.all.accuracy(),
          .json = metrics.ToJson(),
          .text = metrics.Describe()};
}

}  // namespace

TrainJob::TrainJob(TrainBoundaryOptions options, TrainEvents events, TrainStop stop)
    : options_(std::move(options)), events_(std::move(events)), stop_(std::move(stop)) {}

TrainJob::TrainJob(TrainSftOptions options, TrainEvents events, TrainStop stop)
    : options_(std::move(options)), events_(std::move(events)), stop_(std::move(stop)) {}

Result<TrainingOutcome> TrainJob::Run() {
  if (const auto* boundary = std::get_if<TrainBoundaryOptions>(&options_)) return TrainBoundary(*boundary);
  return TrainSft(std::get<TrainSftOptions>(options_));
}

Result<TrainingOutcome> TrainJob::TrainBoundary(const TrainBoundaryOptions& options) const {
  if (auto status = CheckOptions(options); !status) return tl::unexpected(status.error());
  if (auto status = CheckOutputsOf(options); !status) return tl::unexpected(status.error());
  auto base = OpenCheckpoint(options.base);
  if (!base) return tl::unexpected(base.error());
  auto vocabulary = LoadVocabulary(options.base);
  if (!vocabulary) return tl::unexpected(vocabulary.error());
  auto record = RecordOf(options);
  if (!record) return tl::unexpected(record.error());
  auto data = ReadBoundaryData(options, **vocabulary);
  if (!data) return tl::unexpected(data.error());
  TrainingJob job = JobOf(options, options.base, "boundary", *record, *data);
  job.base = base->get();
  job.trainer.classes = 2;
  job.judge = [&](std::span<const Prediction> predictions) {
    return Judge(*data, predictions, options.select);
  };
  job.keep_last = options.select == "last";
  return Train(std::move(job), data->about);
}

Result<TrainingOutcome> TrainJob::TrainSft(const TrainSftOptions& options) const {
  if (auto status = CheckOptions(options); !status) return tl::unexpected(status.error());
  if (auto status = CheckOutputsOf(options); !status) return tl::unexpected(status.error());
  auto base = OpenCheckpoint(options.student);
  if (!base) return tl::unexpected(base.error());
  if ((*base)->shape().classes > 0) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: is a boundary predictor; give a language model", options.student));
  }
  auto vocabulary = LoadVocabulary(options.student);
  if (!vocabulary) return tl::unexpected(vocabulary.error());
  auto file = GgufFile::Open(options.student);
  if (!file) return tl::unexpected(file.error());
  TemplateOptions told;
  told.date = options.template_date;
  auto format = ChatFormat::Load(*file, **vocabulary, options.family, told);
  if (!format) return tl::unexpected(format.error());
  auto record = RecordOf(options);
  if (!record) return tl::unexpected(record.error());
  const auto known = static_cast<size_t>((*base)->shape().context_tokens);
  const auto data =
      ReadSftData(options, *format, **vocabulary, options.max_tokens > 0 ? options.max_tokens : known);
  if (!data) return tl::unexpected(data.error());
  TrainingJob job = JobOf(options, options.student, "sft", *record, *data);
  job.base = base->get();
  return Train(std::move(job), data->about);
}

Result<TrainingOutcome> TrainJob::Train(TrainingJob job, const std::string& about) const {
  const auto notice = [&](const std::string& line) {
    if (events_.notice) events_.notice(line);
  };
  std::string cut;
  job.trainer.threads = ThreadsWithin(job.trainer.threads, cut);
  if (!cut.empty()) notice(cut);
  const TrainingCallbacks callbacks{
      .begun = [&] { notice(about); },
      .progress =
          [&](const TrainingProgress& progress) {
            if (events_.progress) events_.progress(progress);
          },
      .judged =
          [&](uint64_t epoch, const Judgement& judgement) {
            notice(fmt::format("epoch {}: {}", epoch, judgement.text.substr(0, judgement.text.find('\n'))));
          },
      .resumed =
          [&](uint64_t step, uint64_t steps) {
            notice(fmt::format("{}: {} of {} steps are done already", job.out, step, steps));
          }};
  const StopRequest stop(stop_.on_signals, stop_.token);
  return RunTraining(job, callbacks, stop.flag());
}

}  // namespace tessy
