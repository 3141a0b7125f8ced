#include "model/llama/llama_model.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include "ggml-backend.h"
#include "ggml.h"
#include "gguf.h"
#include "llama.h"
#include "model/text/class_names.h"
#include "model/text/gguf_handle.h"
#include "model/text/llama_vocabulary.h"

namespace tessy {
namespace {

constexpr const char* kHead = "cls.output.weight";
constexpr const char* kEmbedding = "token_embd.weight";
constexpr const char* kOutput = "output.weight";

Error NotLoadable(const GgufFile& file) {
  return {.code = ErrorCode::kInvalidData,
          .message = fmt::format("{}: llama.cpp cannot load this model (architecture \"{}\"); "
                                 "--log-level debug shows its own words",
                                 file.path(), file.architecture())};
}

Result<int> StyleClassOf(const GgufFile& file) {
  const std::string key = file.architecture() + ".classifier.output_labels";
  const auto style = StyleClass(file.Strings(key));
  if (style) return *style;
  return Fail(style.error().code, fmt::format("{}: {}: {}", file.path(), key, style.error().message));
}

Status CheckHead(const GgufFile& file) {
  const GgufFile::Tensor* head = file.Find(kHead);
  if (head == nullptr) {
    return Fail(
        ErrorCode::kInvalidData,
        fmt::format("{}: no classification head ({}); a boundary predictor is needed here, not a language "
                    "model",
                    file.path(), kHead));
  }
  const int64_t width = file.ArchInteger("embedding_length").value_or(0);
  if (head->shape != std::vector<int64_t>{width, 2}) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: head {} has shape {{{}}}, but {{{}, 2}} is needed", file.path(), kHead,
                            fmt::join(head->shape, ", "), width));
  }
  const auto biases = file.Floats("tessy.classifier.bias");
  if (!biases.empty() && biases.size() != 2) {
    return Fail(ErrorCode::kInvalidData, fmt::format("{}: tessy.classifier.bias has {} values, 2 are needed",
                                                     file.path(), biases.size()));
  }
  const std::string labels = file.String("tessy.classifier.labels").value_or("next-token");
  if (labels != "next-token") {
    return Fail(
        ErrorCode::kInvalidData,
        fmt::format("{}: trained for \"{}\" labels, next-token labels are needed", file.path(), labels));
  }
  if (const auto style = StyleClassOf(file); !style) return tl::unexpected(style.error());
  // Rows are looked up by token id, so there must be one for each.
  const GgufFile::Tensor* embedding = file.Find(kEmbedding);
  const auto tokens = static_cast<int64_t>(file.Count("tokenizer.ggml.tokens"));
  if (embedding != nullptr && embedding->shape != std::vector<int64_t>{width, tokens}) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: {} has shape {{{}}}, but {{{}, {}}} is needed", file.path(), kEmbedding,
                            fmt::join(embedding->shape, ", "), width, tokens));
  }
  return {};
}

struct GgufDeleter {
  void operator()(gguf_context* gguf) const { gguf_free(gguf); }
};
struct GgmlDeleter {
  void operator()(ggml_context* ggml) const { ggml_free(ggml); }
};
struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using GgufContext = std::unique_ptr<gguf_context, GgufDeleter>;
using GgmlContext = std::unique_ptr<ggml_context, GgmlDeleter>;
using File = std::unique_ptr<std::FILE, FileCloser>;

// The file's metadata with a vocabulary of two: the head's outputs.
GgufContext TrunkMetadata(const GgufFile& file) {
  GgufContext trunk(gguf_init_empty());
  const std::string arch = file.architecture();
  gguf_set_kv(trunk.get(), file.handle().gguf);
  for (const char* key : {"tokenizer.ggml.tokens", "tokenizer.ggml.token_type", "tokenizer.ggml.merges",
                          "tokenizer.ggml.scores", "tokenizer.chat_template", "split.no", "split.count",
                          "split.tensors.count"}) {
    gguf_remove_key(trunk.get(), key);
  }
  gguf_remove_key(trunk.get(), (arch + ".classifier.output_labels").c_str());
  gguf_set_val_str(trunk.get(), "tokenizer.ggml.model", "none");
  gguf_set_val_u32(trunk.get(), (arch + ".vocab_size").c_str(), 2);
  return trunk;
}

bool Write(std::FILE* out, const void* data, size_t size, size_t alignment) {
  static constexpr char kZeros[256] = {};
  const size_t padding = GGML_PAD(size, alignment) - size;
  return std::fwrite(data, 1, size, out) == size && std::fwrite(kZeros, 1, padding, out) == padding;
}

