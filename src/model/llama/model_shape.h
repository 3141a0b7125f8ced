#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/llama/cache_type.h"
#include "model/text/gguf_file.h"

namespace tessy {

// llama.cpp's names of the matrices of a mixture's experts, as a regular expression (--cpu-moe).
inline constexpr const char* kExpertTensors = R"(\.ffn_(up|down|gate|gate_up)_(ch|)exps)";

// The sizes of a model that decide where its memory lies. In bytes unless said.
struct ModelShape {
  struct Layer {
    uint64_t weights = 0;
    uint64_t experts = 0;       // of these, the matrices of experts
    uint64_t cache_values = 0;  // numbers that attention caches for one token of one sequence
    uint64_t state = 0;         // of a recurrent layer, for each sequence, however long it is
  };
  std::vector<Layer> layers;
  uint64_t output = 0;  // the output matrix, and what else follows the last layer
  // The embedding matrix, where it is the output matrix, too: a device gets a copy of it.
  uint64_t tied_output = 0;
  uint64_t elsewhere = 0;   // in RAM always: embeddings, the vocabulary, alignment
  bool holds_q8_0 = false;  // the cache may be of that type

  bool has_experts() const;
};

// The memory of a model by the place where it lies.
struct MemoryPlaces {
  uint64_t ram_weights = 0;
  uint64_t device_weights = 0;
  uint64_t ram_cache_per_token = 0;  // for each sequence
  uint64_t device_cache_per_token = 0;
  uint64_t ram_state = 0;  // for each sequence, besides
  uint64_t device_state = 0;
};

// The shape of a model of `layers` layers with these tensors: blk.N.* belong to layer N, embeddings to the
// input, all others to the output. Of a boundary predictor (it has a head, cls.output.weight) only the head
// is the output. Pure.
ModelShape ShapeOf(std::span<const GgufFile::Tensor> tensors, size_t layers);
// With the cache, and with all bytes of the file.
ModelShape ShapeOf(const GgufFile& file);

// Where llama.cpp puts it: `gpu_layers` counts from the output back, which is the first of them
// (kAllLayers: all); embeddings stay in RAM; the cache of a layer lies beside its weights; with `cpu_experts`
// the matrices of experts stay in RAM. Of several devices together. As the source has it (load_tensors in
// llama-model.cpp, llama_kv_cache), where a device computes every type of the file's tensors; what it cannot
// compute llama.cpp leaves in RAM. Pure.
MemoryPlaces PlacesOf(const ModelShape& shape, int gpu_layers, bool cpu_experts, CacheType cache);

}  // namespace tessy
