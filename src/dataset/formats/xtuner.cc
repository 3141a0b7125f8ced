#include <fmt/format.h>

#include "base/utf8.h"
#include "dataset/formats/format_json.h"

// XTuner V1: `messages`, taken as they stand; earlier turns of the assistant with "loss": false. By part: the
// response as turns of the role `pretrain` with `loss`.
namespace tessy {
namespace {

constexpr const char* kPart = "pretrain";

Json Part(std::string_view text, bool loss) {
  return Json{{"role", kPart}, {"content", Sanitize(text)}, {"loss", loss}};
}

std::string Line(const TrainingRow& row, bool by_part) {
  Json line = RowBegin(row);
  line["messages"] = MessageList(row.messages);
  Json& messages = line["messages"];
  for (size_t i = 0; i + 1 < messages.size(); ++i) {
    if (messages[i]["role"] == "assistant") messages[i]["loss"] = false;
  }
  if (!by_part) return RowEnd(std::move(line), row);
  messages.erase(messages.size() - 1);
  for (const TrainingPart& part : row.parts) messages.push_back(Part(TextOf(row, part), part.weight > 0.0F));
  // The trainer ends the turns that it writes itself; this one ends here.
  std::string_view end = row.rendered.end;
  while (end.ends_with('\n')) end.remove_suffix(1);
  messages.push_back(Part(end, row.end_weight > 0.0F));
  return RowEnd(std::move(line), row);
}

constexpr TemplateName kTemplates[] = {{"qwen3", "qwen3"}};

std::vector<RecipeFile> WriteRecipe(const Recipe& recipe) {
  const TemplateLine named = TemplateOf(recipe, "XTuner", kTemplates);
  return {{"train_xtuner.py",
           fmt::format(R"(# Fine-tunes the student on {data} with XTuner V1.
#   git clone https://github.com/InternLM/xtuner   (its V1 is not on PyPI; the rows were tried with commit b934f4620)
#   torchrun --nproc-per-node 8 xtuner/v1/train/cli/sft.py --config train_xtuner.py
# This file was not run to the end by tessy's authors: compare it with the examples of your version of XTuner.
from xtuner.v1.config import AdamWConfig, LRConfig
from xtuner.v1.datasets.config import DataloaderConfig, DatasetConfig
from xtuner.v1.datasets.sft_tokenize_fn import OpenaiTokenizeFunctionConfig
from xtuner.v1.loss import CELossConfig
from xtuner.v1.model.dense.qwen3 import Qwen3Dense8BConfig
from xtuner.v1.train import TrainerConfig

STUDENT = "{checkpoint}"  # the folder with config.json and the weights
TEMPLATE = "{template}"{remark}

# The loss of each turn stands in the rows ("loss"): a turn without it is trained, earlier ones of the assistant too.
# Longer rows would be cut; no row of {data} is longer than max_length.
tokenize = OpenaiTokenizeFunctionConfig(chat_template=TEMPLATE, max_length={tokens})
trainer = TrainerConfig(
    model_cfg=Qwen3Dense8BConfig(),  # the student's architecture and size
    load_from=STUDENT,
    tokenizer_path=STUDENT,
    dataset_cfg=[{{"dataset": DatasetConfig(name="tessy", anno_path="{data}"), "tokenize_fn": tokenize}}],
    # A sample of the batch is a row: XTuner's default packs several rows into one, and 128 would be many more. Its
    # code was read for this, not run. Rows are not filled up to pack_max_length; sequence parallelism needs that they are.
    dataloader_cfg=DataloaderConfig(
        pack_level="none", group_by_length=False, pack_max_length={tokens}, pack_to_max_length=False
    ),
    optim_cfg=AdamWConfig(lr=5e-5),
    lr_cfg=LRConfig(lr_type="cosine", warmup_ratio=0),
    loss_cfg=CELossConfig(),
    global_batch_size=128,  # rows a step, on all GPUs together
    total_epoch=9,
    work_dir="tuned",
)
)",
                       fmt::arg("data", recipe.data), fmt::arg("checkpoint", recipe.checkpoint),
                       fmt::arg("template", named.name), fmt::arg("remark", named.remark),
                       fmt::arg("tokens", recipe.tokens_max))}};
}

float WeightOf(const Json& turn) {
  return turn.contains("loss") && turn["loss"].is_boolean() && turn["loss"].get<bool>() ? 1.0F : 0.0F;
}

bool IsPart(const Json& turn) { return turn.is_object() && TextField(turn, "role") == kPart; }

// A single control token such as <|im_end|>; tags such as <answer>42</answer> are text.
bool IsTurnEnd(std::string_view text) {
  if (text == "</s>" || text == "<end_of_turn>") return true;
  if (text.find('<', 1) != std::string_view::npos) return false;
  return (text.starts_with("<|") && text.ends_with("|>")) ||
         (text.starts_with("<｜") && text.ends_with("｜>"));
}

std::optional<Result<ForeignRow>> Read(const Json& row) {
  const Json* turns = TurnsIn(row, "messages");
  if (turns == nullptr || !IsPart(turns->back())) return std::nullopt;
  size_t parts = 0;
  while (parts < turns->size() && IsPart((*turns)[turns->size() - 1 - parts])) ++parts;
  // In rows of ours the last part always ends the turn. Tables of several kinds of rows have null in others.
  const bool is_ours = row.contains("spans") && row["spans"].is_array();
  const bool ends = is_ours || IsTurnEnd(TextField(turns->back(), "content"));
  if (parts < 2 || !ends) return JoinTurns(*turns, parts, row, &WeightOf);
  Json without_end = *turns;
  without_end.erase(without_end.size() - 1);
  return JoinTurns(without_end, parts - 1, row, &WeightOf);
}

}  // namespace

const ExportFormat& XtunerFormat() {
  static const ExportFormat format{
      .name = "xtuner",
      .about = "XTuner V1: messages; by part: turns of the role pretrain with loss",
      .carries = Ownership::kLoss,
      .whole = {.keeps_earlier_thinking = true},
      .by_part = {.needs_rendering = true, .parts_apart = true, .keeps_earlier_thinking = true},
      .line = &Line,
      .recipe = &WriteRecipe,
      .read = &Read};
  return format;
}

}  // namespace tessy
