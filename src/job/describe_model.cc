#include "job/describe_model.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/json_depth.h"
#include "model/family.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kChatTemplate = "tokenizer.chat_template";
// The usual cache holds F16; that of --exact holds F32, which takes twice as much.
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

}  // namespace

std::string DescribeModel(const GgufFile& file, bool all_metadata) {
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
                        {"tokens", file.Count("tokenizer.ggml.tokens")},
                        {"fingerprint", fmt::format("{:016x}", file.vocabulary_fingerprint())}};
  json["family"] = DetectFamily(chat_template);
  json["chat_template"] = !chat_template.empty();
  for (const auto& [key, shown] : file.Describe()) {
    if (!key.starts_with(kTraining)) continue;
    const std::string value = file.String(key).value_or(shown);
    const bool deep = NestsDeeperThan(value, kNestingMax);
    const Json parsed = deep ? Json(value) : Json::parse(value, nullptr, false);
    json["training"][key.substr(kTraining.size())] = parsed.is_discarded() ? Json(value) : parsed;
  }
  if (const auto* head = file.Find(kHead)) {
    const auto labels = file.Strings(file.architecture() + ".classifier.output_labels");
    json["boundary_predictor"] = {{"head", head->shape},
                                  {"bias", file.Floats("tessy.classifier.bias")},
                                  {"classes", labels},
                                  {"labels", file.String("tessy.classifier.labels").value_or("next-token")}};
  }
  if (all_metadata) {
    for (const auto& [key, value] : file.Describe()) json["metadata"][key] = value;
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tessy
