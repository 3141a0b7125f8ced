// A folder of a Hugging Face model: config.json, a record separator, the index of its weights.
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "fuzz/target.h"
#include "weights/hugging_face.h"

namespace tessy::fuzz {
namespace {

namespace fs = std::filesystem;

// A folder of this process with a file of weights in it.
class Folder {
 public:
  Folder() {
    fs::create_directories(path_);
    const std::string_view header =
        R"({"model.norm.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    const uint64_t length = header.size();
    std::string file(sizeof length, '\0');
    std::memcpy(file.data(), &length, sizeof length);
    Write("model.safetensors", file.append(header).append(4, '\0'));
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void Write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary | std::ios::trunc) << text;
  }
  void Remove(const std::string& name) const { fs::remove(path_ / name); }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_ = fs::temp_directory_path() / ("tessy_fuzz." + std::to_string(::getpid()));
};

void Run(std::string_view input) {
  static const Folder folder;
  const auto [config, index] = InTwo(input);
  folder.Write("config.json", config);
  folder.Remove("model.safetensors.index.json");
  if (!index.empty()) folder.Write("model.safetensors.index.json", index);
  const auto checkpoint = OpenHuggingFaceCheckpoint(folder.path());
  if (!checkpoint) return Note(std::string_view(checkpoint.error().message).substr(folder.path().size()));
  Note("a model");
}

const Registration kRegistered(
    {.name = "hugging_face",
     .grammar = kJson,
     .seeds =
         {R"({"architectures":["Qwen3ForCausalLM"],"vocab_size":3,"hidden_size":1,"num_hidden_layers":1,"intermediate_size":1,)"
          R"("num_attention_heads":2,"num_key_value_heads":1,"head_dim":2,"max_position_embeddings":9,"rms_norm_eps":1e-6,)"
          R"("rope_theta":1e6,"rope_parameters":{"rope_type":"default","rope_theta":1e4},"tie_word_embeddings":true,)"
          R"("hidden_act":"silu","attention_bias":false})",
          R"({"architectures":["Qwen3ForTokenClassification"],"vocab_size":3,"hidden_size":1,"num_hidden_layers":1,)"
          R"("intermediate_size":1,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":2,"max_position_embeddings":9,)"
          R"("rms_norm_eps":1e-6,"rope_theta":1e6,"id2label":{"0":"STYLE","1":"capability"},"num_labels":2})"
          "\x1E"
          R"({"weight_map":{"model.norm.weight":"model.safetensors"}})"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
