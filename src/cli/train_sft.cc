#include "cli/train_sft.h"

#include <fmt/format.h>

#include "cli/train_session.h"
#include "dataset/response.h"
#include "job/identity.h"
#include "model/text/chat_format.h"
#include "model/text/llama_vocabulary.h"
#include "train/sft_examples.h"

namespace tessy {
namespace {

SftExampleOptions ExampleOptionsOf(const TrainSftFlags& flags) {
  SftExampleOptions options;
  options.system = flags.system;
  const auto weight = [&](TargetKind kind, double value) {
    options.weights[static_cast<size_t>(kind)] = static_cast<float>(value);
  };
  weight(TargetKind::kCapability, flags.train_on == "style" ? 0.0 : flags.capability_weight);
  weight(TargetKind::kStyle, flags.train_on == "capability" ? 0.0 : flags.style_weight);
  weight(TargetKind::kThinking, flags.thinking_weight);
  weight(TargetKind::kAnswer, flags.answer_weight);
  return options;
}

struct Data {
  std::string about;  // in words
  std::vector<Example> examples;
};

Result<Data> ReadExamples(const TrainSftFlags& flags, const ChatFormat& format, const Vocabulary& vocabulary,
                          size_t tokens_max) {
  const SftExampleOptions options = ExampleOptionsOf(flags);
  std::vector<Example> examples;
  size_t too_long = 0;
  for (const std::string& path : flags.responses) {
    auto reader = ResponseReader::Open(path);
    if (!reader) return tl::unexpected(reader.error());
    while (true) {
      auto response = reader->Next();
      if (!response) return tl::unexpected(response.error());
      if (!*response) break;
      auto example = SftExample(**response, format, vocabulary, options);
      if (!example) {
        return Fail(example.error().code, fmt::format("{}: {}", path, example.error().message));
      }
      if (example->size() > tokens_max) {
        ++too_long;
      } else {
        examples.push_back(std::move(*example));
      }
    }
  }
  if (examples.empty()) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("--responses: there is nothing to train on ({} are longer than {} tokens)",
                            too_long, tokens_max));
  }
  return Data{.about = fmt::format("{} responses to train on{}", examples.size(),
                                   too_long > 0 ? fmt::format("; {} are longer than {} tokens and left out",
                                                              too_long, tokens_max)
                                                : ""),
              .examples = std::move(examples)};
}

}  // namespace

Result<int> RunTrainSft(const TrainSftFlags& flags) {
  auto base = OpenCheckpoint(flags.student);
  if (!base) return tl::unexpected(base.error());
  if ((*base)->shape().classes > 0) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: is a boundary predictor; give a language model", flags.student));
  }
  auto vocabulary = LoadVocabulary(flags.student);
  if (!vocabulary) return tl::unexpected(vocabulary.error());
  auto file = GgufFile::Open(flags.student);
  if (!file) return tl::unexpected(file.error());
  TemplateOptions told;
  told.date = flags.template_date;
  auto format = ChatFormat::Load(*file, **vocabulary, flags.family, told);
  if (!format) return tl::unexpected(format.error());
  auto configuration = DescribeSettings(flags);
  if (!configuration) return tl::unexpected(configuration.error());
  const auto known = static_cast<size_t>((*base)->shape().context_tokens);
  const auto data =
      ReadExamples(flags, *format, **vocabulary, flags.max_tokens > 0 ? flags.max_tokens : known);
  if (!data) return tl::unexpected(data.error());

  TrainingJob job;
  job.base = base->get();
  job.training = data->examples;
  job.trainer = TrainerOptionsOf(flags);
  job.out = flags.out;
  job.configuration_json = *configuration;
  job.fresh = flags.fresh;
  job.save_every = flags.save_every;
  job.file = {.tokenizer_from = flags.student,
              .name = FileName(flags.out),
              .type = WeightTypeOf(flags),
              .metadata = {{"tessy.training.kind", "sft"}, {"tessy.training.settings", *configuration}}};
  return RunJob(std::move(job), flags, data->about);
}

}  // namespace tessy
