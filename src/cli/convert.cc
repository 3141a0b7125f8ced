#include "cli/convert.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "cli/progress.h"
#include "weights/convert_model.h"

namespace tessy {
namespace {

struct ConvertFlags {
  std::string from;
  std::string out;
  std::string tokenizer;
  std::string type = "auto";
  std::string progress = "auto";
};

struct TypeName {
  WeightType type;
  const char* flag;
  const char* shown;
};
constexpr TypeName kTypes[] = {
    {WeightType::kF32, "f32", "F32"}, {WeightType::kF16, "f16", "F16"}, {WeightType::kBF16, "bf16", "BF16"}};

Status Convert(const ConvertFlags& flags) {
  auto style = FindProgressStyle(flags.progress, isatty(STDERR_FILENO) == 1);
  if (!style) return tl::unexpected(style.error());
  ProgressDisplay display(*style);
  const auto start = std::chrono::steady_clock::now();
  const auto show = [&](size_t done, size_t tensors) {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    display.Show(static_cast<double>(done) / static_cast<double>(tensors), seconds.count(),
                 fmt::format("tensor {}/{}", done, tensors));
  };
  ConvertModelOptions options{
      .from = flags.from, .out = flags.out, .tokenizer = flags.tokenizer, .progress = show};
  for (const TypeName& type : kTypes) {
    if (flags.type == type.flag) options.type = type.type;
  }
  const auto converted = ConvertModel(options);
  display.Close();
  if (!converted) return tl::unexpected(converted.error());
  const Qwen3Shape& shape = converted->shape;
  return WriteOutput(fmt::format(
      "{}: {} of {} layers, width {}, {} tensors in {}\n", flags.out,
      shape.classes > 0 ? fmt::format("a classifier of {} classes", shape.classes) : "a language model",
      shape.layers, shape.width, converted->tensors,
      std::ranges::find(kTypes, converted->type, &TypeName::type)->shown));
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
