#include "judge/code_extraction.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/testing/source_tree.h"
#include "judge/final_answer.h"

namespace tessy {
namespace {

using Json = nlohmann::json;

std::string TextOf(const Json& value) { return value.is_string() ? value.get<std::string>() : std::string(); }

// extract.jsonl: what the official extractors took from the text after the thinking.
TEST(CodeExtractionTest, GoldenResponsesGiveTheOfficialCode) {
  std::ifstream file(InSource("src/judge/testdata/extract.jsonl"));
  size_t rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const Json row = Json::parse(line);
    const auto response = row["response"].get<std::string>();
    const auto answer = AfterThinking(response);
    EXPECT_EQ(!answer, row["truncated"] == true) << row["id"];
    const std::string text(answer.value_or(""));
    EXPECT_EQ(text, row["answer_text"]) << row["id"];
    const Json& expected = row["expected"];
    EXPECT_EQ(CodeIn(text, CodeRule::kLastFence), TextOf(expected["lcb"])) << row["id"];
    EXPECT_EQ(CodeIn(text, CodeRule::kFirstFence), TextOf(row["opencompass_v1_first_fence"])) << row["id"];
    EXPECT_EQ(CodeIn(text, CodeRule::kLastFence), TextOf(row["opencompass_v2"])) << row["id"];
    EXPECT_EQ(CodeIn(text, CodeRule::kCppProgram), TextOf(expected["lcb_pro"])) << row["id"];
    EXPECT_EQ(CodeIn(text, CodeRule::kOjBenchCpp), TextOf(expected["ojbench_cpp"])) << row["id"];
    EXPECT_EQ(CodeIn(text, CodeRule::kOjBenchPython), TextOf(expected["ojbench_python"])) << row["id"];
  }
  EXPECT_EQ(rows, 63U);
}

TEST(CodeExtractionTest, AMainThatIsNeverCalledIsCalled) {
  EXPECT_EQ(CodeIn("```python\ndef main():\n    print(1)\n```", CodeRule::kOjBenchPython),
            "def main():\n    print(1)\nmain()");
}

TEST(CodeExtractionTest, MarksOfTurnsInsideAProgramAreKept) {
  EXPECT_EQ(AfterThinking("<think>x</think>\n\nprint('<|im_end|>')"), "print('<|im_end|>')");
  EXPECT_EQ(AfterThinking("<think>x"), std::nullopt);
}

TEST(CodeExtractionTest, LongTextsTakeNoLongerThanTheirLength) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "int main(\n#include\n```cpp\n";
  const auto begin = std::chrono::steady_clock::now();
  for (const auto rule :
       {CodeRule::kLastFence, CodeRule::kFirstFence, CodeRule::kCppProgram, CodeRule::kOjBenchCpp}) {
    CodeIn(text, rule);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

}  // namespace
}  // namespace tessy
