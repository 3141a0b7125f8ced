#include "cli/model.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "cli/visible.h"
#include "model/family.h"
#include "model/llama/gguf_file.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

struct InspectFlags {
  std::string path;
  bool json = false;
  bool metadata = false;
};

constexpr const char* kChatTemplate = "tokenizer.chat_template";
// Of the usual cache; --exact keeps F32, twice as much.
constexpr uint64_t kBytesOfF16 = 2;
constexpr const char* kHead = "cls.output.weight";

uint64_t Parameters(const GgufFile& file) {
  uint64_t count = 0;
  for (const auto& tensor : file.tensors()) {
    uint64_t elements = 1;
    for (const int64_t n : tensor.shape) elements *= static_cast<uint64_t>(n);
    count += elements;
  }
  return count;
}

Json Describe(const GgufFile& file) {
  const std::string chat_template = file.String(kChatTemplate).value_or("");
  Json json{{"file", file.path()},
            {"name", file.String("general.name").value_or("")},
            {"architecture", file.architecture()},
            {"bytes", file.file_bytes()},
            {"parameters", Parameters(file)},
            {"layers", file.ArchInteger("block_count").value_or(0)},
            {"width", file.ArchInteger("embedding_length").value_or(0)},
            {"context_tokens", file.ArchInteger("context_length").value_or(0)},
            {"cache_bytes_per_token", file.cache_values_per_token() * kBytesOfF16}};
  json["vocabulary"] = {{"model", file.String("tokenizer.ggml.model").value_or("")},
                        {"pre", file.String("tokenizer.ggml.pre").value_or("")},
                        {"tokens", file.Strings("tokenizer.ggml.tokens").size()},
                        {"fingerprint", fmt::format("{:016x}", file.vocabulary_fingerprint())}};
  json["family"] = DetectFamily(chat_template);
  json["chat_template"] = !chat_template.empty();
  if (const auto* head = file.Find(kHead)) {
    const auto labels = file.Strings(file.architecture() + ".classifier.output_labels");
    json["boundary_predictor"] = {{"head", head->shape},
                                  {"bias", file.Floats("tessy.classifier.bias")},
                                  {"classes", labels},
                                  {"labels", file.String("tessy.classifier.labels").value_or("next-token")}};
  }
  return json;
}

std::string ForPeople(const Json& d) {
  std::string out;
  const auto line = [&out](std::string_view what, const std::string& value) {
    out += fmt::format("{:<20} {}\n", what, VisibleLine(value));
  };
  line("file", d["file"].get<std::string>());
  if (!d["name"].get<std::string>().empty()) line("name", d["name"].get<std::string>());
  line("architecture", fmt::format("{}, {} layers, width {}", d["architecture"].get<std::string>(),
                                   d["layers"].get<int64_t>(), d["width"].get<int64_t>()));
  line("parameters",
       fmt::format("{} ({})", d["parameters"].get<uint64_t>(), FormatBytes(d["bytes"].get<uint64_t>())));
  line("context", fmt::format("{} tokens, {} of cache a token", d["context_tokens"].get<int64_t>(),
                              FormatBytes(d["cache_bytes_per_token"].get<uint64_t>())));
  const Json& vocabulary = d["vocabulary"];
  line("vocabulary", fmt::format("{} tokens, {} {}, fingerprint {}", vocabulary["tokens"].get<size_t>(),
                                 vocabulary["model"].get<std::string>(), vocabulary["pre"].get<std::string>(),
                                 vocabulary["fingerprint"].get<std::string>()));
  if (d.contains("boundary_predictor")) {
    const Json& predictor = d["boundary_predictor"];
    line("boundary predictor",
         fmt::format("head {}, bias {}, classes {}, {} labels", predictor["head"].dump(),
                     predictor["bias"].dump(), predictor["classes"].dump(),
                     predictor["labels"].get<std::string>()));
  } else {
    line("family",
         fmt::format("{} ({})", d["family"].get<std::string>(),
                     d["chat_template"].get<bool>() ? "by its chat template" : "it has no chat template"));
  }
  return out;
}

Status Inspect(const InspectFlags& flags) {
  const auto file = GgufFile::Open(flags.path);
  if (!file) return tl::unexpected(file.error());
  Json description = Describe(*file);
  if (flags.metadata) {
    for (const auto& [key, value] : file->Describe()) description["metadata"][key] = value;
  }
  if (flags.json) return WriteOutput(description.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  std::string text = ForPeople(description);
  if (flags.metadata) {
    for (const auto& [key, value] : description["metadata"].items()) {
      text += fmt::format("  {} = {}\n", VisibleLine(key), VisibleLine(value.get<std::string>()));
    }
  }
  return WriteOutput(text);
}

}  // namespace

void AddModelCommand(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("model", "look into model files");
  command->require_subcommand(1);
  command->footer("Example:\n  tessy model inspect model.gguf");
  CLI::App* inspect = command->add_subcommand("inspect", "what a .gguf file holds");
  auto flags = std::make_shared<InspectFlags>();
  inspect->add_option("FILE", flags->path, "a .gguf file")->required();
  inspect->add_flag("--json", flags->json, "for machines");
  inspect->add_flag("--metadata", flags->metadata, "every key of the file, too");
  inspect->footer("Example:\n  tessy model inspect boundary-student.gguf --metadata");
  inspect->callback([flags, &context] { Finish(context, Inspect(*flags)); });
}

}  // namespace tessy
