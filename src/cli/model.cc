#include "cli/commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/numbers.h"
#include "base/visible.h"
#include "cli/convert.h"
#include "job/describe_model.h"
#include "model/text/gguf_file.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

struct InspectFlags {
  std::string path;
  bool json = false;
  bool metadata = false;
};

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
  const Json description = Json::parse(DescribeModel(*file, flags.metadata));
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
