#include "judge/code_tests.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/blanks.h"
#include "base/json_depth.h"
#include "judge/packed_text.h"

namespace tessy {
namespace {

using Json = nlohmann::json;

tl::unexpected<Error> Bad(std::string message) { return Fail(ErrorCode::kInvalidData, std::move(message)); }

Result<std::vector<CodeTest>> TestsIn(Json list, bool& functional) {
  if (!list.is_array()) return Bad("it is no JSON list of tests");
  std::vector<CodeTest> tests;
  tests.reserve(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    Json& test = list[i];
    for (const char* field : {"input", "output", "testtype"}) {
      if (!test.is_object() || !test.contains(field) || !test[field].is_string()) {
        return Bad(fmt::format("test {} has no text \"{}\"", i + 1, field));
      }
    }
    const auto& type = test["testtype"].get_ref<const std::string&>();
    if (type != "stdin" && type != "functional") {
      return Bad(fmt::format("test {} is neither of the testtype \"stdin\" nor \"functional\"", i + 1));
    }
    const bool calls = type == "functional";
    if (i > 0 && calls != functional) return Bad("tests of both kinds, stdin and functional, are mixed");
    functional = calls;
    tests.push_back({.input = std::move(test["input"].get_ref<std::string&>()),
                     .expected = std::move(test["output"].get_ref<std::string&>())});
  }
  return tests;
}

Result<std::vector<CodeTest>> ReadField(const Json& row, const char* field, bool& functional) {
  if (!row.contains(field)) return std::vector<CodeTest>{};
  if (!row[field].is_string()) return Bad(fmt::format("\"{}\" is no text", field));
  auto tests = ReadTestCases(row[field].get_ref<const std::string&>(), functional);
  if (!tests) return Bad(fmt::format("\"{}\": {}", field, tests.error().message));
  return tests;
}

// An object that some files hold as its text.
Json ObjectOf(const Json& value) {
  if (value.is_object()) return value;
  return value.is_string() ? ParseBounded<Json>(value.get_ref<const std::string&>()) : Json();
}

Result<CodeTests> LiveCodeBenchTests(const Json& row) {
  bool functional = false;
  auto tests = ReadField(row, "public_test_cases", functional);
  if (!tests) return tl::unexpected(tests.error());
  bool hidden_functional = functional;
  auto hidden = ReadField(row, "private_test_cases", hidden_functional);
  if (!hidden) return tl::unexpected(hidden.error());
  if (tests->empty()) functional = hidden_functional;
  if (functional != hidden_functional) return Bad("public and private tests are of different kinds");
  CodeTests all;
  all.public_count = tests->size();
  all.tests = *std::move(tests);
  std::move(hidden->begin(), hidden->end(), std::back_inserter(all.tests));
  if (all.tests.empty()) return Bad("the row has no tests");
  if (!functional) return all;
  const Json metadata = row.contains("metadata") ? ObjectOf(row["metadata"]) : Json();
  if (!metadata.is_object() || !metadata.contains("func_name") || !metadata["func_name"].is_string()) {
    return Bad("\"metadata\" names no \"func_name\" that the tests call");
  }
  all.function = metadata["func_name"].get<std::string>();
  return all;
}

// Standard input or output as APPS has it: a text, or a list of its lines.
Result<std::string> TextOrLines(const Json& value, size_t test) {
  if (value.is_string()) return value.get<std::string>();
  std::string text;
  if (!value.is_array())
    return Bad(fmt::format("\"input_output\": test {} is neither text nor lines", test + 1));
  for (const Json& line : value) {
    if (!line.is_string())
      return Bad(fmt::format("\"input_output\": a line of test {} is no text", test + 1));
    text += line.get_ref<const std::string&>() + "\n";
  }
  return text;
}

std::string Written(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

Result<CodeTest> CallOf(const Json& arguments, const Json& expected, size_t test) {
  if (!arguments.is_array())
    return Bad(fmt::format("\"input_output\": test {} has no list of arguments", test + 1));
  std::string lines;
  for (const Json& argument : arguments) lines += (lines.empty() ? "" : "\n") + Written(argument);
  // The value stands in a list of one.
  const bool wrapped = expected.is_array() && expected.size() == 1;
  return CodeTest{.input = std::move(lines), .expected = Written(wrapped ? expected[0] : expected)};
}

Result<CodeTests> AppsTests(const Json& field) {
  const Json object = ObjectOf(field);
  const bool whole = object.is_object() && object.contains("inputs") && object.contains("outputs") &&
                     object["inputs"].is_array() && object["outputs"].is_array();
  if (!whole) return Bad("\"input_output\" has no lists \"inputs\" and \"outputs\"");
  const Json& inputs = object["inputs"];
  const Json& outputs = object["outputs"];
  if (inputs.size() != outputs.size() || inputs.empty()) {
    return Bad(fmt::format("\"input_output\" has {} inputs and {} outputs", inputs.size(), outputs.size()));
  }
  CodeTests all;
  if (object.contains("fn_name") && object["fn_name"].is_string())
    all.function = object["fn_name"].get<std::string>();
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!all.function.empty()) {
      auto test = CallOf(inputs[i], outputs[i], i);
      if (!test) return tl::unexpected(test.error());
      all.tests.push_back(*std::move(test));
      continue;
    }
    auto input = TextOrLines(inputs[i], i);
    if (!input) return tl::unexpected(input.error());
    auto expected = TextOrLines(outputs[i], i);
    if (!expected) return tl::unexpected(expected.error());
    all.tests.push_back({.input = *std::move(input), .expected = *std::move(expected)});
  }
  return all;
}

}  // namespace

Result<std::vector<CodeTest>> ReadTestCases(std::string_view field, bool& functional, size_t bytes_max) {
  const std::string_view text = WithoutBlanksAround(field);
  if (text.empty()) return Bad("it is empty");
  if (text[0] == '[' || text[0] == '{') {
    Json list = ParseBounded<Json>(text);
    if (list.is_discarded()) return Bad("it is no JSON");
    return TestsIn(std::move(list), functional);
  }
  auto unpacked = UnpackedText(text, bytes_max);
  if (!unpacked) return tl::unexpected(unpacked.error());
  Json list = ParseBounded<Json>(*unpacked);
  unpacked->clear();
  unpacked->shrink_to_fit();
  if (list.is_discarded()) return Bad("what is packed in it is no JSON");
  return TestsIn(std::move(list), functional);
}

Result<CodeTests> CodeTestsOf(std::string_view row) {
  const Json object = ParseBounded<Json>(row);
  if (!object.is_object()) return Bad("the row is no JSON object");
  if (object.contains("public_test_cases") || object.contains("private_test_cases"))
    return LiveCodeBenchTests(object);
  if (object.contains("input_output")) return AppsTests(object["input_output"]);
  return Fail(ErrorCode::kNotFound,
              "the row has no tests: none of public_test_cases, private_test_cases, input_output");
}

}  // namespace tessy
