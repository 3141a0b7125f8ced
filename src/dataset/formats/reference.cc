#include "dataset/formats/format_json.h"

// The rows of the published code: {"id_ddm", "dialogs", "n_tokens_total", "n_tokens_teacher",
// "n_tokens_student"}. See dataset/reference_format.h for rows that are written while they are made.
namespace tessy {
namespace {

std::string Line(const TrainingRow& row, bool /*by_part*/) {
  uint64_t teacher = 0;
  uint64_t student = 0;
  for (const ResponseSpan& span : row.spans) (span.role == Role::kTeacher ? teacher : student) += span.tokens;
  Json line{{"id_ddm", row.id}};
  line["dialogs"] = MessageList(row.messages);
  line["n_tokens_total"] = teacher + student;
  line["n_tokens_teacher"] = teacher;
  line["n_tokens_student"] = student;
  return RowEnd(std::move(line), row);
}

std::vector<RecipeFile> NoRecipe(const Recipe& /*recipe*/) { return {}; }

std::optional<Result<ForeignRow>> Read(const Json& /*row*/) { return std::nullopt; }

}  // namespace

// Read as any list of turns is (messages.cc).
const ExportFormat& ReferenceFormat() {
  static const ExportFormat format{.name = "tessy-reference",
                                   .about = "the published code's rows: dialogs and counts of tokens",
                                   .carries = Ownership::kNone,
                                   .whole = {.by_template = true},
                                   .by_part = {},
                                   .line = &Line,
                                   .recipe = &NoRecipe,
                                   .read = &Read};
  return format;
}

}  // namespace tessy
