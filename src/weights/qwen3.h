#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "weights/checkpoint.h"

namespace tessy {

// The name of a tensor in a GGUF file of architecture qwen3 (llama.cpp's naming), from its name in Hugging
// Face's layout: "blk.0.attn_q.weight" for "model.layers.0.self_attn.q_proj.weight". Empty for score.bias,
// which a GGUF file keeps in its metadata. The name must be one of TensorsOf.
std::string GgufName(const std::string& name);

// Checks that the figures can be those of a decoder: all are positive and small enough to multiply, the
// layers few enough to list their tensors, the heads are a multiple of the key heads, and the head width is
// even. `path` is for the error.
Status CheckShape(const Qwen3Shape& shape, const std::string& path);

// The type in which a tensor is written if matrices have `type`. It is F32 for vectors, and for the head of
// a predictor, which has two rows whose outputs are compared.
WeightType StoredAs(const TensorSpec& tensor, WeightType type);

// True if the key is one of the entries that Checkpoint::provenance returns.
bool IsProvenance(const std::string& key);

size_t ElementsOf(const TensorSpec& tensor);

// True for the tensors of a classifier's head, whose first dimension is its classes.
bool IsHead(const TensorSpec& tensor);
// Exchanges the rows of a head of two classes.
void SwapRows(std::vector<float>& head);

// The shape for people: "[96, 64]".
std::string Describe(const std::vector<int64_t>& shape);

}  // namespace tessy
