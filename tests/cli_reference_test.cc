// --output-format tessy-reference: the rows of the published code in, the rows of the published code out.
#include "cli_fixture.h"

namespace tessy {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class ReferenceTest : public CliTest {
 protected:
  // Rows of both forms; the second and third have no id.
  ReferenceTest() {
    WriteQuestions("shipped.jsonl", 4);
    std::string text;
    size_t i = 0;
    for (const std::string& line : ReadLines("shipped.jsonl")) {
      const std::string prompt = Json::parse(line)["prompt"];
      Json row{{"level", 1.5}};
      if (i % 2 == 0) row["prompt"] = prompt;
      if (i % 2 == 1) {
        row["dialogs"] = {{{"role", "user"}, {"content", prompt}},
                          {{"role", "assistant"}, {"content", "old"}}};
      }
      if (i % 3 == 0) row["id_ddm"] = "given-" + std::to_string(i);
      text += row.dump() + "\n";
      ++i;
    }
    Write("q.jsonl", text);
  }
  ProgramResult Run(const Arguments& more) const {
    Arguments all{"--output-format", "tessy-reference", "--out", "r.jsonl"};
    all.insert(all.end(), more.begin(), more.end());
    return RunSynth(all);
  }
};

TEST_F(ReferenceTest, RowsComeBackWithTheResponseInThem) {
  const auto result = Run({"--exact"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  ASSERT_EQ(RunSynth({"--exact", "--out", "ours.jsonl"}).exit_status, 0);
  std::map<std::string, std::string> contents;  // by prompt
  for (const auto& [id, response] : Responses("ours.jsonl")) {
    contents[response["messages"][0]["content"]] = response["messages"][1]["content"];
  }
  const auto rows = ReadLines("r.jsonl");
  ASSERT_THAT(rows, SizeIs(4));
  size_t dialogs = 0;
  for (const std::string& line : rows) {
    const Json row = Json::parse(line);
    EXPECT_EQ(row["level"], 1.5);
    EXPECT_FALSE(row.contains("id"));
    EXPECT_EQ(row["n_tokens_total"],
              row["n_tokens_teacher"].get<size_t>() + row["n_tokens_student"].get<size_t>());
    EXPECT_GT(row["n_tokens_teacher"], 0);
    EXPECT_GT(row["n_tokens_student"], 0);
    if (row.contains("dialogs")) {
      ++dialogs;
      ASSERT_THAT(row["dialogs"], SizeIs(2));
      EXPECT_EQ(row["dialogs"][1]["content"], contents.at(row["dialogs"][0]["content"]));
    } else {
      EXPECT_EQ(row["content"], contents.at(row["prompt"]));
    }
  }
  EXPECT_EQ(dialogs, 2u);
}

TEST_F(ReferenceTest, TheSameCommandGoesOnWithWhatIsNotThere) {
  ASSERT_EQ(Run({"--limit", "2"}).exit_status, 0);
  const std::string two = Read("r.jsonl");
  const auto rest = Run({});
  EXPECT_EQ(rest.exit_status, 0) << rest.err;
  EXPECT_THAT(rest.err, HasSubstr("2 samples are there already, 2 to go"));
  const std::string four = Read("r.jsonl");
  EXPECT_TRUE(four.starts_with(two));
  EXPECT_THAT(Lines(four), SizeIs(4));
  EXPECT_THAT(Run({}).err, HasSubstr("r.jsonl: 4 responses"));
  EXPECT_EQ(Read("r.jsonl"), four);
}

TEST_F(ReferenceTest, AnnotateReadsBothShapes) {
  ASSERT_EQ(Run({}).exit_status, 0);
  const auto result = Tessy({"annotate", "--responses", "r.jsonl", "--annotator", "lexicon",
                             "--windows-per-response", "1", "--out", "a.jsonl"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("4 of 4 windows annotated"));
}

TEST_F(ReferenceTest, WhatItsLinesCannotTellApartIsRefused) {
  ExpectRefusal(Run({"--samples-per-question", "2"}), {"--samples-per-question 2", "--output-format tessy"});
  Write("q.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n{\"prompt\": \"a\"}\n");
  ExpectRefusal(Run({}), {"q.jsonl:3: asks what line 1 asks", "id_ddm"});
  WriteQuestions("q.jsonl", 2);
  ASSERT_EQ(RunSynth({"--out", "r.jsonl"}).exit_status, 0);
  ExpectRefusal(Run({}), {"r.jsonl", "output_format", "--fresh"});
}

}  // namespace
}  // namespace tessy
