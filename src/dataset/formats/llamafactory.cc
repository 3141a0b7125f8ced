#include <fmt/format.h>

#include "base/utf8.h"
#include "dataset/formats/format_json.h"

// LLaMA-Factory: ShareGPT's `conversations`, or Alpaca's fields. Both with a dataset_info.json.
namespace tessy {
namespace {

std::string SystemOf(const TrainingRow& row) {
  return row.messages.front().role == "system" ? row.messages.front().content : std::string();
}

std::span<const Message> TurnsOf(const TrainingRow& row) {
  const std::span<const Message> messages(row.messages);
  return messages.front().role == "system" ? messages.subspan(1) : messages;
}

std::string ShareGptLine(const TrainingRow& row, bool /*by_part*/) {
  Json line = RowBegin(row);
  line["system"] = Sanitize(SystemOf(row));
  Json turns = Json::array();
  for (const Message& message : TurnsOf(row)) {
    turns.push_back(
        Json{{"from", message.role == "assistant" ? "gpt" : "human"}, {"value", Sanitize(message.content)}});
  }
  line["conversations"] = std::move(turns);
  return RowEnd(std::move(line), row);
}

std::string AlpacaLine(const TrainingRow& row, bool /*by_part*/) {
  const std::span<const Message> turns = TurnsOf(row);
  Json line = RowBegin(row);
  line["instruction"] = turns.size() < 2 ? "" : Sanitize(turns[turns.size() - 2].content);
  line["input"] = "";
  line["output"] = Sanitize(row.content());
  line["system"] = Sanitize(SystemOf(row));
  Json history = Json::array();
  for (size_t i = 0; i + 3 < turns.size(); i += 2) {
    history.push_back(Json::array({Sanitize(turns[i].content), Sanitize(turns[i + 1].content)}));
  }
  line["history"] = std::move(history);
  return RowEnd(std::move(line), row);
}

constexpr TemplateName kTemplates[] = {{"qwen3", "qwen3"}, {"deepseek-r1", "deepseekr1"}};

RecipeFile TrainingFile(const Recipe& recipe) {
  const TemplateLine named = TemplateOf(recipe, "LLaMA-Factory", kTemplates);
  return {"train_llamafactory.yaml",
          fmt::format(R"(# Fine-tunes the student on {data} with LLaMA-Factory.
#   pip install "llamafactory==0.9.5"      (the version that this was tried with; name it, or pip takes 0.8.3)
#   llamafactory-cli train train_llamafactory.yaml
model_name_or_path: "{checkpoint}"  # a folder, or a name at Hugging Face
stage: sft
do_train: true
finetuning_type: full

dataset_dir: .
dataset: tessy
# The template of thinking models: with another one the tokens around the thinking are not those that the student
# knows. Tried with qwen3 only.
template: "{template}"{remark}
# Without this all earlier turns of the assistant are trained, too.
mask_history: true
# The default of 2048 cuts rows. No row of {data} is longer than this.
cutoff_len: {tokens}

num_train_epochs: 9.0
learning_rate: 5.0e-5
lr_scheduler_type: cosine
# 128 rows a step: divide by the number of GPUs.
per_device_train_batch_size: 1
gradient_accumulation_steps: 128
bf16: true

output_dir: tuned
save_strategy: epoch
logging_steps: 10
report_to: none
)",
                      fmt::arg("data", recipe.data), fmt::arg("checkpoint", recipe.checkpoint),
                      fmt::arg("template", named.name), fmt::arg("remark", named.remark),
                      fmt::arg("tokens", recipe.tokens_max))};
}

std::vector<RecipeFile> ShareGptRecipe(const Recipe& recipe) {
  const Json info{{"tessy",
                   {{"file_name", recipe.data},
                    {"formatting", "sharegpt"},
                    {"columns", {{"messages", "conversations"}, {"system", "system"}}}}}};
  return {{"dataset_info.json", info.dump(1) + "\n"}, TrainingFile(recipe)};
}

std::vector<RecipeFile> AlpacaRecipe(const Recipe& recipe) {
  const Json info{{"tessy",
                   {{"file_name", recipe.data},
                    {"columns",
                     {{"prompt", "instruction"},
                      {"query", "input"},
                      {"response", "output"},
                      {"system", "system"},
                      {"history", "history"}}}}}};
  return {{"dataset_info.json", info.dump(1) + "\n"}, TrainingFile(recipe)};
}

std::optional<Result<ForeignRow>> ReadAlpaca(const Json& row) {
  const std::string instruction = TextField(row, "instruction");
  const std::string output = TextField(row, "output");
  if (IsBlankText(instruction) || output.empty()) return std::nullopt;
  const std::string input = TextField(row, "input");
  ForeignRow read;
  if (row.contains("history") && row["history"].is_array()) {
    for (const Json& pair : row["history"]) {
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
        return BadRow("has a history that is no list of pairs of texts");
      read.messages.push_back({"user", pair[0].get<std::string>()});
      read.messages.push_back({"assistant", pair[1].get<std::string>()});
    }
  }
  read.messages.push_back({"user", IsBlankText(input) ? instruction : instruction + "\n" + input});
  read.messages.push_back({"assistant", output});
  AddSystem(read.messages, TextField(row, "system"));
  return read;
}

constexpr Handling kVerbatim{.adds_thinking = true, .alternates = true};

}  // namespace

// Read as any list of turns is (messages.cc).
const ExportFormat& LlamaFactoryFormat() {
  static const ExportFormat format{.name = "llamafactory",
                                   .about = "LLaMA-Factory: ShareGPT's conversations",
                                   .carries = Ownership::kNone,
                                   .whole = kVerbatim,
                                   .by_part = {},
                                   .line = &ShareGptLine,
                                   .recipe = &ShareGptRecipe};
  return format;
}

const ExportFormat& AlpacaFormat() {
  static const ExportFormat format{.name = "llamafactory-alpaca",
                                   .about = "LLaMA-Factory: Alpaca's instruction and output",
                                   .carries = Ownership::kNone,
                                   .whole = kVerbatim,
                                   .by_part = {},
                                   .line = &AlpacaLine,
                                   .recipe = &AlpacaRecipe,
                                   .read = &ReadAlpaca};
  return format;
}

}  // namespace tessy
