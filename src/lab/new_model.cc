#include "lab/new_model.h"

#include <fmt/format.h>

#include <filesystem>

#include "dataset/response.h"
#include "lab/corpus.h"
#include "lab/new_checkpoint.h"
#include "weights/bpe.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;

Result<std::vector<std::string>> ReadTexts(const std::vector<std::string>& paths) {
  std::vector<std::string> texts;
  for (const std::string& path : paths) {
    auto status = ForEachResponse(path, [&](const Response& response) -> Status {
      texts.push_back(TextOf(response));
      return {};
    });
    if (!status) return tl::unexpected(status.error());
  }
  return texts;
}

}  // namespace

Status WriteNewModel(const NewModelOptions& options) {
  if (fs::exists(options.out)) {
    return Fail(ErrorCode::kConflict, fmt::format("--out {}: is there already; name a new one", options.out));
  }
  const auto texts = ReadTexts(options.texts);
  if (!texts) return tl::unexpected(texts.error());
  const BpeTokenizer tokenizer =
      TrainBpe(*texts, options.vocabulary, {"<bos>", "<eos>", "<think>", "</think>"});
  const std::string vocabulary = options.out + ".vocabulary";
  if (auto status = WriteTokenizerGguf(vocabulary, tokenizer, "<bos>", "<eos>", kLabChatTemplate); !status) {
    return status;
  }
  Qwen3Shape shape = options.shape;
  shape.vocabulary = static_cast<int64_t>(tokenizer.tokens.size());
  const NewCheckpoint checkpoint(shape, options.seed);
  const auto status =
      WriteGguf(options.out, shape, [&](const TensorSpec& tensor) { return checkpoint.Read(tensor); },
                {.tokenizer_from = vocabulary,
                 .name = fs::path(options.out).stem().string(),
                 .metadata = {{"tessy.new.seed", std::to_string(options.seed)}}});
  std::error_code ignored;
  fs::remove(vocabulary, ignored);
  return status;
}

}  // namespace tessy