// A GGUF file in memory: llama.cpp builds every optional tensor of an architecture when it is handed tensors
// one by one, but reads a file for what it is.
File WriteTrunk(const GgufFile& file, const std::vector<float>& head) {
  const GgufContext trunk = TrunkMetadata(file);
  const GgmlContext tensors(ggml_init({.mem_size = (file.tensors().size() + 4) * ggml_tensor_overhead(),
                                       .mem_buffer = nullptr,
                                       .no_alloc = true}));
  const auto declare = [&](const std::string& name, ggml_type type, const int64_t* shape, int dims) {
    ggml_tensor* tensor = ggml_new_tensor(tensors.get(), type, dims, shape);
    ggml_set_name(tensor, name.c_str());
    gguf_add_tensor(trunk.get(), tensor);
  };
  const int64_t shape[2] = {file.ArchInteger("embedding_length").value_or(0), 2};
  declare(kEmbedding, GGML_TYPE_F32, shape, 2);
  declare(kOutput, GGML_TYPE_F32, shape, 2);
  std::vector<const GgufFile::Tensor*> copied;
  for (const auto& tensor : file.tensors()) {
    if (tensor.name == kHead || tensor.name == kEmbedding || tensor.name == kOutput) continue;
    declare(tensor.name, static_cast<ggml_type>(tensor.type_id), tensor.shape.data(),
            static_cast<int>(tensor.shape.size()));
    copied.push_back(&tensor);
  }

  File out(fdopen(memfd_create("tessy-predictor", MFD_CLOEXEC), "w+b"));
  if (!out) return nullptr;
  const size_t alignment = gguf_get_alignment(trunk.get());
  std::vector<uint8_t> metadata(gguf_get_meta_size(trunk.get()));
  gguf_get_meta_data(trunk.get(), metadata.data());
  const std::vector<float> no_embeddings(head.size());
  bool written = std::fwrite(metadata.data(), 1, metadata.size(), out.get()) == metadata.size() &&
                 Write(out.get(), no_embeddings.data(), head.size() * sizeof(float), alignment) &&
                 Write(out.get(), head.data(), head.size() * sizeof(float), alignment);
  for (const GgufFile::Tensor* tensor : copied) {
    const auto bytes = file.ReadBytes(*tensor);
    written = written && bytes && Write(out.get(), bytes->data(), bytes->size(), alignment);
  }
  if (!written || std::fflush(out.get()) != 0) return nullptr;
  std::rewind(out.get());
  return out;
}

// Points to constants, which llama.cpp does not change.
llama_model_params ParamsOf(const LlamaModelOptions& options) {
  static ggml_backend_dev_t no_devices[] = {nullptr};
  static const llama_model_tensor_buft_override kExpertsInRam[] = {
      {kExpertTensors, ggml_backend_cpu_buffer_type()}, {nullptr, nullptr}};
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = options.gpu_layers;
  // With a device at hand llama.cpp has it compute large batches even where no layer lies there.
  if (options.gpu_layers == 0) params.devices = no_devices;
  if (options.cpu_experts) params.tensor_buft_overrides = kExpertsInRam;
  // Repacked weights use other kernels for one row than for many.
  params.use_extra_bufts = !options.exact;
  return params;
}

llama_model* LoadTrunk(const GgufFile& file, const std::vector<float>& head,
                       const LlamaModelOptions& options) {
  const File trunk = WriteTrunk(file, head);
  if (!trunk) return nullptr;
  return llama_model_load_from_file_ptr(trunk.get(), ParamsOf(options));
}

}  // namespace

LlamaModel::~LlamaModel() {
  vocabulary_.reset();
  if (model_ != nullptr) llama_model_free(model_);
  if (vocabulary_model_ != nullptr) llama_model_free(vocabulary_model_);
}

