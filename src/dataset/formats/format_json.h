#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataset/formats/format.h"
#include "dataset/json_fields.h"

// Helpers of the formats, for the .cc files of this folder.
namespace tessy {

// {"role", "content"} of each message.
Json MessageList(std::span<const Message> messages);
// The begin of every row: its id and its question.
Json RowBegin(const TrainingRow& row);
// Appends who wrote what, for readers of ours (trainers pass over it), and gives the line.
std::string RowEnd(Json row, const TrainingRow& input);
std::string_view TextOf(const TrainingRow& row, const TrainingPart& part);

tl::unexpected<Error> BadRow(std::string reason);

// A turn as it is written: `role` or `from`, `content` or `value`, thinking apart or not.
Result<Message> ReadForeignTurn(const Json& turn);
// A list of turns that ends in one of the assistant, with the system's text beside it, if there is one.
Result<ForeignRow> ReadForeignTurns(const Json& list, const Json& row);
// Drops the last `count` turns and puts one turn of the assistant with all their texts in their place; the
// texts become parts with these weights.
Result<ForeignRow> JoinTurns(const Json& list, size_t count, const Json& row,
                             float (*weight)(const Json& turn));
// The list under `key`, if it is one of turns.
const Json* TurnsIn(const Json& row, const char* key);
bool IsAssistantTurn(const Json& turn);
// A text field; empty if it is no text or not there.
std::string TextField(const Json& row, const char* key);
// A trainer's name for the chat template of one of our families.
struct TemplateName {
  std::string_view family;
  std::string_view name;
};
// A recipe writes this for the template: its name, and a remark for the end of that line where none of
// `known` is that of the recipe's family. The name is then one that no trainer has, so that it does not start
// with a wrong one.
struct TemplateLine {
  std::string name = {};
  std::string remark = {};
};
TemplateLine TemplateOf(const Recipe& recipe, std::string_view trainer, std::span<const TemplateName> known);
// Puts the system's text before the messages, unless it is blank or they have one.
void AddSystem(std::vector<Message>& messages, const std::string& system);

}  // namespace tessy
