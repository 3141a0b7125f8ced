#include "judge/code_tests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <zlib.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/testing/source_tree.h"
#include "judge/packed_text.h"

namespace tessy {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

std::string Base64(const std::string& bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = (group << 8) | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      text += i + j > bytes.size() ? '=' : kDigits[(group >> (18 - 6 * j)) & 63];
    }
  }
  return text;
}

std::string Packed(const std::string& pickle) {
  uLongf size = compressBound(pickle.size());
  std::string bytes(size, '\0');
  compress(reinterpret_cast<Bytef*>(bytes.data()), &size, reinterpret_cast<const Bytef*>(pickle.data()),
           pickle.size());
  bytes.resize(size);
  return Base64(bytes);
}

// A pickle of protocol 4 with one BINUNICODE8.
std::string PickleOf(const std::string& text) {
  std::string pickle("\x80\x04\x8d", 3);
  for (size_t i = 0; i < 8; ++i) pickle += static_cast<char>((text.size() >> (8 * i)) & 0xFF);
  return pickle + text + "\x94.";
}

// private_tests.jsonl: `accept` null where either will do.
TEST(CodeTestsTest, GoldenFormsAreReadOrRefusedAndNeverExecuted) {
  std::ifstream file(InSource("src/judge/testdata/private_tests.jsonl"));
  size_t rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const Json row = Json::parse(line);
    if (row["private_test_cases"].is_null()) continue;  // the recipe has a test of its own
    bool functional = false;
    const auto tests = ReadTestCases(row["private_test_cases"].get<std::string>(), functional);
    if (row["accept"].is_null()) continue;
    EXPECT_EQ(tests.has_value(), row["accept"] == true) << row["id"] << (tests ? "" : tests.error().message);
    if (!tests) {
      EXPECT_FALSE(tests.error().message.empty());
    } else if (row["tests"].is_number()) {
      EXPECT_EQ(tests->size(), row["tests"]) << row["id"];
    }
  }
  EXPECT_EQ(rows, 24U);
}

TEST(CodeTestsTest, ABombIsRefusedBeforeItFillsTheMemory) {
  const std::string bomb = Packed(PickleOf(std::string(size_t{64} << 20, ' ') + R"([])"));
  bool functional = false;
  const auto read = ReadTestCases(bomb, functional);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->empty());
#ifndef TESSY_SANITIZED  // the sanitizers keep what was freed
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 512 * 1024);
#endif
  const auto refused = ReadTestCases(bomb, functional, size_t{1} << 20);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "it unpacks to more than 1.0 MiB");
}

TEST(CodeTestsTest, WhatAPickleMayNotDoIsNamed) {
  const auto message = [](const std::string& pickle) {
    const auto text = StringOfPickle(pickle);
    return text ? "read " + std::string(*text) : text.error().message;
  };
  EXPECT_EQ(message(PickleOf("x")), "read x");
  EXPECT_EQ(message("\x80\x02X\x01" + std::string(3, '\0') + "xq" + std::string(1, '\0') + ".rest"),
            "read x");
  EXPECT_THAT(message("cos\nsystem\n."), HasSubstr("(opcode 0x63); it is not executed"));
  EXPECT_EQ(message("\x8c\x01x\x8c\x01y."), "the pickle holds more than one string");
  EXPECT_EQ(message("\x8c\x05x."), "the pickle is cut short");
  EXPECT_EQ(message("\x8d" + std::string(8, '\xff') + "x."), "the pickle is cut short");
  EXPECT_EQ(message("."), "the pickle holds no string");
  EXPECT_EQ(message(""), "the pickle has no end");
}

TEST(CodeTestsTest, ARowOfLiveCodeBenchBringsPublicTestsFirst) {
  const std::string hidden =
      Packed(PickleOf(R"([{"input": "[2]\n3", "output": "6", "testtype": "functional"}])"));
  const Json row{{"public_test_cases", R"([{"input": "[1]\n2", "output": "2", "testtype": "functional"}])"},
                 {"private_test_cases", hidden},
                 {"metadata", R"({"func_name": "product"})"}};
  const auto tests = CodeTestsOf(row.dump());
  ASSERT_TRUE(tests) << tests.error().message;
  EXPECT_EQ(tests->function, "product");
  EXPECT_EQ(tests->public_count, 1U);
  ASSERT_EQ(tests->tests.size(), 2U);
  EXPECT_EQ(tests->tests[1].input, "[2]\n3");
  EXPECT_EQ(tests->tests[1].expected, "6");
  Json nameless = row;
  nameless.erase("metadata");
  EXPECT_THAT(CodeTestsOf(nameless.dump()).error().message, HasSubstr("func_name"));
  Json mixed = row;
  mixed["public_test_cases"] = R"([{"input": "1", "output": "2", "testtype": "stdin"}])";
  EXPECT_THAT(CodeTestsOf(mixed.dump()).error().message, HasSubstr("different kinds"));
  Json broken = row;
  broken["private_test_cases"] = "QUJD";
  EXPECT_EQ(CodeTestsOf(broken.dump()).error().message, "\"private_test_cases\": it is no zlib data");
}

TEST(CodeTestsTest, ARowOfAppsBringsTextsLinesOrCalls) {
  const auto text = CodeTestsOf(
      R"({"input_output": "{\"inputs\": [\"1\\n\", [\"2\", \"3\"]], \"outputs\": [\"1\", [\"5\"]]}"})");
  ASSERT_TRUE(text) << text.error().message;
  ASSERT_EQ(text->tests.size(), 2U);
  EXPECT_EQ(text->tests[1].input, "2\n3\n");
  EXPECT_EQ(text->tests[1].expected, "5\n");
  const auto call =
      CodeTestsOf(R"({"input_output": {"fn_name": "f", "inputs": [[[1, 2], "a"]], "outputs": [[7]]}})");
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->function, "f");
  EXPECT_EQ(call->tests[0].input, "[1,2]\n\"a\"");
  EXPECT_EQ(call->tests[0].expected, "7");
  EXPECT_FALSE(CodeTestsOf(R"({"input_output": {"inputs": ["1"], "outputs": []}})"));
  EXPECT_EQ(CodeTestsOf(R"({"prompt": "x"})").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace tessy
