#include <algorithm>
#include <array>

#include "dataset/formats/format.h"

namespace tessy {

// A new format: its file, its declaration here and its place in the table.
const ExportFormat& AxolotlSegmentsFormat();
const ExportFormat& AxolotlFormat();
const ExportFormat& XtunerFormat();
const ExportFormat& MsSwiftFormat();
const ExportFormat& TrlFormat();
const ExportFormat& LlamaFactoryFormat();
const ExportFormat& AlpacaFormat();
const ExportFormat& MessagesFormat();
const ExportFormat& ParquetFormat();
const ExportFormat& ReferenceFormat();

std::span<const ExportFormat* const> ExportFormats() {
  // The most particular first: the last ones take any row with turns.
  static const std::array formats{
      &AxolotlSegmentsFormat(), &AxolotlFormat(), &XtunerFormat(),   &MsSwiftFormat(), &TrlFormat(),
      &LlamaFactoryFormat(),    &AlpacaFormat(),  &MessagesFormat(), &ParquetFormat(), &ReferenceFormat()};
  return formats;
}

const ExportFormat* FindExportFormat(std::string_view name) {
  const auto formats = ExportFormats();
  const auto found = std::ranges::find(formats, name, [](const ExportFormat* f) { return f->name; });
  return found == formats.end() ? nullptr : *found;
}

}  // namespace tessy
