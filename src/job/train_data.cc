#include "job/train_data.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "dataset/annotation.h"
#include "dataset/response.h"
#include "train/boundary_examples.h"
#include "train/sft_examples.h"

namespace tessy {
namespace {

Result<std::vector<Annotation>> ReadWindows(const std::vector<std::string>& paths) {
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

SftExampleOptions ExampleOptionsOf(const TrainSftOptions& o) {
  SftExampleOptions options;
  options.system = o.system;
  const auto weight = [&](TargetKind kind, double value) {
    options.weights[static_cast<size_t>(kind)] = static_cast<float>(value);
  };
  weight(TargetKind::kCapability, o.train_on == "style" ? 0.0 : o.capability_weight);
  weight(TargetKind::kStyle, o.train_on == "capability" ? 0.0 : o.style_weight);
  weight(TargetKind::kThinking, o.thinking_weight);
  weight(TargetKind::kAnswer, o.answer_weight);
  return options;
}

}  // namespace

Result<TrainingData> ReadBoundaryData(const TrainBoundaryOptions& options, const Vocabulary& vocabulary) {
  auto windows = ReadWindows(options.annotations);
  if (!windows) return tl::unexpected(windows.error());
  auto split = SplitByTrace(*windows, options.validation, options.seed);
  if (!split) return tl::unexpected(split.error());
  TrainingData data;
  size_t cut_off = 0;
  for (auto [indices, examples] :
       {std::pair(&split->training, &data.training), std::pair(&split->validation, &data.validation)}) {
    for (const size_t i : *indices) {
      auto example = BoundaryExample((*windows)[i], vocabulary, options.max_tokens);
      if (!example) return tl::unexpected(example.error());
      if (example->size() == options.max_tokens) ++cut_off;
      examples->push_back(std::move(*example));
    }
  }
  data.about = fmt::format("{} windows to train on, {} of other traces to judge by", data.training.size(),
                           data.validation.size());
  if (cut_off > 0) {
    data.about += fmt::format("; {} reach --max-tokens {} and may be cut off", cut_off, options.max_tokens);
  }
  return data;
}

Result<TrainingData> ReadSftData(const TrainSftOptions& options, const ChatFormat& format,
                                 const Vocabulary& vocabulary, size_t tokens_max) {
  const SftExampleOptions example_options = ExampleOptionsOf(options);
  TrainingData data;
  size_t too_long = 0;
  for (const std::string& path : options.responses) {
    auto status = ForEachResponse(path, [&](const Response& response) -> Status {
      auto example = SftExample(response, format, vocabulary, example_options);
      if (!example) {
        return Fail(example.error().code, fmt::format("{}: {}", path, example.error().message));
      }
      if (example->size() > tokens_max) {
        ++too_long;
      } else {
        data.training.push_back(std::move(*example));
      }
      return {};
    });
    if (!status) return tl::unexpected(status.error());
  }
  if (data.training.empty()) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("--responses: there is nothing to train on ({} are longer than {} tokens)",
                            too_long, tokens_max));
  }
  data.about = fmt::format("{} responses to train on", data.training.size());
  if (too_long > 0)
    data.about += fmt::format("; {} are longer than {} tokens and left out", too_long, tokens_max);
  return data;
}

}  // namespace tessy
