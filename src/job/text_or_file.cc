#include "job/text_or_file.h"

#include <fmt/format.h>

#include <string_view>

#include "base/utf8.h"
#include "job/settings.h"
#include "store/append_file.h"

namespace tessy {
namespace {

constexpr std::string_view kTextMark = "@@";  // a text that begins with kFileMark

}  // namespace

std::string FileOfText(const std::string& value) {
  const bool is_text = !value.starts_with(kFileMark) || value.starts_with(kTextMark);
  return is_text ? "" : value.substr(kFileMark.size());
}

Result<std::string> TextOrFile(const std::string& value) {
  const std::string path = FileOfText(value);
  const bool is_file = value.starts_with(kFileMark) && !value.starts_with(kTextMark);
  auto text =
      is_file ? ReadText(path) : Result<std::string>(value.starts_with(kTextMark) ? value.substr(1) : value);
  if (!text) return text;
  if (is_file && text->ends_with('\n')) text->pop_back();
  const auto refuse = [&](const char* what) {
    return Fail(ErrorCode::kInvalidData, fmt::format("{}: {}", is_file ? path : "its text", what));
  };
  if (!value.empty() && IsBlankText(*text)) return refuse("is blank");
  if (!IsValidUtf8(*text) || text->find('\0') != std::string::npos) return refuse("is not UTF-8 text");
  return text;
}

Result<std::string> WithoutFile(const std::string& value) {
  auto text = TextOrFile(value);
  if (text && text->starts_with(kFileMark)) text->insert(0, kFileMark);
  return text;
}

}  // namespace tessy
