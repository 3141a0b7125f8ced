#include "dataset/thinking.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/random.h"
#include "base/utf8.h"
#include "dataset/formats/format.h"
#include "dataset/json_fields.h"
#include "dataset/line_reader.h"
#include "dataset/response.h"
#include "dataset/thinking_apart.h"

namespace tessy {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

struct Markers {
  std::string_view open;
  std::string_view close;
  bool open_may_lack;  // where the template writes it, the content begins with the thinking
};
constexpr Markers kMarkers[] = {
    {"<think>", "</think>", true},           {"<|begin_of_thought|>", "<|end_of_thought|>", true},
    {"<thinking>", "</thinking>", false},    {"<thought>", "</thought>", false},
    {"<seed:think>", "</seed:think>", true}, {"[THINK]", "[/THINK]", true}};
constexpr std::string_view kClose = kMarkers[0].close;
// Of the fields for thinking, the one that is nothing else.
constexpr std::string_view kSurelyApart = "reasoning_content";
constexpr const char* kTurns[] = {"messages", "dialogs", "conversations"};
constexpr const char* kContents[] = {"output", "response", "content", "completion", "generation"};

std::string TextOf(const Json& row, const char* key) {
  return row.contains(key) && row[key].is_string() ? row[key].get<std::string>() : std::string();
}

bool IsAssistant(const Json& turn) {
  const bool has_role = turn.contains("role") && !turn["role"].is_null();
  const std::string role = TextOf(turn, has_role ? "role" : "from");
  for (const char* assistant : {"assistant", "gpt", "model", "chatgpt", "bot", "ai"}) {
    if (role == assistant) return true;
  }
  return false;
}

// A content is a text or a list of parts, some of which may be thinking.
std::string OfContent(const Json& content) {
  if (content.is_string()) return std::string(ThinkingOf(content.get_ref<const std::string&>()));
  if (!content.is_array()) return {};
  std::string joined;
  std::string thinking;
  for (const Json& part : content) {
    if (const auto apart = ThinkingInPart(part)) {
      thinking.append(thinking.empty() ? "" : "\n").append(*apart);
      continue;
    }
    const std::string text = part.is_string() ? part.get<std::string>() : "";
    if (!part.is_object() && text.empty()) continue;
    joined.append(joined.empty() ? "" : "\n").append(part.is_object() ? TextOf(part, "text") : text);
  }
  return thinking.empty() ? std::string(ThinkingOf(joined)) : thinking;
}

std::string OfTurn(const Json& turn) {
  ApartThinking apart = ApartIn(turn);
  if (!apart.key.empty()) return std::move(apart.text);
  const char* key = turn.contains("content") ? "content" : "value";
  return turn.contains(key) ? OfContent(turn[key]) : "";
}

bool EndsInAssistant(const Json& list) {
  return list.is_array() && !list.empty() && list.back().is_object() && IsAssistant(list.back());
}

std::string OfRow(const Json& row) {
  const ApartThinking apart = ApartInRow(row);
  if (apart.key == kSurelyApart) return apart.text;
  for (const char* key : kTurns) {
    if (row.contains(key) && EndsInAssistant(row[key])) return OfTurn(row[key].back());
  }
  for (const char* key : kContents) {
    if (!row.contains(key)) continue;
    std::string text = EndsInAssistant(row[key]) ? OfTurn(row[key].back()) : OfContent(row[key]);
    if (!IsBlankText(text)) return text;
  }
  return apart.text;
}

// Where the spans say what of the content is thinking, nobody has to guess which of several </think> ends it.
std::string OfResponse(const Response& response) {
  const std::string& content = response.messages.back().content;
  size_t end = 0;
  for (const ResponseSpan& span : response.spans) {
    if (span.kind != SpanKind::kAnswer) end = ByteOffset(content, span.end);
  }
  const size_t close = content.find(kClose, end);
  if (end == 0 || close == std::string::npos) return std::string(ThinkingOf(content));
  return std::string(ThinkingOf(std::string_view(content).substr(0, close + kClose.size())));
}

std::string IdOf(const Json& row, std::string_view line) {
  for (const char* key : {"id", "id_ddm"}) {
    if (!row.contains(key)) continue;
    if (row[key].is_string()) return row[key].get<std::string>();
    if (row[key].is_number_integer()) return row[key].dump();
  }
  return fmt::format("r-{:016x}", HashBytes(line));
}

bool StandsAlone(std::string_view text, size_t at, size_t bytes) {
  const size_t before = at == 0 ? at : text.find_last_not_of(" \t\r", at - 1);
  const size_t after = text.find_first_not_of(" \t\r", at + bytes);
  const bool begins = at == 0 || before == std::string_view::npos || text[before] == '\n';
  return begins && (after == std::string_view::npos || text[after] == '\n');
}

// Of several marks the first that stands alone on its line ends the thinking, because texts that only name
// the mark have it inside a line; else the last.
size_t CloseIn(std::string_view content, std::string_view close) {
  size_t last = std::string_view::npos;
  for (size_t at = content.find(close); at < content.size(); at = content.find(close, at + close.size())) {
    if (StandsAlone(content, at, close.size())) return at;
    last = at;
  }
  return last;
}

Result<Thinking> ParseThinking(std::string_view line) {
  auto row = ParseObject(line);
  if (!row) return tl::unexpected(row.error());
  const auto ours = row->contains("spans") ? ParseAnyResponse(line) : Fail(ErrorCode::kInvalidData, "");
  Thinking thinking{.trace_id = IdOf(*row, line), .text = ours ? OfResponse(*ours) : OfRow(*row)};
  // Rows that hold a response in parts.
  if (IsBlankText(thinking.text)) {
    if (const auto joined = ParseAnyResponse(line)) thinking.text = OfResponse(*joined);
  }
  if (IsBlankText(thinking.text)) {
    return Fail(
        ErrorCode::kInvalidData,
        "there is no thinking in it: no assistant's turn at the end of messages, dialogs or conversations, "
        "and no output, response, content, completion or generation, that holds </think> or has its thinking "
        "apart (reasoning_content, reasoning, thinking)");
  }
  return thinking;
}

}  // namespace

std::string_view ThinkingOf(std::string_view content) {
  const size_t first = content.find_first_not_of(kBlanks);
  const std::string_view text = first == std::string_view::npos ? "" : content.substr(first);
  for (const Markers& markers : kMarkers) {
    const bool opened = text.starts_with(markers.open);
    const size_t close = opened || markers.open_may_lack ? CloseIn(content, markers.close) : content.npos;
    if (close == std::string_view::npos) continue;
    std::string_view thinking = content.substr(0, close);
    if (opened) thinking.remove_prefix(std::min(thinking.size(), first + markers.open.size()));
    return thinking;
  }
  return {};
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
