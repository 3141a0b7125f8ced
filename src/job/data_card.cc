#include "job/data_card.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/numbers.h"
#include "job/export_job.h"

namespace tessy {
namespace {

// What flags and reasons mean, for the reader of the card.
struct Meaning {
  const char* name;
  const char* meaning;
};
constexpr Meaning kMeanings[] = {
    {"answer_alone", "asked for without thinking, which the rows cannot say"},
    {"bad_line", "no response, or not JSON"},
    {"closed_otherwise", "the thinking was closed by somebody whom --closed-by does not name"},
    {"control_token_in_text", "a tokenizer would take a part of the text for markup"},
    {"duplicate", "a row with the same id and text is written already"},
    {"earlier_thinking_kept",
     "the trainer shows the thinking of earlier turns, which the student's template drops"},
    {"no_expected_answer", "nobody says what the right answer is"},
    {"no_owners", "the thinking is of one writer, and all of it is in the loss"},
    {"no_question", "no turn of the user"},
    {"no_response", "the assistant's text is blank"},
    {"no_thinking", "the trainer would put an empty thinking into it"},
    {"not_among_best", "--per-question keeps others of its question"},
    {"other_method", "a method that --methods does not name"},
    {"template_fails", "the student's template refuses the messages"},
    {"template_loses_text", "the student's template does not write the response as it stands"},
    {"too_long", "more tokens than --tokens-max"},
    {"too_short", "fewer tokens than --tokens-min"},
    {"turns_do_not_alternate", "the trainer takes user and assistant in turn"},
    {"wrong_answer", "the answer is not the question's"}};

std::string_view MeaningOf(const std::string& name) {
  for (const Meaning& meaning : kMeanings) {
    if (name == meaning.name) return meaning.meaning;
  }
  return "";
}

std::string LicenceOf(const Response& response) {
  const auto source = nlohmann::json::parse(response.source_json, nullptr, false);
  if (!source.is_object()) return "not named";
  for (const char* key : {"license", "licence"}) {
    if (source.contains(key) && source[key].is_string()) return source[key].get<std::string>();
  }
  return "not named";
}

// A cell of a Markdown table, whatever the text holds.
std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : c == '\n' || c == '\r' ? " " : std::string(1, c);
  return out;
}

std::string CountsTable(const ExportResult& result) {
  std::string text = "| | rows | |\n|---|---:|---|\n";
  text += fmt::format("| read | {} | |\n", result.read);
  for (const auto& [reason, count] : result.rejected)
    text += fmt::format("| left out: `{}` | {} | {} |\n", reason, count, MeaningOf(reason));
  text += fmt::format("| in `{}` | {} | {} from other data (`--mix`) |\n", result.files.front(), result.rows,
                      result.mixed);
  for (const auto& [flag, count] : result.flagged)
    text += fmt::format("| flagged: `{}` | {} | {} |\n", flag, count, MeaningOf(flag));
  if (!result.is_checked)
    return text + "\nNo template was given: rows are not checked, and tokens not counted.\n";
  return text +
         fmt::format(
             "\n{} tokens of the student, {} of them in the loss; the longest row has {}. {} begin in one "
             "part "
             "of a response and end in another that counts otherwise; they count as their first byte does.\n",
             WithThousands(result.tokens), WithThousands(result.tokens_in_loss),
             WithThousands(result.tokens_longest), WithThousands(result.straddling));
}

std::string SettingsTable(ExportOptions& options) {
  std::string text = "| setting | value |\n|---|---|\n";
  for (const Setting& setting : ExportSettings(options)) {
    const std::string value = TextOf(setting);
    if (!value.empty()) text += fmt::format("| `{}` | {} |\n", setting.key, Cell(value));
  }
  return text;
}

}  // namespace

void DataCard::Add(const Response& response, bool is_mixed) {
  ++licences_[LicenceOf(response)];
  if (is_mixed) return;
  const auto count = [](Counts& counts, const std::string& name) {
    if (!name.empty()) ++counts[name];
  };
  count(methods_, response.method);
  count(students_, response.models.student);
  count(teachers_, response.models.teacher);
  count(boundaries_, response.models.student_boundary);
  count(boundaries_, response.models.teacher_boundary);
  count(closed_by_, response.closed_by);
  if (response.models == ModelNames()) return;  // a foreign row: nothing is known of its sampling
  const SamplingRecord& s = response.sampling;
  ++sampling_[fmt::format("temperature {:g}, top-p {:g}, top-k {}, min-p {:g}", s.temperature, s.top_p,
                          s.top_k, s.min_p)];
  ++seeds_[std::to_string(response.seed)];
}

std::string DataCard::Listed(const Counts& counts) {
  std::string text;
  for (const auto& [name, count] : counts)
    text += fmt::format("{}{} ({})", text.empty() ? "" : "; ", Cell(name), count);
  return text.empty() ? "not named" : text;
}

std::string DataCard::Text(const ExportResult& result, ExportOptions options,
                           const std::string& rows_sha256) const {
  const ExportFormat& format = FormatOf(options);
  std::string text = fmt::format("# Training set for {}\n\nMade by `tessy export` (tessy " TESSY_VERSION
                                 ") of responses. Rows: {}. `rejected.jsonl` tells of every response "
                                 "that was left out where it stands and why.\n\n## Counts\n\n",
                                 format.name, format.about);
  text += CountsTable(result);
  text += "\n## Where the responses come from\n\n";
  text += "Counts are those before `--per-question`.\n\n| | |\n|---|---|\n";
  for (const auto& [name, counts] :
       {std::pair("methods", &methods_), std::pair("students", &students_), std::pair("teachers", &teachers_),
        std::pair("boundary predictors", &boundaries_), std::pair("thinking closed by", &closed_by_),
        std::pair("sampling", &sampling_), std::pair("seeds", &seeds_),
        std::pair("licences of the questions", &licences_)}) {
    text += fmt::format("| {} | {} |\n", name, Listed(*counts));
  }
  text += "\n## Files\n\n| file | rows | SHA-256 |\n|---|---:|---|\n";
  text += fmt::format("| `{}` | {} | `{}` |\n", result.files.front(), result.rows, rows_sha256);
  for (const DataSource& source : sources_) {
    text += fmt::format("| read: {}{} | {} | {} |\n", Cell(source.path), source.is_mixed ? " (--mix)" : "",
                        source.rows, source.sha256.empty() ? "not a file" : "`" + source.sha256 + "`");
  }
  return text + "\n## Settings\n\n" + SettingsTable(options);
}

}  // namespace tessy
