#include "weights/hugging_face.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <utility>

#include "base/file_text.h"
#include "base/json_depth.h"
#include "base/readable_file.h"
#include "model/text/class_names.h"
#include "weights/qwen3.h"
#include "weights/safetensors.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kCausal = "Qwen3ForCausalLM";
constexpr const char* kClassifier = "Qwen3ForTokenClassification";

Result<Json> ReadObject(const std::string& path) {
  if (auto status = CheckReadable(path); !status) return tl::unexpected(status.error());
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return Fail(ErrorCode::kNotFound, fmt::format("{}: cannot be read", path));
  std::ostringstream content;
  content << stream.rdbuf();
  const std::string text = AsPlainText(std::move(content).str());
  if (IsLfsPointer(text)) return Fail(ErrorCode::kInvalidData, fmt::format("{}: {}", path, kLfsPointer));
  if (NestsDeeperThan(text, kNestingMax)) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: is nested more than {} levels deep", path, kNestingMax));
  }
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Fail(ErrorCode::kInvalidData, fmt::format("{}: is not a JSON object", path));
  return json;
}

// Reads fields of config.json; the first one that cannot be used is the error.
class Config {
 public:
  Config(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}

  int64_t Integer(const char* key) {
    if (!json_.contains(key) || !json_[key].is_number_integer()) {
      Refuse(fmt::format("{} is missing or not a whole number", key));
      return 0;
    }
    if (json_[key].is_number_unsigned() && !std::in_range<int64_t>(json_[key].get<uint64_t>())) {
      Refuse(fmt::format("{} is {}, more than any model has", key, json_[key].dump()));
      return 0;
    }
    return json_[key].get<int64_t>();
  }
  double Number(const Json& from, const char* key) {
    if (!from.contains(key) || !from[key].is_number()) {
      Refuse(fmt::format("{} is missing or not a number", key));
      return 0.0;
    }
    return from[key].get<double>();
  }
  bool Truth(const char* key, bool absent) {
    if (!json_.contains(key) || json_[key].is_null()) return absent;
    if (json_[key].is_boolean()) return json_[key].get<bool>();
    Refuse(fmt::format("{} is neither true nor false", key));
    return absent;
  }
  void Refuse(const std::string& reason) {
    if (status_) status_ = Fail(ErrorCode::kInvalidData, fmt::format("{}: {}", path_, reason));
  }
  Status status() const { return status_; }

 private:
  const Json& json_;
  std::string path_;
  Status status_;
};

// transformers 5 moved the base into rope_parameters. Anything but plain rotation is refused.
double RopeBase(const Json& json, Config& config) {
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    if (!json.contains(key) || !json[key].is_object()) continue;
    const Json& rope = json[key];
    const Json kind = rope.contains("rope_type") ? rope["rope_type"] : rope.value("type", Json("default"));
    if (kind != "default") config.Refuse(fmt::format("rotary scaling {} is not supported here", kind.dump()));
    if (rope.contains("rope_theta")) return config.Number(rope, "rope_theta");
  }
  return config.Number(json, "rope_theta");
}

int64_t Classes(const Json& json, Config& config) {
  if (json.contains("num_labels") && json["num_labels"].is_number_integer())
    return json["num_labels"].get<int64_t>();
  if (json.contains("id2label") && json["id2label"].is_object()) {
    return static_cast<int64_t>(json["id2label"].size());
  }
  // The field is not written if it has the default of its class.
  if (!json.contains("id2label")) return 2;
  config.Refuse("id2label is not an object");
  return 0;
}

// The names of a head's classes in the order of its rows; empty where they are not all named.
std::vector<std::string> ClassNames(const Json& json) {
  const Json labels = json.value("id2label", Json());
  std::vector<std::string> names;
  for (size_t i = 0; labels.is_object() && i < labels.size(); ++i) {
    const auto found = labels.find(std::to_string(i));
    if (found == labels.end() || !found->is_string()) return {};
    names.push_back(found->get<std::string>());
  }
  return names;
}

struct Model {
  Qwen3Shape shape;
  bool style_first = false;  // the rows of its head
};

