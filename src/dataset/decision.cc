#include "dataset/decision.h"

#include <fmt/format.h>

#include "base/blanks.h"
#include "base/json_depth.h"
#include "base/shorten.h"
#include "base/utf8.h"
#include "dataset/answer_json.h"
#include "dataset/json_fields.h"

namespace tessy {
namespace {

constexpr size_t kAnswerBytesMax = 64 << 10;

tl::unexpected<Error> Rejected(std::string_view reason, const std::string& detail) {
  return Fail(ErrorCode::kInvalidData, fmt::format("{}: {}", reason, detail));
}

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string TextIn(const Json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<Json> RowOfQuestion(std::string_view line) {
  auto row = ParseObject(line);
  if (row && TextIn(*row, "id").empty()) return Fail(ErrorCode::kInvalidData, "\"id\" is missing or no text");
  return row;
}

}  // namespace

Result<Decision> ReadDecision(std::string_view id, std::string_view answer) {
  if (answer.size() > kAnswerBytesMax) {
    return Rejected("too_long", fmt::format("the answer has {} bytes", answer.size()));
  }
  if (!IsValidUtf8(answer)) return Rejected("bad_utf8", "the answer is not UTF-8");
  const std::string_view text = JsonOfAnswer(answer);
  if (NestsDeeperThan(text, kNestingMax)) return Rejected("not_json", "the answer is nested too deeply");
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return Rejected("not_json", fmt::format("the answer is \"{}\"", Shortened(text)));
  if (!json.is_object()) return Rejected("not_an_object", fmt::format("the answer is {}", KindOf(json)));
  std::vector<bool> decisions;
  for (const auto& [name, value] : json.items()) {
    if (value.is_boolean()) decisions.push_back(value.get<bool>());
  }
  if (decisions.empty()) return Rejected("no_decision", "no field of the object is true or false");
  if (decisions.size() > 1) {
    return Rejected("several_decisions", fmt::format("{} fields are true or false", decisions.size()));
  }
  std::string reason(WithoutBlanksAround(TextIn(json, "reason")));
  if (reason.empty()) return Rejected("no_reason", "the object has no \"reason\" in words");
  return Decision{.id = std::string(id), .suits = decisions.front(), .reason = std::move(reason)};
}

std::string ToJsonLine(const Decision& decision) {
  return Dump({{"id", decision.id},
               {"suits", decision.suits},
               {"reason", decision.reason},
               {"teacher", decision.teacher},
               {"prompt", decision.prompt}});
}

Result<Decision> ParseDecision(std::string_view line) {
  const auto row = RowOfQuestion(line);
  if (!row) return tl::unexpected(row.error());
  if (!row->contains("suits") || !(*row)["suits"].is_boolean()) {
    return Fail(ErrorCode::kInvalidData, "\"suits\" is missing or neither true nor false");
  }
  return Decision{.id = TextIn(*row, "id"),
                  .suits = (*row)["suits"].get<bool>(),
                  .reason = TextIn(*row, "reason"),
                  .teacher = TextIn(*row, "teacher"),
                  .prompt = TextIn(*row, "prompt")};
}

std::string ToJsonLine(const Undecided& undecided) {
  return Dump({{"id", undecided.id},
               {"reason", undecided.reason},
               {"reasons", undecided.reasons},
               {"text_end", undecided.text_end}});
}

Result<Undecided> ParseUndecided(std::string_view line) {
  const auto row = RowOfQuestion(line);
  if (!row) return tl::unexpected(row.error());
  Undecided undecided{.id = TextIn(*row, "id"),
                      .reason = TextIn(*row, "reason"),
                      .reasons = {},
                      .text_end = TextIn(*row, "text_end")};
  if (const auto reasons = row->find("reasons"); reasons != row->end() && reasons->is_array()) {
    for (const Json& reason : *reasons) {
      if (reason.is_string()) undecided.reasons.push_back(reason.get<std::string>());
    }
  }
  return undecided;
}

}  // namespace tessy
