#include <fmt/format.h>

#include "dataset/formats/format_json.h"

// TRL's SFTTrainer. Whole: `prompt` and `completion`, lists of messages. By part: token ids with labels, and
// the turns as `dialogs` for people and for tessy.
namespace tessy {
namespace {

constexpr int kNotInLoss = -100;  // torch's CrossEntropyLoss passes over it

std::string Line(const TrainingRow& row, bool by_part) {
  Json line = RowBegin(row);
  if (!by_part) {
    const std::span<const Message> messages(row.messages);
    line["prompt"] = MessageList(messages.first(messages.size() - 1));
    line["completion"] = MessageList(messages.last(1));
    return RowEnd(std::move(line), row);
  }
  size_t straddling = 0;
  const std::vector<float> weights = TokenWeights(row, straddling);
  Json labels = Json::array();
  for (size_t i = 0; i < weights.size(); ++i) {
    labels.push_back(weights[i] > 0.0F ? row.rendered.tokens[i] : kNotInLoss);
  }
  line["input_ids"] = row.rendered.tokens;
  line["labels"] = std::move(labels);
  line["dialogs"] = MessageList(row.messages);
  return RowEnd(std::move(line), row);
}

std::vector<RecipeFile> WriteRecipe(const Recipe& recipe) {
  const char* columns = recipe.by_part ? R"(["input_ids", "labels"])" : R"(["prompt", "completion"])";
  const char* loss =
      recipe.by_part
          ? "    # What is trained stands in the column `labels` (-100: not in the loss). Without it\n"
            "    # TRL trains every token, the prompt's too: keep it among the columns above.\n"
          : "    # Without this the prompt is trained, too.\n"
            "    completion_only_loss=True,\n";
  return {
      {"train_trl.py", fmt::format(R"(# Fine-tunes the student on {data} with TRL.
#   pip install "trl==1.16.0" "transformers==5.24.0"      (the versions that this was tried with)
#   python train_trl.py
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

STUDENT = "{checkpoint}"  # a folder, or a name at Hugging Face

data = load_dataset("json", data_files="{data}", split="train")
data = data.select_columns({columns})

config = SFTConfig(
    output_dir="tuned",
{loss}    # TRL's default of 1024 cuts rows. No row of {data} is longer than this.
    max_length={tokens},
    num_train_epochs=9,
    learning_rate=5e-5,
    lr_scheduler_type="cosine",
    # 128 rows a step: divide by the number of GPUs.
    per_device_train_batch_size=1,
    gradient_accumulation_steps=128,
    gradient_checkpointing=True,
    bf16=True,
    save_strategy="epoch",
    report_to=[],
)
trainer = SFTTrainer(model=STUDENT, args=config, train_dataset=data)
trainer.train()
trainer.save_model()
)",
                                   fmt::arg("data", recipe.data), fmt::arg("checkpoint", recipe.checkpoint),
                                   fmt::arg("columns", columns), fmt::arg("loss", loss),
                                   fmt::arg("tokens", recipe.tokens_max))}};
}

std::optional<Result<ForeignRow>> ReadPair(const Json& row) {
  Json turns = Json::array();
  if (row["prompt"].is_string()) {
    turns.push_back(Json{{"role", "user"}, {"content", row["prompt"]}});
  } else if (row["prompt"].is_array()) {
    turns = row["prompt"];
  } else {
    return std::nullopt;
  }
  const Json& completion = row["completion"];
  if (completion.is_string()) {
    turns.push_back(Json{{"role", "assistant"}, {"content", completion}});
  } else if (completion.is_array()) {
    turns.insert(turns.end(), completion.begin(), completion.end());
  } else {
    return std::nullopt;
  }
  return ReadForeignTurns(turns, row);
}

std::optional<Result<ForeignRow>> Read(const Json& row) {
  if (row.contains("prompt") && row.contains("completion")) return ReadPair(row);
  const bool has_text = row.contains("messages") || row.contains("dialogs") ||
                        row.contains("conversations") || row.contains("prompt");
  if (row.contains("input_ids") && !has_text) {
    return BadRow(
        "holds token ids (input_ids) and no text; rows that tessy export writes have their turns in dialogs");
  }
  return std::nullopt;  // with dialogs: as any list of turns
}

}  // namespace

const ExportFormat& TrlFormat() {
  static const ExportFormat format{
      .name = "trl",
      .about = "TRL's SFTTrainer: prompt and completion; by part: input_ids and labels",
      .carries = Ownership::kLoss,
      .whole = {.by_template = true},
      .by_part = {.needs_rendering = true},
      .line = &Line,
      .recipe = &WriteRecipe,
      .read = &Read};
  return format;
}

}  // namespace tessy
