#include "weights/convert_model.h"

#include <fmt/format.h>

#include <filesystem>
#include <vector>

namespace tessy {
namespace {

namespace fs = std::filesystem;

bool IsGguf(const std::string& path) { return fs::path(path).extension() == ".gguf"; }

// The last part of a path, also of "folder/".
std::string LastName(const std::string& path) {
  const fs::path whole(path);
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

Status Check(const ConvertModelOptions& options) {
  if (fs::exists(options.out) && !(fs::is_directory(options.out) && fs::is_empty(options.out))) {
    return Fail(ErrorCode::kConflict, fmt::format("--out {}: is there already; name a new one", options.out));
  }
  if (!IsGguf(options.out)) {
    if (options.tokenizer.empty()) return {};
    return Fail(
        ErrorCode::kInvalidArgument,
        "--tokenizer: is for a --out that ends in .gguf; a folder gets weights and config.json alone");
  }
  if (fs::is_directory(options.from) && options.tokenizer.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--tokenizer: name any .gguf of the model's base; its tokenizer goes into --out");
  }
  return {};
}

}  // namespace

Result<ConvertedModel> ConvertModel(const ConvertModelOptions& options) {
  if (auto status = Check(options); !status) return tl::unexpected(status.error());
  const auto checkpoint = OpenCheckpoint(options.from);
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  const Checkpoint& source = **checkpoint;
  const ConvertedModel converted{.shape = source.shape(),
                                 .type = options.type.value_or(source.type()),
                                 .tensors = TensorsOf(source.shape()).size()};
  size_t done = 0;
  const TensorReader read = [&](const TensorSpec& tensor) {
    ++done;
    if (options.progress) options.progress(done, converted.tensors);
    return source.Read(tensor);
  };
  Metadata provenance = source.provenance();
  provenance.emplace_back("tessy.converted.from", LastName(options.from));
  const Status status =
      IsGguf(options.out)
          ? WriteGguf(options.out, converted.shape, read,
                      {.tokenizer_from = options.tokenizer.empty() ? options.from : options.tokenizer,
                       .name = fs::path(options.out).stem().string(),
                       .type = converted.type,
                       .metadata = provenance})
          : WriteHuggingFace(options.out, converted.shape, read,
                             {.type = converted.type, .metadata = provenance});
  if (!status) return tl::unexpected(status.error());
  return converted;
}

}  // namespace tessy
