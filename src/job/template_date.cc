#include "job/template_date.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "job/settings_record.h"

namespace tessy {

std::string TemplateDate(const std::string& given, const std::string& recorded) {
  if (!given.empty()) return given;
  if (std::string begun = RecordedText(recorded, "template_date"); !begun.empty()) return begun;
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace tessy
