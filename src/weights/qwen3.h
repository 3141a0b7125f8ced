#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "weights/checkpoint.h"

namespace tessy {

// A tensor's name in a GGUF file of architecture qwen3 (llama.cpp's naming), from its name in Hugging Face's
// layout: "blk.0.attn_q.weight" of "model.layers.0.self_attn.q_proj.weight". Empty for score.bias, which a
// GGUF file keeps in its metadata. The name is one of TensorsOf.
std::string GgufName(const std::string& name);

// That the figures can be those of a decoder: all positive and small enough to multiply, heads a multiple of
// their key heads, an even head width. `path` for the error.
Status CheckShape(const Qwen3Shape& shape, const std::string& path);

// The type in which a tensor is written where matrices have `type`: F32 for vectors, and for a predictor's
// head, which is two rows whose outputs are compared.
WeightType StoredAs(const TensorSpec& tensor, WeightType type);

// Is this one of the entries that Checkpoint::provenance gives?
bool IsProvenance(const std::string& key);

size_t ElementsOf(const TensorSpec& tensor);

// "[96, 64]"
std::string Describe(const std::vector<int64_t>& shape);

}  // namespace tessy
