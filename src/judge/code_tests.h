#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tessy {

// One test of a program.
struct CodeTest {
  std::string input;     // for a function: a JSON value a line, one for each argument
  std::string expected;  // what is printed; for a function: the JSON value that it returns
};

// The tests of a problem, as rows of data sets have them.
struct CodeTests {
  std::string function;  // the method of the class Solution, or the function, that is called; empty: the
                         // program reads standard input
  std::vector<CodeTest> tests;  // the public ones first
  size_t public_count = 0;
};

// The most bytes that packed tests may unpack to.
inline constexpr size_t kUnpackedTestsMax = size_t{512} << 20;

// The tests of the text of one field public_test_cases or private_test_cases of LiveCodeBench: a JSON list of
// objects with the strings `input`, `output` and `testtype` ("stdin" or "functional", the same in all), as it
// stands or packed (UnpackedText). Nothing of it is executed. `functional` says which of the two it is; it is
// left as it is by a list without tests.
Result<std::vector<CodeTest>> ReadTestCases(std::string_view field, bool& functional,
                                            size_t bytes_max = kUnpackedTestsMax);

// The tests that a row (a JSON object) brings, in the forms of
// - LiveCodeBench: public_test_cases, private_test_cases, and the name of the function in metadata's
// func_name;
// - APPS and TACO: input_output, an object or its text with `inputs`, `outputs` and perhaps fn_name.
// kNotFound where the row has no such field; kInvalidData, naming the field, where it cannot be read. Pure.
Result<CodeTests> CodeTestsOf(std::string_view row);

}  // namespace tessy
