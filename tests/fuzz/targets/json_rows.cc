// The fields of rows as they are written, and JSON that strict readers refuse.
#include "dataset/json_fields.h"
#include "fuzz/target.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  const auto row = ParseObject(input);
  const std::string strict = AsStrictJson(input);
  Require(AsStrictJson(strict) == strict, "strict JSON stays as it is");
  HasHalfSurrogate(input);
  if (!row) return Note(row.error().message);
  const auto fields = RawFields(strict);
  size_t found = 0;
  for (const RawField& field : fields) {
    Require(Json::parse(AsStrictJson(field.key), nullptr, false) == Json(field.name),
            "a key is what it is written as");
    std::string compact;
    AppendCompact(compact, field.text);
    const Json value = Json::parse(compact, nullptr, false);
    Require(!value.is_discarded(), "a field is JSON by itself");
    Require(row->contains(field.name), "a field is in the row");
    found += row->at(field.name) == value ? 1 : 0;
    Note(KindOf(value));
  }
  Require(found >= row->size(), "the row has no more fields than are written");
}

const Registration kRegistered(
    {.name = "json_rows",
     .grammar = kJson,
     .seeds = {R"({"a":1,"b":{"c":[true,null,"x\"y\\"]}, "d" : -0.50e+3 })",
               "{\"a\":NaN,\"\\u0061\":[Infinity,-Infinity,1e999],\"b\":\"\\ud83d\"}",
               "\xEF\xBB\xBF{\"a\":\"\\ud83d\\ude00\",\"a\":2}", "[1]", "{"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
