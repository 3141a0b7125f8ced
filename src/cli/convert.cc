#include "cli/convert.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "base/numbers.h"
#include "cli/progress.h"
#include "job/identity.h"
#include "weights/checkpoint.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;

struct ConvertFlags {
  std::string from;
  std::string out;
  std::string tokenizer;
  std::string type = "auto";
  std::string progress = "auto";
};

WeightType TypeFor(const std::string& name, const Checkpoint& checkpoint) {
  if (name == "auto") return checkpoint.type();
  return name == "f16" ? WeightType::kF16 : name == "bf16" ? WeightType::kBF16 : WeightType::kF32;
}

bool IsGguf(const std::string& path) { return fs::path(path).extension() == ".gguf"; }

Status CheckFlags(const ConvertFlags& flags) {
  if (fs::exists(flags.out) && !(fs::is_directory(flags.out) && fs::is_empty(flags.out))) {
    return Fail(ErrorCode::kConflict, fmt::format("--out {}: is there already; name a new one", flags.out));
  }
  if (!IsGguf(flags.out)) {
    if (flags.tokenizer.empty()) return {};
    return Fail(
        ErrorCode::kInvalidArgument,
        "--tokenizer: is for a --out that ends in .gguf; a folder gets weights and config.json alone");
  }
  if (fs::is_directory(flags.from) && flags.tokenizer.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--tokenizer: name any .gguf of the model's base; its tokenizer goes into --out");
  }
  return {};
}

Status Convert(const ConvertFlags& flags) {
  if (auto status = CheckFlags(flags); !status) return status;
  auto checkpoint = OpenCheckpoint(flags.from);
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  auto style = FindProgressStyle(flags.progress, isatty(STDERR_FILENO) == 1);
  if (!style) return tl::unexpected(style.error());

  const Qwen3Shape& shape = (*checkpoint)->shape();
  const std::vector<TensorSpec> tensors = TensorsOf(shape);
  ProgressDisplay display(*style);
  const auto start = std::chrono::steady_clock::now();
  size_t done = 0;
  const TensorReader read = [&](const TensorSpec& tensor) {
    const double share = static_cast<double>(++done) / static_cast<double>(tensors.size());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    display.Show(share, seconds.count(), fmt::format("tensor {}/{}", done, tensors.size()));
    return (*checkpoint)->Read(tensor);
  };
  const WeightType type = TypeFor(flags.type, **checkpoint);
  Metadata provenance = (*checkpoint)->provenance();
  provenance.emplace_back("tessy.converted.from", FileName(flags.from));
  const Status status =
      IsGguf(flags.out) ? WriteGguf(flags.out, shape, read,
                                    {.tokenizer_from = flags.tokenizer.empty() ? flags.from : flags.tokenizer,
                                     .name = fs::path(flags.out).stem().string(),
                                     .type = type,
                                     .metadata = provenance})
                        : WriteHuggingFace(flags.out, shape, read, {.type = type, .metadata = provenance});
  display.Close();
  if (!status) return status;
  return WriteOutput(fmt::format(
      "{}: {} of {} layers, width {}, {} tensors in {}\n", flags.out,
      shape.classes > 0 ? fmt::format("a classifier of {} classes", shape.classes) : "a language model",
      shape.layers, shape.width, tensors.size(),
      type == WeightType::kF32   ? "F32"
      : type == WeightType::kF16 ? "F16"
                                 : "BF16"));
}

}  // namespace

void AddConvertCommand(CLI::App& model, CommandContext& context) {
  CLI::App* command = model.add_subcommand(
      "convert", "a .gguf file to Hugging Face's layout, or such a folder to a .gguf file");
  auto flags = std::make_shared<ConvertFlags>();
  command->add_option("FROM", flags->from, "a .gguf file, or a folder with config.json and safetensors")
      ->required();
  command->add_option("--out", flags->out, "a name that ends in .gguf, or else a folder's; it must be new")
      ->required();
  command->add_option("--tokenizer", flags->tokenizer,
                      "a .gguf of the model's base, whose tokenizer --out takes over (a folder needs it)");
  command->add_option("--type", flags->type, "of matrices; auto: as FROM has them, F32 for quantised ones")
      ->check(CLI::IsMember({"auto", "f32", "f16", "bf16"}))
      ->capture_default_str();
  command->add_option("--progress", flags->progress, "auto, bar, plain or none")
      ->check(CLI::IsMember({"auto", "bar", "plain", "none"}))
      ->capture_default_str();
  command->footer(
      "The architecture is Qwen3's. A classifier becomes a boundary predictor, and the reverse.\n\n"
      "Example:\n"
      "  tessy model convert Boundary_Predictor_Student_Code --tokenizer Qwen3-0.6B-Base.gguf \\\n"
      "    --out boundary-student.gguf\n"
      "  tessy model convert tuned.gguf --out tuned");
  command->callback([flags, &context] { Finish(context, Convert(*flags)); });
}

}  // namespace tessy