Result<Model> ReadConfig(const std::string& path) {
  auto json = ReadObject(path);
  if (!json) return tl::unexpected(json.error());
  Config config(*json, path);
  const Json architectures = json->value("architectures", Json::array());
  const Json architecture = architectures.is_array() && architectures.size() == 1 ? architectures[0] : Json();
  if (architecture != kCausal && architecture != kClassifier) {
    config.Refuse(fmt::format("architectures is {}; {} and {} can be read", architectures.dump(), kCausal,
                              kClassifier));
  }
  Qwen3Shape shape;
  shape.vocabulary = config.Integer("vocab_size");
  shape.width = config.Integer("hidden_size");
  shape.layers = config.Integer("num_hidden_layers");
  shape.feed_forward = config.Integer("intermediate_size");
  shape.heads = config.Integer("num_attention_heads");
  shape.kv_heads = config.Integer("num_key_value_heads");
  shape.head_width = config.Integer("head_dim");
  shape.context_tokens = config.Integer("max_position_embeddings");
  shape.norm_epsilon = config.Number(*json, "rms_norm_eps");
  shape.rope_base = RopeBase(*json, config);
  shape.tied_embeddings = config.Truth("tie_word_embeddings", false);
  if (architecture == kClassifier) shape.classes = Classes(*json, config);
  if (config.Truth("attention_bias", false)) config.Refuse("attention_bias is not supported here");
  if (config.Truth("use_sliding_window", false)) config.Refuse("use_sliding_window is not supported here");
  if (json->value("hidden_act", Json("silu")) != "silu") config.Refuse("hidden_act is not silu");
  if (auto status = config.status(); !status) return tl::unexpected(status.error());
  if (auto status = CheckShape(shape, path); !status) return tl::unexpected(status.error());
  const auto style = shape.classes == 2 ? StyleClass(ClassNames(*json)) : Result<int>(1);
  if (!style) {
    return Fail(style.error().code, fmt::format("{}: id2label: {}", path, style.error().message));
  }
  return Model{.shape = shape, .style_first = *style == 0};
}

class HuggingFaceCheckpoint final : public Checkpoint {
 public:
  HuggingFaceCheckpoint(const Model& model, std::vector<SafetensorsFile> files)
      : shape_(model.shape), style_first_(model.style_first), files_(std::move(files)) {}

  Status Check(const std::string& folder);

  const Qwen3Shape& shape() const override { return shape_; }
  WeightType type() const override;
  Metadata provenance() const override;
  Result<std::vector<float>> Read(const TensorSpec& tensor) const override {
    const auto& [file, entry] = places_.at(tensor.name);
    auto values = files_[file].ReadFloats(files_[file].tensors()[entry]);
    if (values && style_first_ && IsHead(tensor)) SwapRows(*values);
    return values;
  }

 private:
  // Some programs save the matrix of a language model with tied embeddings twice, and some keep the language
  // model's output matrix beside a classifier. The model uses neither of these copies.
  bool MayBeIgnored(const std::string& name) const {
    return name == "lm_head.weight" && (shape_.tied_embeddings || shape_.classes > 0);
  }

  Qwen3Shape shape_;
  bool style_first_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, std::pair<size_t, size_t>> places_;  // file and entry of each tensor
};

WeightType HuggingFaceCheckpoint::type() const {
  std::set<std::string> types;
  for (const TensorSpec& tensor : TensorsOf(shape_)) {
    const auto& [file, entry] = places_.at(tensor.name);
    if (StoredAs(tensor, WeightType::kF16) == WeightType::kF16)
      types.insert(files_[file].tensors()[entry].type);
  }
  if (types == std::set<std::string>{"F16"}) return WeightType::kF16;
  return types == std::set<std::string>{"BF16"} ? WeightType::kBF16 : WeightType::kF32;
}

Metadata HuggingFaceCheckpoint::provenance() const {
  Metadata found;
  for (const SafetensorsFile& file : files_) {
    for (const auto& entry : file.metadata()) {
      if (IsProvenance(entry.first)) found.push_back(entry);
    }
  }
  return found;
}

Status HuggingFaceCheckpoint::Check(const std::string& folder) {
  const auto bad = [&](const std::string& reason) {
    return Fail(ErrorCode::kInvalidData, fmt::format("{}: {}", folder, reason));
  };
  for (size_t file = 0; file < files_.size(); ++file) {
    for (size_t entry = 0; entry < files_[file].tensors().size(); ++entry) {
      const std::string& name = files_[file].tensors()[entry].name;
      if (!places_.emplace(name, std::pair(file, entry)).second)
        return bad(fmt::format("tensor {} is there twice", name));
    }
  }
  std::set<std::string> due;
  for (const TensorSpec& tensor : TensorsOf(shape_)) {
    due.insert(tensor.name);
    const auto place = places_.find(tensor.name);
    if (place == places_.end()) return bad(fmt::format("tensor {} is missing", tensor.name));
    const auto& found = files_[place->second.first].tensors()[place->second.second];
    if (found.shape != tensor.shape) {
      return bad(fmt::format("tensor {} has shape {}, but must have {}", tensor.name, Describe(found.shape),
                             Describe(tensor.shape)));
    }
  }
  for (const auto& [name, place] : places_) {
    if (!due.contains(name) && !MayBeIgnored(name))
      return bad(fmt::format("tensor {} does not belong to a qwen3 model", name));
  }
  return {};
}