Result<std::shared_ptr<const LlamaModel>> LlamaModel::Load(const std::string& path,
                                                           const LlamaModelOptions& options) {
  auto file = GgufFile::Open(path);
  if (!file) return tl::unexpected(file.error());
  if (file->tensors().empty()) {
    return Fail(ErrorCode::kInvalidData, fmt::format("{}: holds a vocabulary only, no weights", path));
  }
  if (file->Find(kHead) != nullptr) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{}: a boundary predictor, where a language model is needed; it belongs to "
                            "--student-boundary or --teacher-boundary",
                            path));
  }
  std::shared_ptr<LlamaModel> model(new LlamaModel(options));
  model->file_ = std::move(*file);
  if (auto status = CheckCacheType(model->file_, model->cache_type()); !status) {
    return tl::unexpected(status.error());
  }
  model->model_ = internal::LoadLlamaModel(path, ParamsOf(options));
  if (model->model_ == nullptr) return tl::unexpected(NotLoadable(model->file_));
  model->vocabulary_ = std::make_unique<LlamaVocabulary>(llama_model_get_vocab(model->model_), model->file_);
  model->can_roll_back_ = !llama_model_is_recurrent(model->model_) && !llama_model_is_hybrid(model->model_);
  model->context_tokens_ = llama_model_n_ctx_train(model->model_);
  model->embedding_width_ = llama_model_n_embd(model->model_);
  model->FindPlaces();
  return model;
}

Result<std::shared_ptr<const LlamaModel>> LlamaModel::LoadClassifier(const std::string& path,
                                                                     const LlamaModelOptions& options) {
  auto file = GgufFile::Open(path);
  if (!file) return tl::unexpected(file.error());
  if (auto status = CheckHead(*file); !status) return tl::unexpected(status.error());
  QuietLlamaLog();

  std::shared_ptr<LlamaModel> model(new LlamaModel(options));
  model->file_ = std::move(*file);
  if (auto status = CheckCacheType(model->file_, model->cache_type()); !status) {
    return tl::unexpected(status.error());
  }
  model->is_classifier_ = true;
  const GgufFile::Tensor* embedding = model->file_.Find(kEmbedding);
  if (embedding == nullptr) return tl::unexpected(NotLoadable(model->file_));
  auto rows = model->file_.ReadBytes(*embedding);
  auto head = model->file_.ReadFloats(*model->file_.Find(kHead));
  if (!rows) return tl::unexpected(rows.error());
  if (!head) return tl::unexpected(head.error());
  model->model_ = LoadTrunk(model->file_, *head, options);
  model->vocabulary_model_ = internal::LoadLlamaVocabulary(path);
  if (model->model_ == nullptr || model->vocabulary_model_ == nullptr) {
    return tl::unexpected(NotLoadable(model->file_));
  }
  model->vocabulary_ =
      std::make_unique<LlamaVocabulary>(llama_model_get_vocab(model->vocabulary_model_), model->file_);
  model->can_roll_back_ = !llama_model_is_recurrent(model->model_) && !llama_model_is_hybrid(model->model_);
  model->context_tokens_ = llama_model_n_ctx_train(model->model_);
  model->embedding_width_ = static_cast<int>(embedding->shape.at(0));
  model->embedding_type_ = embedding->type_id;
  model->embedding_row_bytes_ =
      ggml_row_size(static_cast<ggml_type>(model->embedding_type_), embedding->shape.at(0));
  model->embedding_rows_ = std::move(*rows);
  const auto biases = model->file_.Floats("tessy.classifier.bias");
  std::copy(biases.begin(), biases.end(), model->bias_);
  model->style_class_ = *StyleClassOf(model->file_);  // CheckHead has looked
  model->FindPlaces();
  return model;
}

uint64_t LlamaModel::parameters() const { return llama_model_n_params(model_); }

int LlamaModel::output_width() const { return is_classifier_ ? 2 : static_cast<int>(vocabulary_->size()); }

void LlamaModel::FindPlaces() {
  places_ = PlacesOf(ShapeOf(file_), options_.gpu_layers, options_.cpu_experts, cache_type());
}

uint64_t LlamaModel::kv_bytes_per_token() const {
  return places_.ram_cache_per_token + places_.device_cache_per_token;
}

void LlamaModel::AppendEmbeddings(TokenId token, std::vector<float>& out) const {
  const uint8_t* row = embedding_rows_.data() + static_cast<size_t>(token) * embedding_row_bytes_;
  const size_t begin = out.size();
  out.resize(begin + static_cast<size_t>(embedding_width_));
  if (embedding_type_ == GGML_TYPE_F32) {
    std::memcpy(out.data() + begin, row, embedding_row_bytes_);
  } else {
    ggml_get_type_traits(static_cast<ggml_type>(embedding_type_))
        ->to_float(row, out.data() + begin, embedding_width_);
  }
}

float LlamaModel::StyleProbability(const float* outputs) const {
  const double style = outputs[style_class_] + bias_[style_class_];
  const double other = outputs[1 - style_class_] + bias_[1 - style_class_];
  return static_cast<float>(1.0 / (1.0 + std::exp(other - style)));
}

}  // namespace tessy
