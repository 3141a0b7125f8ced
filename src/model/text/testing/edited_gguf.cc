#include "model/text/testing/edited_gguf.h"

#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <memory>

#include "ggml.h"
#include "gguf.h"
#include "model/text/gguf_file.h"
#include "model/text/gguf_handle.h"

namespace tessy {
namespace {

struct FreeGguf {
  void operator()(gguf_context* context) const { gguf_free(context); }
};
using GgufContext = std::unique_ptr<gguf_context, FreeGguf>;

// Writes the tensors from `begin` to `end` of the file under the metadata.
Status WriteTensors(const GgufFile& file, gguf_context* metadata, size_t begin, size_t end,
                    const std::string& to) {
  for (size_t i = begin; i < end; ++i) {
    gguf_add_tensor(metadata, ggml_get_tensor(file.handle().ggml, file.tensors()[i].name.c_str()));
  }
  if (!gguf_write_to_file(metadata, to.c_str(), true)) return Fail(ErrorCode::kIo, to);
  std::ofstream stream(to, std::ios::binary | std::ios::app);
  const size_t alignment = gguf_get_alignment(metadata);
  for (size_t i = begin; i < end; ++i) {
    const auto bytes = file.ReadBytes(file.tensors()[i]);
    if (!bytes) return tl::unexpected(bytes.error());
    stream.write(reinterpret_cast<const char*>(bytes->data()), static_cast<std::streamsize>(bytes->size()));
    stream << std::string((alignment - bytes->size() % alignment) % alignment, '\0');
  }
  return stream ? Status() : Fail(ErrorCode::kIo, to);
}

Status WriteEdited(const std::string& path, const std::string& to,
                   const std::function<void(gguf_context*)>& edit) {
  const auto file = GgufFile::Open(path);
  if (!file) return tl::unexpected(file.error());
  const GgufContext metadata(gguf_init_empty());
  gguf_set_kv(metadata.get(), file->handle().gguf);
  edit(metadata.get());
  return WriteTensors(*file, metadata.get(), 0, file->tensors().size(), to);
}

}  // namespace

Result<std::vector<std::string>> WriteSplitModel(const std::string& path, const std::string& prefix,
                                                 int parts, bool empty_first) {
  const auto file = GgufFile::Open(path);
  if (!file) return tl::unexpected(file.error());
  const size_t tensors = file->tensors().size();
  const auto shares = static_cast<size_t>(empty_first ? parts - 1 : parts);
  std::vector<std::string> paths;
  for (int part = 0; part < parts; ++part) {
    const GgufContext metadata(gguf_init_empty());
    if (part == 0) gguf_set_kv(metadata.get(), file->handle().gguf);
    gguf_set_val_u16(metadata.get(), "split.no", static_cast<uint16_t>(part));
    gguf_set_val_u16(metadata.get(), "split.count", static_cast<uint16_t>(parts));
    gguf_set_val_i32(metadata.get(), "split.tensors.count", static_cast<int32_t>(tensors));
    const auto share = static_cast<size_t>(empty_first ? part - 1 : part);
    const bool is_empty = empty_first && part == 0;
    const size_t begin = is_empty ? 0 : tensors * share / shares;
    const size_t end = is_empty ? 0 : tensors * (share + 1) / shares;
    paths.push_back(fmt::format("{}-{:05}-of-{:05}.gguf", prefix, part + 1, parts));
    if (auto status = WriteTensors(*file, metadata.get(), begin, end, paths.back()); !status) {
      return tl::unexpected(status.error());
    }
  }
  return paths;
}

Status WriteWithNumber(const std::string& path, const std::string& to, const std::string& key,
                       uint32_t value) {
  return WriteEdited(path, to, [&](gguf_context* gguf) { gguf_set_val_u32(gguf, key.c_str(), value); });
}

Status WriteWithNumbers(const std::string& path, const std::string& to, const std::string& key,
                        const std::vector<uint32_t>& values) {
  return WriteEdited(path, to, [&](gguf_context* metadata) {
    gguf_set_arr_data(metadata, key.c_str(), GGUF_TYPE_UINT32, values.data(), values.size());
  });
}

Status WriteWithText(const std::string& path, const std::string& to, const std::string& key,
                     const std::string& text) {
  return WriteEdited(path, to,
                     [&](gguf_context* gguf) { gguf_set_val_str(gguf, key.c_str(), text.c_str()); });
}

Status WriteWithTexts(const std::string& path, const std::string& to, const std::string& key,
                      const std::vector<std::string>& texts) {
  return WriteEdited(path, to, [&](gguf_context* gguf) {
    std::vector<const char*> pointers;
    for (const std::string& text : texts) pointers.push_back(text.c_str());
    gguf_set_arr_str(gguf, key.c_str(), pointers.data(), pointers.size());
  });
}

}  // namespace tessy
