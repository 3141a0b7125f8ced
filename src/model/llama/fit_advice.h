#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/llama/cache_type.h"
#include "model/llama/model_shape.h"

namespace tessy {

// A model or predictor of a run that takes memory here.
struct FitPart {
  std::string name = {};         // "student", "teacher predictor"
  std::string layers_flag = {};  // that sets its layers: "student-gpu-layers"
  ModelShape shape = {};
  int gpu_layers = 0;  // kAllLayers: all
  std::optional<size_t> same_file =
      {};                     // an earlier part, by its index, that is the same file: it is loaded once
  size_t context_tokens = 0;  // that it holds of a sample, whatever the sample's context; 0: the context
};

// Models, and the memory that they are to fit in. Sizes in bytes.
struct FitQuestion {
  std::vector<FitPart> parts = {};
  uint64_t ram_bytes = 0;          // for weights and caches
  uint64_t device_bytes = 0;       // of all devices together
  bool devices_share_ram = false;  // integrated ones: all is taken of `ram_bytes`
  size_t context_tokens = 0;
  CacheType cache = CacheType::kF16;
  bool cpu_experts = false;
};

// Nothing where the weights and one sample's whole context fit. Else kResourceLimit with the sizes of every
// part and with the flags that would make it fit: a type of the cache, a context, experts or layers in RAM,
// alone or together; at most three ways, those that change least first. Pure.
Status CheckOneSampleFits(const FitQuestion& question);

}  // namespace tessy
