#include "dataset/formats/format_json.h"

// The rows of the published code: {"id_ddm", "dialogs", "n_tokens_total", "n_tokens_teacher",
// "n_tokens_student"}. See dataset/reference_format.h for rows that are written while they are made.
namespace tessy {
namespace {

std::string Line(const TrainingRow& row, bool /*by_part*/) {
  uint64_t teacher = 0;
  uint64_t student = 0;
  for (const ResponseSpan& span : row.spans) (span.role == Role::kTeacher ? teacher : student) += span.tokens;
  Json line{{"id_ddm", row.id}, {"question_id", row.question_id}};
  line["dialogs"] = MessageList(row.messages);
  // Nobody has counted the tokens of a foreign row.
  if (teacher + student > 0) {
    line["n_tokens_total"] = teacher + student;
    line["n_tokens_teacher"] = teacher;
    line["n_tokens_student"] = student;
  }
  return RowEnd(std::move(line), row);
}

}  // namespace

// Read as any list of turns is (messages.cc).
const ExportFormat& ReferenceFormat() {
  static const ExportFormat format{.name = "tessy-reference",
                                   .about = "the published code's rows: dialogs and counts of tokens",
                                   .carries = Ownership::kNone,
                                   .whole = {.by_template = true},
                                   .by_part = {},
                                   .line = &Line};
  return format;
}

}  // namespace tessy
