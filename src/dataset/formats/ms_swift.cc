#include <fmt/format.h>

#include "base/numbers.h"
#include "base/utf8.h"
#include "dataset/formats/format_json.h"

// ms-swift: `messages`, taken as they stand. By part: the response as several turns of the assistant, which
// the trainer joins, each with `loss` or `loss_scale`.
namespace tessy {
namespace {

std::string Line(const TrainingRow& row, bool by_part) {
  Json line = RowBegin(row);
  line["messages"] = MessageList(row.messages);
  if (!by_part) return RowEnd(std::move(line), row);
  const bool scales = row.weighted;
  const auto say = [scales](Json& turn, float weight) {
    if (scales) {
      turn["loss_scale"] = Decimal(weight);
    } else {
      turn["loss"] = weight > 0.0F;
    }
  };
  Json& messages = line["messages"];
  messages.erase(messages.size() - 1);
  for (Json& earlier : messages) {
    if (earlier["role"] == "assistant") say(earlier, 0.0F);
  }
  for (const TrainingPart& part : row.parts) {
    Json turn{{"role", "assistant"}, {"content", Sanitize(TextOf(row, part))}};
    say(turn, part.weight);
    messages.push_back(std::move(turn));
  }
  return RowEnd(std::move(line), row);
}

constexpr TemplateName kTemplates[] = {{"qwen3", "qwen3"}, {"deepseek-r1", "deepseek_r1"}};

std::vector<RecipeFile> WriteRecipe(const Recipe& recipe) {
  const TemplateLine named = TemplateOf(recipe, "ms-swift", kTemplates);
  std::string loss =
      recipe.by_part
          ? "# What is trained stands in the rows (loss, loss_scale): the default policy keeps to it.\n"
            "loss=(--loss_scale default"
          : "# Without last_round all earlier turns of the assistant are trained, too, with their thinking.\n"
            "loss=(--loss_scale last_round";
  loss += recipe.weighted ? ")\n# Without this the weights of the rows count as 0 or 1.\n"
                            "loss+=(--is_binary_loss_scale false)\n"
                          : ")\n";
  return {{"train_ms_swift.sh",
           fmt::format(R"sh(#!/usr/bin/env bash
# Fine-tunes the student on {data} with ms-swift.
#   pip install "ms-swift==4.6.0" "transformers==5.19.0"      (the versions that the rows were tried with)
#   bash train_ms_swift.sh      (what is typed behind it are more flags of swift sft, which win)
# ms-swift may ask for the type of a student that is a folder: bash train_ms_swift.sh --model_type qwen3
set -euo pipefail
cd "$(dirname "$0")"
student="{checkpoint}" # a folder, or a name at Hugging Face
{loss}# The template must be named, and its backend must be swift's own: with jinja the prompt is trained, too.
# Tried with qwen3 only.
template="{template}"{remark}
# No row of {data} is longer than --max_length; a row that were would be dropped, not cut.
# 128 rows a step: divide the accumulation by the number of GPUs.
swift sft --use_hf true --model "$student" --tuner_type full --torch_dtype bfloat16 \
  --template "$template" --template_backend swift "${{loss[@]}}" \
  --dataset {data} --split_dataset_ratio 0 \
  --max_length {tokens} --truncation_strategy delete \
  --num_train_epochs 9 --learning_rate 5e-5 --lr_scheduler_type cosine \
  --per_device_train_batch_size 1 --gradient_accumulation_steps 128 --gradient_checkpointing true \
  --output_dir tuned --save_strategy epoch --report_to none "$@"
)sh",
                       fmt::arg("data", recipe.data), fmt::arg("checkpoint", recipe.checkpoint),
                       fmt::arg("loss", loss), fmt::arg("template", named.name),
                       fmt::arg("remark", named.remark), fmt::arg("tokens", recipe.tokens_max))}};
}

bool SaysLoss(const Json& turn) {
  const auto has = [&](const char* key) { return turn.contains(key) && !turn[key].is_null(); };
  return turn.is_object() && (has("loss") || has("loss_scale"));
}

float WeightOf(const Json& turn) {
  if (turn.contains("loss_scale") && turn["loss_scale"].is_number()) return turn["loss_scale"].get<float>();
  return turn.contains("loss") && turn["loss"].is_boolean() && !turn["loss"].get<bool>() ? 0.0F : 1.0F;
}

std::optional<Result<ForeignRow>> Read(const Json& row) {
  const Json* turns = TurnsIn(row, "messages");
  if (turns == nullptr) return std::nullopt;
  size_t parts = 0;
  while (parts < turns->size() && IsAssistantTurn((*turns)[turns->size() - 1 - parts])) ++parts;
  if (parts < 2 || !SaysLoss(turns->back())) return std::nullopt;
  return JoinTurns(*turns, parts, row, &WeightOf);
}

}  // namespace

const ExportFormat& MsSwiftFormat() {
  static const ExportFormat format{
      .name = "ms-swift",
      .about = "ms-swift: messages; by part: several turns of the assistant with loss or loss_scale",
      .carries = Ownership::kWeight,
      .whole = {},
      .by_part = {.parts_apart = true, .keeps_earlier_thinking = true},
      .line = &Line,
      .recipe = &WriteRecipe,
      .read = &Read};
  return format;
}

}  // namespace tessy
