#include "dataset/thinking.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/random.h"
#include "base/utf8.h"
#include "dataset/json_fields.h"
#include "dataset/line_reader.h"

namespace tessy {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";

std::string TextOf(const Json& row, const char* key) {
  return row.contains(key) && row[key].is_string() ? row[key].get<std::string>() : std::string();
}

bool IsAssistant(const Json& turn) {
  const std::string role = TextOf(turn, turn.contains("role") ? "role" : "from");
  return role == "assistant" || role == "gpt" || role == "model";
}

std::string OfTurn(const Json& turn) {
  std::string apart = TextOf(turn, "reasoning_content");
  if (!IsBlankText(apart)) return apart;
  return std::string(ThinkingOf(TextOf(turn, turn.contains("content") ? "content" : "value")));
}

std::string OfRow(const Json& row) {
  std::string apart = TextOf(row, "reasoning_content");
  if (!IsBlankText(apart)) return apart;
  for (const char* key : {"messages", "dialogs", "conversations"}) {
    if (!row.contains(key) || !row[key].is_array() || row[key].empty()) continue;
    const Json& last = row[key].back();
    if (last.is_object() && IsAssistant(last)) return OfTurn(last);
  }
  for (const char* key : {"output", "response", "content"}) {
    if (const std::string text = TextOf(row, key); !text.empty()) return std::string(ThinkingOf(text));
  }
  return "";
}

std::string IdOf(const Json& row, std::string_view line) {
  for (const char* key : {"id", "id_ddm"}) {
    if (!row.contains(key)) continue;
    if (row[key].is_string()) return row[key].get<std::string>();
    if (row[key].is_number_integer()) return row[key].dump();
  }
  return fmt::format("r-{:016x}", HashBytes(line));
}

Result<Thinking> ParseThinking(std::string_view line) {
  auto row = ParseObject(line);
  if (!row) return tl::unexpected(row.error());
  Thinking thinking{.trace_id = IdOf(*row, line), .text = OfRow(*row)};
  if (IsBlankText(thinking.text)) {
    return Fail(
        ErrorCode::kInvalidData,
        "there is no thinking in it: no assistant's turn at the end of messages, dialogs or conversations, "
        "and no output, that holds </think>");
  }
  return thinking;
}

}  // namespace

std::string_view ThinkingOf(std::string_view content) {
  const size_t close = content.find(kClose);
  if (close == std::string_view::npos) return {};
  std::string_view thinking = content.substr(0, close);
  const size_t first = thinking.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && thinking.substr(first).starts_with(kOpen)) {
    thinking.remove_prefix(first + kOpen.size());
  }
  return thinking;
}

Result<Thinkings> ReadThinkings(const std::string& path, bool skip_bad_lines) {
  auto lines = LineReader::Open(path);
  if (!lines) return tl::unexpected(lines.error());
  Thinkings read;
  std::unordered_set<std::string> ids;
  while (true) {
    const auto line = lines->Next();
    if (!line) return tl::unexpected(line.error());
    if (!*line) break;
    auto thinking = ParseThinking(**line);
    if (thinking && !ids.insert(thinking->trace_id).second) {
      thinking = Fail(ErrorCode::kInvalidData, fmt::format("id \"{}\" is there twice", thinking->trace_id));
    }
    if (thinking) {
      thinking->line = lines->line();
      read.thinkings.push_back(std::move(*thinking));
    } else if (skip_bad_lines) {
      read.bad_lines.push_back({.line = lines->line(), .reason = thinking.error().message});
    } else {
      return Fail(thinking.error().code, fmt::format("{}: {}; --skip-bad-lines passes over such lines",
                                                     lines->Where(), thinking.error().message));
    }
  }
  if (read.thinkings.empty())
    return Fail(ErrorCode::kInvalidData, fmt::format("{}: holds no response", path));
  return read;
}

}  // namespace tessy
