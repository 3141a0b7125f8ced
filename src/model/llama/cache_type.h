#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "model/text/gguf_file.h"

namespace tessy {

// The type of the numbers that an engine caches of keys and of values.
enum class CacheType : uint8_t {
  kF16,
  kF32,   // of exact arithmetic
  kQ8_0,  // 8 bits a number and a scale for each block of 32: 17/32 of F16's bytes
};

// Bytes of that many cached numbers. Of q8_0 whole blocks are counted.
uint64_t CacheBytes(uint64_t values, CacheType type);

// ggml's number of the type.
int GgmlTypeOf(CacheType type);

// kInvalidArgument, naming the file, where llama.cpp cannot keep this model's cache in that type: q8_0 needs
// heads of whole blocks of 32 numbers, and flash attention, which llama.cpp does not have for Grok.
Status CheckCacheType(const GgufFile& file, CacheType type);

}  // namespace tessy
