#include <fmt/format.h>

#include "base/utf8.h"
#include "dataset/formats/format_json.h"
#include "dataset/thinking_apart.h"

// Axolotl, in two forms. `axolotl`: messages for its chat_template strategy, by part with `training_detail`.
// `axolotl-segments`: text in `segments` for input_output, with the prompt as the student's template writes
// it.
namespace tessy {
namespace {

// Code points; the end is inclusive.
Json DetailsOf(const TrainingRow& row) {
  Json details = Json::array();
  size_t at = 0;
  for (const TrainingPart& part : row.parts) {
    const size_t end = at + CountCodePoints(TextOf(row, part));
    details.push_back(Json{{"begin_offset", at}, {"end_offset", end - 1}, {"train", part.weight > 0.0F}});
    at = end;
  }
  return details;
}

std::string MessagesLine(const TrainingRow& row, bool by_part) {
  Json line = RowBegin(row);
  line["messages"] = MessageList(row.messages);
  Json& messages = line["messages"];
  for (size_t i = 0; i + 1 < messages.size(); ++i) messages[i]["training"] = false;
  if (by_part) {
    messages.back()["training_detail"] = DetailsOf(row);
  } else {
    messages.back()["training"] = true;
  }
  return RowEnd(std::move(line), row);
}

Json Segment(std::string_view text, bool label) { return Json{{"label", label}, {"text", Sanitize(text)}}; }

std::string SegmentsLine(const TrainingRow& row, bool /*by_part*/) {
  Json line = RowBegin(row);
  Json segments = Json::array({Segment(row.rendered.prompt, false)});
  for (const TrainingPart& part : row.parts)
    segments.push_back(Segment(TextOf(row, part), part.weight > 0.0F));
  segments.push_back(Segment(row.rendered.end, row.end_weight > 0.0F));
  line["segments"] = std::move(segments);
  // The template may have left something out of the prompt; the trainer passes over this.
  line["dialogs"] = MessageList(row.messages);
  return RowEnd(std::move(line), row);
}

RecipeFile RecipeWith(const Recipe& recipe, std::string_view dataset) {
  return {"train_axolotl.yml",
          fmt::format(R"(# Fine-tunes the student on {data} with Axolotl.
#   pip install "axolotl==0.21.0"      (the version that read such rows; it needs Python 3.12)
#   axolotl train train_axolotl.yml
# Rows and labels were tried with this file, the training was not: `axolotl preprocess --debug` shows the labels.
base_model: "{checkpoint}"  # a folder, or a name at Hugging Face
datasets:
  - path: {data}
    ds_type: json
{dataset}
# No row of {data} is longer than this; longer ones would be dropped.
sequence_len: {tokens}
sample_packing: false
# A folder that a killed preprocessing left behind makes the next one wait: name a fresh one then.
dataset_prepared_path: prepared

num_epochs: 9
learning_rate: 5.0e-5
lr_scheduler: cosine
optimizer: adamw_torch
# 128 rows a step: divide by the number of GPUs.
micro_batch_size: 1
gradient_accumulation_steps: 128
gradient_checkpointing: true
bf16: true
val_set_size: 0
output_dir: tuned
)",
                      fmt::arg("data", recipe.data), fmt::arg("checkpoint", recipe.checkpoint),
                      fmt::arg("dataset", dataset), fmt::arg("tokens", recipe.tokens_max))};
}

std::vector<RecipeFile> MessagesRecipe(const Recipe& recipe) {
  return {RecipeWith(recipe, R"(    type: chat_template
    field_messages: messages
    # Without these three all turns of the assistant are trained, and all parts of the last one.
    roles_to_train: []
    message_field_training: training
    message_field_training_detail: training_detail
    # The end of the turn is trained as well, or the student never stops.
    train_on_eos: turn
chat_template: tokenizer_default)")};
}

std::vector<RecipeFile> SegmentsRecipe(const Recipe& recipe) {
  return {RecipeWith(recipe, R"(    type: input_output
# Without this the prompt is trained, too.
train_on_inputs: false)")};
}

std::optional<Result<ForeignRow>> ReadMessages(const Json& row) {
  const Json* turns = TurnsIn(row, "messages");
  if (turns == nullptr || !turns->back().contains("training_detail")) return std::nullopt;
  const Json& details = turns->back()["training_detail"];
  if (!details.is_array() || details.empty()) return std::nullopt;
  auto read = ReadForeignTurns(*turns, row);
  if (!read) return read;
  const std::string_view content = read->messages.back().content;
  if (!ApartIn(turns->back()).key.empty() && content != TextField(turns->back(), "content"))
    return BadRow("has thinking apart from the content, and a training_detail that counts without it");
  const size_t code_points = CountCodePoints(content);
  size_t covered = 0;
  for (const Json& detail : details) {
    const auto number = [&](const char* key) {
      return detail.is_object() && detail.contains(key) && detail[key].is_number_unsigned();
    };
    if (!number("begin_offset") || !number("end_offset"))
      return BadRow("has a training_detail without offsets");
    const auto last = detail["end_offset"].get<size_t>();
    if (last >= code_points) {
      return BadRow(fmt::format("has a training_detail that ends at {}, past the content's {} characters",
                                last, code_points));
    }
    const size_t start = ByteOffset(content, detail["begin_offset"].get<size_t>());
    const size_t end = ByteOffset(content, last + 1);
    if (start < covered || end < start) return BadRow("has training_details that overlap, or not in order");
    const bool train =
        detail.contains("train") && detail["train"].is_boolean() && detail["train"].get<bool>();
    if (start < end) read->parts.push_back({.start = start, .end = end, .weight = train ? 1.0F : 0.0F});
    covered = end;
  }
  return read;
}

constexpr std::string_view kTurnStart = "<|im_start|>";
constexpr std::string_view kEndToken = "<|im_end|>";
constexpr std::string_view kTurnEnd = "<|im_end|>\n";

// The turns of a prompt in ChatML that ends where the assistant's turn begins; none if it is another markup.
std::optional<std::vector<Message>> TurnsOfPrompt(std::string_view prompt) {
  std::vector<Message> turns;
  while (prompt.starts_with(kTurnStart)) {
    prompt.remove_prefix(kTurnStart.size());
    const size_t line = prompt.find('\n');
    if (line == std::string_view::npos) return std::nullopt;
    const std::string role(prompt.substr(0, line));
    prompt.remove_prefix(line + 1);
    if (role == "assistant" && prompt.empty()) return turns;
    const size_t end = prompt.find(kTurnEnd);
    if (end == std::string_view::npos) return std::nullopt;
    turns.push_back({role, std::string(prompt.substr(0, end))});
    prompt.remove_prefix(end + kTurnEnd.size());
  }
  return std::nullopt;
}

// Of the last segment: what stands before the end of the turn, with or without its newline.
size_t BytesBeforeEnd(std::string_view text) {
  for (const std::string_view end : {kTurnEnd, kEndToken}) {
    if (text.ends_with(end)) return text.size() - end.size();
  }
  return text.size();
}

std::optional<Result<ForeignRow>> ReadSegments(const Json& row) {
  if (!row.contains("segments") || !row["segments"].is_array() || row["segments"].size() < 2) {
    return std::nullopt;
  }
  const Json& segments = row["segments"];
  for (const Json& segment : segments) {
    if (!segment.is_object() || !segment.contains("text") || !segment["text"].is_string())
      return BadRow("has a segment without a text");
  }
  auto turns = TurnsOfPrompt(segments[0]["text"].get_ref<const std::string&>());
  if (!turns) {
    return BadRow(
        "has segments whose first one is no prompt in ChatML (<|im_start|>…) that ends where the assistant's "
        "turn begins; other markup is not read back");
  }
  ForeignRow read{.messages = std::move(*turns)};
  std::string content;
  for (size_t i = 1; i < segments.size(); ++i) {
    std::string text = segments[i]["text"].get<std::string>();
    if (i + 1 == segments.size()) text.resize(BytesBeforeEnd(text));
    if (text.empty()) continue;
    const bool label = !segments[i].contains("label") || segments[i]["label"] != Json(false);
    read.parts.push_back(
        {.start = content.size(), .end = content.size() + text.size(), .weight = label ? 1.0F : 0.0F});
    content += text;
  }
  read.messages.push_back({"assistant", std::move(content)});
  if (const Json* list = TurnsIn(row, "dialogs"); list != nullptr && IsAssistantTurn(list->back())) {
    auto whole = ReadForeignTurns(*list, row);
    if (whole && whole->messages.back() == read.messages.back()) read.messages = std::move(whole->messages);
  }
  return read;
}

}  // namespace

const ExportFormat& AxolotlFormat() {
  static const ExportFormat format{.name = "axolotl",
                                   .about = "Axolotl's chat_template: messages; by part: training_detail",
                                   .carries = Ownership::kLoss,
                                   .whole = {.by_template = true},
                                   .by_part = {.by_template = true, .counts_offsets = true},
                                   .line = &MessagesLine,
                                   .recipe = &MessagesRecipe,
                                   .read = &ReadMessages};
  return format;
}

const ExportFormat& AxolotlSegmentsFormat() {
  static const ExportFormat format{.name = "axolotl-segments",
                                   .about = "Axolotl's input_output: segments of text, with or without loss",
                                   .carries = Ownership::kLoss,
                                   .whole = {.needs_rendering = true, .parts_apart = true},
                                   .by_part = {.needs_rendering = true, .parts_apart = true},
                                   .line = &SegmentsLine,
                                   .recipe = &SegmentsRecipe,
                                   .read = &ReadSegments};
  return format;
}

}  // namespace tessy
