#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/message.h"
#include "dataset/response.h"

// The rows that trainers read, one file a format in this folder. docs/export.md says what each of them loses.
namespace tessy {

// How much a token of each kind counts in the loss.
struct LossWeights {
  float capability = 1.0F;
  float style = 1.0F;
  float thinking = 1.0F;  // of a single writer
  float answer = 1.0F;
  float markup = 1.0F;  // the family's, and the end of the turn

  float Of(SpanKind kind) const;
  // False where all kinds count alike, so that nothing has to be said about parts of a response.
  bool by_part() const;
  // True if a kind counts neither fully nor not at all.
  bool is_fractional() const;
};

// A run of the assistant's content that counts alike. Offsets are bytes, end exclusive.
struct TrainingPart {
  size_t start = 0;
  size_t end = 0;
  float weight = 1.0F;

  bool operator==(const TrainingPart&) const = default;
};

// The parts that tile the content of the last message: one for each span, and one for each run of markup
// between them. Parts are not empty.
std::vector<TrainingPart> PartsOf(const Response& response, const LossWeights& weights);

// A conversation as the student's template writes it: `prompt` + the assistant's content + `end`.
struct RenderedRow {
  std::string prompt = {};
  std::string end = {};
  std::vector<int32_t> tokens = {};  // of the whole
  // Where each token begins, in bytes of the whole; ascending.
  std::vector<size_t> begins = {};
};

// One row to be written.
struct TrainingRow {
  std::string id;
  std::string question_id;
  std::vector<Message> messages;  // the last one is the assistant's
  std::vector<ResponseSpan> spans;
  std::vector<TrainingPart> parts;
  float end_weight = 1.0F;    // of what ends the turn
  bool weighted = false;      // rows of this file have fractional weights
  RenderedRow rendered = {};  // empty where no template was given

  const std::string& content() const { return messages.back().content; }
};

// The row of a response, which is not rendered yet.
TrainingRow RowOf(const Response& response, const LossWeights& weights);

// The weight of each token of the rendered row: that of the part that holds its first byte; 0 in the prompt.
// Counts in `straddling` the tokens that begin in one part and end in another that counts otherwise.
std::vector<float> TokenWeights(const TrainingRow& row, size_t& straddling);

// The things that a row of a format can say about the parts of a response.
enum class Ownership : uint8_t { kNone, kLoss, kWeight };

// How a trainer treats rows, in one of the two forms of a format.
struct Handling {
  // The trainer writes the assistant's turn by the student's template: text that the template loses is lost.
  bool by_template = false;
  bool needs_rendering = false;  // RenderedRow must be there
  // The trainer counts offsets of parts from where the template puts another text into the turn: it takes a
  // template that adds nothing to one.
  bool counts_offsets = false;
  bool parts_apart = false;  // parts are tokenised one by one: a seam in a token makes more of it
  // Thinking of earlier turns stays in the context, where the student's template drops it.
  bool keeps_earlier_thinking = false;
  bool adds_thinking = false;  // to a turn that has none
  bool alternates = false;     // takes a system turn at most, then user and assistant in turn
};

// The run that a recipe is written for.
struct Recipe {
  std::string data = "train.jsonl";
  std::string checkpoint;  // the student's folder or name at Hugging Face
  std::string family;      // "qwen3"; empty: it is not known
  uint64_t tokens_max = 40960;
  bool by_part = false;
  bool weighted = false;  // fractional weights
};

struct RecipeFile {
  std::string name;
  std::string text;
};

// The content of a foreign row.
struct ForeignRow {
  std::vector<Message> messages;         // the last one is the assistant's
  std::vector<TrainingPart> parts = {};  // of its content; empty: the row says nothing about parts
  // Fields that were read, besides those that many rows have; they are not kept as the source.
  std::vector<std::string> taken = {};
};

// A format. Constants of this folder's files; see table.cc.
struct ExportFormat {
  std::string_view name;
  std::string_view about;
  Ownership carries = Ownership::kNone;
  Handling whole;           // where all parts count alike
  Handling by_part;         // where they do not
  bool in_parquet = false;  // the lines become rows of a Parquet file
  // One line without its newline.
  std::string (*line)(const TrainingRow& row, bool by_part) = nullptr;
  // The files beside the rows: how the trainer is started. nullptr: there are none.
  std::vector<RecipeFile> (*recipe)(const Recipe& recipe) = nullptr;
  // None: the row is not of this format. An error says what is wrong with it. nullptr: rows of this format
  // are read as those of another one.
  std::optional<Result<ForeignRow>> (*read)(const nlohmann::ordered_json& row) = nullptr;
};

// All formats, in the order in which a row is offered to them.
std::span<const ExportFormat* const> ExportFormats();
const ExportFormat* FindExportFormat(std::string_view name);

// A row of responses.jsonl, or one of any format above. Rows in which `stats`, `sampling` or `closed_by` is
// there and not null are our own and read strictly (ParseResponse). Of others the spans come from `spans`
// where the row has them, else from its parts: in the thinking, what counts most is capability, the rest
// style. Where all of it counts alike, the thinking is that of one writer. The thinking ends as ThinkingOf
// finds it; one that stands apart is put before the text. The id is `id` or `id_ddm`, else made from the
// line; its question is `question_id`, else the id, of which rows with `spans` leave out the number behind
// the last slash. Fields that are not read are kept as the source. Errors as ParseResponse, and for half of a
// surrogate pair in what is read.
Result<Response> ParseAnyResponse(std::string_view line);

}  // namespace tessy
