// Files of safetensors: the header, and the tensors by it.
#include <cstdint>
#include <cstring>

#include "fuzz/target.h"
#include "weights/safetensors.h"

namespace tessy::fuzz {
namespace {

std::string File(std::string_view header, size_t data) {
  const uint64_t length = header.size();
  std::string file(sizeof length, '\0');
  std::memcpy(file.data(), &length, sizeof length);  // little-endian, as our machines are
  return file.append(header).append(data, '\x3F');
}

// Mutations change the header's length, mostly without changing the number before it.
std::string WithLength(std::string_view input) {
  const size_t begin = input.find('{');
  const size_t end = input.rfind('}');
  if (begin != 8 || end == std::string_view::npos || end < begin) return std::string(input);
  return File(input.substr(begin, end + 1 - begin), 0).append(input.substr(end + 1));
}

void Open(std::string_view content) {
  const MemoryFile memory(content);
  const auto file = SafetensorsFile::Open(memory.path());
  if (!file) return Note(std::string_view(file.error().message).substr(memory.path().size()));
  Note("a file");
  for (const auto& tensor : file->tensors()) {
    Require(file->Find(tensor.name) != nullptr, "a tensor is found by its name");
    Require(tensor.begin <= tensor.end && tensor.end <= content.size(), "a tensor lies in its file");
    const auto floats = file->ReadFloats(tensor);
    const auto integers = file->ReadIntegers(tensor);
    Note(floats ? "numbers" : integers ? "whole numbers" : "neither");
  }
}

void Run(std::string_view input) {
  Open(input);
  Open(WithLength(input));
}

const Registration kRegistered(
    {.name = "safetensors",
     .grammar = kJson,
     .seeds =
         {File(
              R"({"__metadata__":{"format":"pt","tessy.training.base":"a"},"a":{"dtype":"F32","shape":[2,2],)"
              R"("data_offsets":[0,16]},"b":{"dtype":"I64","shape":[1],"data_offsets":[16,24]},)"
              R"("c":{"dtype":"BF16","shape":[],"data_offsets":[24,26]}})",
              26),
          File(R"({"a":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}})", 0),
          File("{}", 0)},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
