// Packed tests of programs, as data sets of strangers bring them: a pickle, and a row.
#include "judge/code_tests.h"

#include <string>

#include "fuzz/target.h"
#include "judge/packed_text.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  if (const auto text = StringOfPickle(input)) {
    const bool inside =
        text->data() >= input.data() && text->data() + text->size() <= input.data() + input.size();
    Require(inside, "the string of a pickle lies in the pickle");
    Note("a pickle");
  } else {
    Note(text.error().message);
  }
  bool functional = false;
  const auto tests = ReadTestCases(input, functional, size_t{1} << 20);
  Note(tests ? "tests" : tests.error().message);
  const auto row = CodeTestsOf(input);
  Note(row ? "a row" : row.error().message);
  if (row) Require(row->public_count <= row->tests.size(), "there are no more public tests than tests");
}

const Registration kRegistered(
    {.name = "code_tests",
     .grammar = kJson,
     .seeds =
         {std::string("\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07[1, 2]\x0a\x94.", 22),
          std::string("\x80\x02X\x02\x00\x00\x00[]q\x00.", 12), "cos\nsystem\n(S'true'\ntR.",
          R"([{"input": "1", "output": "2", "testtype": "stdin"}])",
          "eJxrYJnawAABPTXR1UqZeQWlJUpWCkrGMXlKOgpK+aUlUAEziEBJanFJSWVBKkiouCQlM0+"
          "pVkcBSV9MqYFBqolCTKlZmpERuhkVOM2I"
          "naIHAOd+KaI=",
          R"({"public_test_cases": "[{\"input\": \"[1]\", \"output\": \"2\", \"testtype\": \"functional\"}]", )"
          R"("private_test_cases": "[]", "metadata": "{\"func_name\": \"f\"}"})",
          R"({"input_output": {"inputs": ["1", ["2"]], "outputs": ["1", "2"]}})",
          R"({"input_output": {"fn_name": "f", "inputs": [[1, [2]]], "outputs": [[3]]}})"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
