#include "cli/model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/numbers.h"
#include "base/visible.h"
#include "cli/convert.h"
#include "model/family.h"
#include "model/text/gguf_file.h"

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
// What `tessy train` writes into a file, some of it as JSON.
constexpr std::string_view kTraining = "tessy.training.";
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
  for (const auto& [key, shown] : file.Describe()) {
    if (!key.starts_with(kTraining)) continue;
    const std::string value = file.String(key).value_or(shown);
    const Json parsed = Json::parse(value, nullptr, false);
    json["training"][key.substr(kTraining.size())] = parsed.is_discarded() ? Json(value) : parsed;
  }
  if (const auto* head = file.Find(kHead)) {
    const auto labels = file.Strings(file.architecture() + ".classifier.output_labels");
    json["boundary_predictor"] = {{"head", head->shape},
                                  {"bias", file.Floats("tessy.classifier.bias")},
                                  {"classes", labels},
                                  {"labels", file.String("tessy.classifier.labels").value_or("next-token")}};
  }
  return json;
}

// "boundary, base student.gguf, epochs 3, batch_size 32, lr 0.001, steps 153, best_epoch 3"
std::string DescribeTraining(const Json& training) {
  const Json settings = training.value("settings", Json::object());
  const auto text = [](const Json& value) {
    return value.is_string() ? value.get<std::string>()
                             : value.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  std::vector<std::string> parts{text(training.value("kind", Json("of unknown kind")))};
  for (const char* key : {"base", "student"}) {
    if (settings.is_object() && settings.contains(key) && settings[key].is_object())
      parts.push_back(fmt::format("{} {}", key, text(settings[key].value("file", Json("?")))));
  }
  if (settings.is_object()) {
    for (const char* key : {"epochs", "batch_size", "lr"}) {
      if (settings.contains(key)) parts.push_back(fmt::format("{} {}", key, text(settings[key])));
    }
  }
  for (const char* key : {"steps", "best_epoch"}) {
    if (training.contains(key)) parts.push_back(fmt::format("{} {}", key, text(training[key])));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

// The figures of the kept epoch on traces it was not trained on; empty where the file has none.
std::string DescribeValidation(const Json& training) {
  std::vector<std::string> parts;
  const Json figures = training.value("validation", Json::object());
  for (const char* key : {"accuracy", "precision", "recall", "f1", "calibration_error"}) {
    if (figures.is_object() && figures.contains(key) && figures[key].is_number())
      parts.push_back(fmt::format("{} {:.4f}", key, figures[key].get<double>()));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
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
  if (d.contains("training")) {
    line("trained", DescribeTraining(d["training"]));
    if (const std::string validation = DescribeValidation(d["training"]); !validation.empty())
      line("validation", validation);
  }
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
  CLI::App* command = app.add_subcommand("model", "look into model files, convert them");
  command->require_subcommand(1);
  command->footer(
      "Example:\n  tessy model inspect model.gguf\n"
      "  tessy model convert model.gguf --out model-folder");
  CLI::App* inspect = command->add_subcommand("inspect", "what a .gguf file holds");
  auto flags = std::make_shared<InspectFlags>();
  inspect->add_option("FILE", flags->path, "a .gguf file")->required();
  inspect->add_flag("--json", flags->json, "for machines");
  inspect->add_flag("--metadata", flags->metadata, "every key of the file, too");
  inspect->footer("Example:\n  tessy model inspect boundary-student.gguf --metadata");
  inspect->callback([flags, &context] { Finish(context, Inspect(*flags)); });
  AddConvertCommand(*command, context);
}

}  // namespace tessy
