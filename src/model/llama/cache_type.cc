#include "model/llama/cache_type.h"

#include <fmt/format.h>

#include "ggml.h"

namespace tessy {
namespace {

constexpr int64_t kBlock = 32;  // numbers of a block of q8_0

// Every width of a head that the file tells, its keys' and its values'.
Status CheckHeads(const GgufFile& file) {
  const int64_t heads = file.ArchInteger("attention.head_count").value_or(0);
  const int64_t usual = heads > 0 ? file.ArchInteger("embedding_length").value_or(0) / heads : 0;
  for (const char* key : {"attention.key_length", "attention.value_length"}) {
    const int64_t width = file.ArchInteger(key).value_or(usual);
    const int64_t windowed = file.ArchInteger(std::string(key) + "_swa").value_or(width);
    for (const int64_t one : {width, windowed}) {
      if (one % kBlock == 0) continue;
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("--cache-type q8_0: packs {} numbers, and the heads of {} have {}; use "
                              "--cache-type f16",
                              kBlock, file.path(), one));
    }
  }
  return {};
}

}  // namespace

uint64_t CacheBytes(uint64_t values, CacheType type) {
  const auto ggml = static_cast<ggml_type>(GgmlTypeOf(type));
  const auto block = static_cast<uint64_t>(ggml_blck_size(ggml));
  return (values + block - 1) / block * ggml_type_size(ggml);
}

int GgmlTypeOf(CacheType type) {
  switch (type) {
    case CacheType::kF16:
      return GGML_TYPE_F16;
    case CacheType::kF32:
      return GGML_TYPE_F32;
    case CacheType::kQ8_0:
      return GGML_TYPE_Q8_0;
  }
  return GGML_TYPE_F16;
}

Status CheckCacheType(const GgufFile& file, CacheType type) {
  if (type != CacheType::kQ8_0) return {};
  if (file.architecture() == "grok") {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--cache-type q8_0: needs flash attention, which llama.cpp does not have for the "
                            "architecture of {}; use --cache-type f16",
                            file.path()));
  }
  return CheckHeads(file);
}

}  // namespace tessy
