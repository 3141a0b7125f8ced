#include "dataset/failure.h"

#include <fmt/format.h>

#include <utility>

#include "base/json_depth.h"
#include "dataset/json_fields.h"

namespace tessy {
namespace {

std::string TextOf(const Json& row, const char* key) {
  return row.contains(key) && row[key].is_string() ? row[key].get<std::string>() : "";
}

uint64_t CountOf(const Json& row, const char* key) {
  return row.contains(key) && row[key].is_number_unsigned() ? row[key].get<uint64_t>() : 0;
}

bool NamesASample(const Json& row) {
  return row.contains("question_id") && row["question_id"].is_string() && row.contains("sample") &&
         row["sample"].is_number_unsigned() && std::in_range<uint32_t>(row["sample"].get<uint64_t>());
}

}  // namespace

std::string ToJsonLine(const Failure& failure) {
  const Json row{{"question_id", failure.id},
                 {"sample", failure.sample.value_or(0)},
                 {"reason", failure.reason},
                 {"attempts", failure.attempts},
                 {"reasons", failure.reasons},
                 {"failed_attempts_tokens", failure.failed_attempts_tokens},
                 {"text_end", failure.text_end.value_or("")}};
  return row.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string NameOf(const Failure& failure) {
  return failure.sample ? fmt::format("{}/{}", failure.id, *failure.sample) : failure.id;
}

Result<Failure> ParseFailure(std::string_view line) {
  const Json row = ParseBounded<Json>(line);
  Failure failure;
  if (row.is_object() && NamesASample(row)) {
    failure.id = row["question_id"].get<std::string>();
    failure.sample = row["sample"].get<uint32_t>();
  } else if (row.is_object() && row.contains("id") && row["id"].is_string()) {
    failure.id = row["id"].get<std::string>();
  } else {
    return Fail(ErrorCode::kInvalidData, "not a record of a failure");
  }
  failure.reason = TextOf(row, "reason");
  failure.attempts = CountOf(row, "attempts");
  failure.failed_attempts_tokens = CountOf(row, "failed_attempts_tokens");
  if (row.contains("text_end") && row["text_end"].is_string()) {
    failure.text_end = row["text_end"].get<std::string>();
  }
  if (!row.contains("reasons") || !row["reasons"].is_array()) return failure;
  for (const Json& reason : row["reasons"]) {
    if (reason.is_string()) failure.reasons.push_back(reason.get<std::string>());
  }
  return failure;
}

}  // namespace tessy
