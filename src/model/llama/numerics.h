#pragma once

namespace tessy {

// Batch-invariant arithmetic for the whole process: with it on, ggml's own dot products are used for every
// batch size instead of the tinyBLAS kernels, which decline some shapes and so make a token's logits depend
// on what else is in the batch. Slower for dense batches. Set it before a model runs; safe from any thread.
void SetBatchInvariant(bool on);
bool IsBatchInvariant();

}  // namespace tessy
