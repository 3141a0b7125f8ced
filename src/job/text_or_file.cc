#include "job/text_or_file.h"

#include <fmt/format.h>

#include "base/file_text.h"
#include "base/utf8.h"
#include "job/settings.h"
#include "store/append_file.h"

namespace tessy {

Result<std::string> TextOrFile(const std::string& value) {
  const bool is_file = value.starts_with(kFileMark);
  const std::string path = is_file ? value.substr(kFileMark.size()) : "";
  const auto read = is_file ? ReadText(path) : Result<std::string>(value);
  if (!read) return read;
  std::string text = is_file ? AsPlainText(*read) : value;
  if (is_file && text.ends_with('\n')) text.pop_back();
  const auto refuse = [&](const char* what) {
    return Fail(ErrorCode::kInvalidData, fmt::format("{}: {}", is_file ? path : "its text", what));
  };
  if (is_file && IsBlankText(text)) return refuse("is blank");
  if (!IsValidUtf8(text) || text.find('\0') != std::string::npos) return refuse("is not UTF-8 text");
  return text;
}

}  // namespace tessy
