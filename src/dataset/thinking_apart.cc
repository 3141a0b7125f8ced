#include "dataset/thinking_apart.h"

#include <fmt/format.h>

#include <utility>

#include "base/utf8.h"
#include "dataset/thinking.h"

namespace tessy {
namespace {

constexpr std::string_view kApart[] = {"reasoning_content", "reasoning", "thinking"};
constexpr const char* kBlanks = " \t\r\n";

std::string TextOf(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

ApartThinking ApartIn(const Json& object) {
  for (const std::string_view key : kApart) {
    if (std::string text = TextOf(object, key); !IsBlankText(text)) return {key, std::move(text)};
  }
  return {};
}

ApartThinking ApartInRow(const Json& row) {
  for (const std::string_view key : kApart) {
    std::string text = TextOf(row, key);
    const bool is_switch = key != kApart[0] && text.find_first_of(kBlanks) == std::string::npos;
    if (!is_switch && !IsBlankText(text)) return {key, std::move(text)};
  }
  return {};
}

bool MayBeText(const Json& part) {
  if (!part.is_object() || !part.contains("type")) return true;
  return part["type"].is_null() || part["type"] == "text";
}

std::optional<std::string> ThinkingInPart(const Json& part) {
  if (MayBeText(part)) return std::nullopt;
  if (ApartThinking apart = ApartIn(part); !apart.key.empty()) return std::move(apart.text);
  if (part["type"] == "thinking" || part["type"] == "reasoning") return TextOf(part, "text");
  return std::nullopt;
}

bool HasOwnThinking(std::string_view content, std::string_view apart) {
  const std::string_view thinking = ThinkingOf(content);
  if (thinking.data() == nullptr) return false;
  const bool is_opened = thinking.data() != content.data();
  const size_t first = apart.find_first_not_of(kBlanks);
  if (is_opened || first == std::string_view::npos) return true;
  apart = apart.substr(first, apart.find_last_not_of(kBlanks) + 1 - first);
  return thinking.find(apart) != std::string_view::npos;
}

std::string WithThinking(const std::string& thinking, const std::string& content) {
  return fmt::format("<think>\n{}\n</think>\n\n{}", thinking, content);
}

}  // namespace tessy
