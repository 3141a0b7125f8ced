#include "dataset/formats/format_json.h"

// {"messages": [{"role", "content"}]}, as most programs read it: lines, or Parquet.
namespace tessy {
namespace {

std::string Line(const TrainingRow& row, bool /*by_part*/) {
  Json line = RowBegin(row);
  line["messages"] = MessageList(row.messages);
  return RowEnd(std::move(line), row);
}

constexpr const char* kTexts[] = {"output", "response", "content", "completion", "generation"};
constexpr const char* kAsked[] = {"prompt", "input", "question", "problem"};

// A text that is asked and a text that answers it.
std::optional<Result<ForeignRow>> ReadTexts(const Json& row) {
  for (const char* asked : kAsked) {
    for (const char* answer : kTexts) {
      const std::string question = TextField(row, asked);
      const std::string text = TextField(row, answer);
      if (question.empty() || text.empty()) continue;
      ForeignRow read{.messages = {{"user", question}, {"assistant", text}}, .taken = {asked, answer}};
      AddSystem(read.messages, TextField(row, "system"));
      AddSystem(read.messages, TextField(row, "system_prompt"));
      return read;
    }
  }
  return std::nullopt;
}

std::optional<Result<ForeignRow>> Read(const Json& row) {
  for (const char* key : {"messages", "dialogs", "conversations"}) {
    const Json* turns = TurnsIn(row, key);
    if (turns == nullptr) continue;
    if (IsAssistantTurn(turns->back())) return ReadForeignTurns(*turns, row);
    // The published code's rows may have the response beside the turns.
    const std::string text = TextField(row, "content");
    if (text.empty()) return BadRow(std::string("the last of its ") + key + " is not the assistant's");
    Json all = *turns;
    all.push_back(Json{{"role", "assistant"}, {"content", text}});
    auto read = ReadForeignTurns(all, row);
    if (read) read->taken.emplace_back("content");
    return read;
  }
  return ReadTexts(row);
}

}  // namespace

const ExportFormat& MessagesFormat() {
  static const ExportFormat format{.name = "messages",
                                   .about = "plain rows of messages, without a recipe",
                                   .carries = Ownership::kNone,
                                   .whole = {.by_template = true},
                                   .by_part = {},
                                   .line = &Line,
                                   .read = &Read};
  return format;
}

// Read as any table of messages is.
const ExportFormat& ParquetFormat() {
  static const ExportFormat format{.name = "parquet",
                                   .about = "the same rows of messages in a Parquet file",
                                   .carries = Ownership::kNone,
                                   .whole = {.by_template = true},
                                   .by_part = {},
                                   .in_parquet = true,
                                   .line = &Line};
  return format;
}

}  // namespace tessy