// The names of the files that hold the weights.
Result<std::vector<std::string>> WeightFiles(const std::string& folder) {
  const std::string index_path = folder + "/model.safetensors.index.json";
  if (!fs::exists(index_path)) return std::vector<std::string>{"model.safetensors"};
  auto index = ReadObject(index_path);
  if (!index) return tl::unexpected(index.error());
  const Json map = index->value("weight_map", Json());
  std::set<std::string> names;
  for (const auto& [tensor, file] : map.items()) {
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    // It must be a name, not a path, because the index may come from an untrusted source.
    if (name.empty() || fs::path(name).filename() != name) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}: the file of tensor {} is not a file name", index_path, tensor));
    }
    names.insert(name);
  }
  if (names.empty()) return Fail(ErrorCode::kInvalidData, fmt::format("{}: weight_map is empty", index_path));
  return std::vector<std::string>(names.begin(), names.end());
}

Json ConfigJson(const Qwen3Shape& shape, WeightType type) {
  const char* type_name = type == WeightType::kF32   ? "float32"
                          : type == WeightType::kF16 ? "float16"
                                                     : "bfloat16";
  Json json{{"architectures", {shape.classes > 0 ? kClassifier : kCausal}},
            {"model_type", "qwen3"},
            {"vocab_size", shape.vocabulary},
            {"hidden_size", shape.width},
            {"num_hidden_layers", shape.layers},
            {"intermediate_size", shape.feed_forward},
            {"num_attention_heads", shape.heads},
            {"num_key_value_heads", shape.kv_heads},
            {"head_dim", shape.head_width},
            {"max_position_embeddings", shape.context_tokens},
            {"rope_theta", shape.rope_base},
            {"rms_norm_eps", shape.norm_epsilon},
            {"tie_word_embeddings", shape.tied_embeddings},
            {"hidden_act", "silu"},
            {"attention_bias", false},
            {"torch_dtype", type_name}};
  if (shape.classes > 0) {
    for (int64_t i = 0; i < shape.classes; ++i) {
      const std::string label = fmt::format("LABEL_{}", i);
      json["id2label"][fmt::format("{}", i)] = label;
      json["label2id"][label] = i;
    }
  }
  return json;
}

}  // namespace

Result<std::unique_ptr<Checkpoint>> OpenHuggingFaceCheckpoint(const std::string& folder) {
  const auto model = ReadConfig(folder + "/config.json");
  if (!model) return tl::unexpected(model.error());
  auto names = WeightFiles(folder);
  if (!names) return tl::unexpected(names.error());
  std::vector<SafetensorsFile> files;
  for (const std::string& name : *names) {
    auto file = SafetensorsFile::Open(folder + "/" + name);
    if (!file) return tl::unexpected(file.error());
    files.push_back(std::move(*file));
  }
  auto checkpoint = std::make_unique<HuggingFaceCheckpoint>(*model, std::move(files));
  if (auto status = checkpoint->Check(folder); !status) return tl::unexpected(status.error());
  return checkpoint;
}

Status WriteHuggingFace(const std::string& folder, const Qwen3Shape& shape, const TensorReader& read,
                        const WriteHuggingFaceOptions& options) {
  const std::string config = folder + "/config.json";
  const std::string weights = folder + "/model.safetensors";
  for (const std::string& path : {config, weights}) {
    if (fs::exists(path)) return Fail(ErrorCode::kConflict, fmt::format("{}: is there already", path));
  }
  std::error_code status;
  fs::create_directories(folder, status);
  if (status) return Fail(ErrorCode::kIo, fmt::format("{}: cannot be made: {}", folder, status.message()));
  if (auto written = WriteSafetensors(weights, TensorsOf(shape), read, options.type, options.metadata);
      !written)
    return written;
  std::ofstream stream(config, std::ios::binary);
  stream << ConfigJson(shape, options.type).dump(2) << '\n';
  stream.flush();
  if (!stream) return Fail(ErrorCode::kIo, fmt::format("{}: cannot be written", config));
  return {};
}

}  // namespace tessy
