// docs/guide-openthoughts.md is run: its commands, as a reader would type them, on a miniature of the same
// shape and with the lab's models under the names of the page. The teacher's address alone is replaced, by
// the path of a model.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "base/testing/source_tree.h"
#include "cli_fixture.h"
#include "dataset/tables/duckdb.h"
#include "typed_commands.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr size_t kCode = kSanitized ? 23 : 33;  // questions of code; the page looks at 20 of them first
constexpr size_t kMath = 3;
constexpr size_t kRows = 16;  // that ask the same, as OpenThoughts3 has them

class GuideTest : public CliTest {
 protected:
  GuideTest() {
    std::ifstream stream(InSource("docs/guide-openthoughts.md"));
    std::ostringstream text;
    text << stream.rdbuf();
    for (const std::string& command : TypedCommands(text.str())) {
      commands_.push_back(std::regex_replace(command, std::regex("http://\\S+#\\S+"), "teacher.gguf"));
    }
    std::ifstream demo(InSource("lab/demo/questions.jsonl"));
    for (std::string line; std::getline(demo, line);) prompts_.push_back(Json::parse(line)["prompt"]);
    folder_ = Path("reader");
    MakeReadersFolder(folder_);
    for (const auto& [as, model] : {std::pair("qwen3-8b", "student"), std::pair("teacher", "teacher"),
                                    std::pair("qwen3-0.6b-base", "student")}) {
      fs::copy_file(Model(model), folder_ + "/" + as + ".gguf");
    }
  }

  // A shard with the columns of OpenThoughts3: each question with several responses, one row each.
  void WriteShard(const std::string& number, const std::string& domain, size_t first, size_t count) const {
    fs::create_directories(folder_ + "/OpenThoughts3-1.2M/data");
    std::string lines;
    for (size_t row = 0; row < count * kRows; ++row) {
      const std::string& prompt = prompts_[first + row % count];
      lines += Json{{"difficulty", domain == "code" ? Json(row % 10) : Json()},
                    {"source", "stackexchange_codegolf"},
                    {"domain", domain},
                    {"conversations",
                     {{{"from", "human"}, {"value", prompt}},
                      {{"from", "gpt"}, {"value", "<think>\nan old response\n</think>\n\n" + domain}}}}}
                   .dump() +
               "\n";
    }
    Write("rows.jsonl", lines);
    auto database = DuckDb::Open();
    ASSERT_TRUE(database) << database.error().message;
    const auto status = database->Run(
        "COPY (SELECT * FROM read_json(" + SqlText(Path("rows.jsonl")) +
        ", format='newline_delimited', columns={difficulty: 'BIGINT', source: 'VARCHAR', domain: 'VARCHAR', "
        "conversations: 'STRUCT(\"from\" VARCHAR, \"value\" VARCHAR)[]'})) TO " +
        SqlText(folder_ + "/OpenThoughts3-1.2M/data/train-" + number + "-of-00120.parquet") +
        " (FORMAT parquet, COMPRESSION zstd)");
    ASSERT_TRUE(status) << status.error().message;
  }
  // The corpus, and an evaluation that has one of its questions.
  void WriteMiniature() const {
    WriteShard("00000", "code", 0, 10);
    WriteShard("00024", "code", 10, kCode - 10);
    WriteShard("00025", "math", kCode, kMath);
    Write("reader/livecodebench.jsonl",
          Json{{"question_id", "1873_A"}, {"question_content", prompts_[1]}}.dump() + "\n");
  }
  std::vector<Json> Rows(const std::string& name) const {
    std::vector<Json> rows;
    for (const std::string& line : ReadLines("reader/" + name)) rows.push_back(Json::parse(line));
    return rows;
  }
  std::set<std::string> Files() const {
    std::set<std::string> files;
    for (const auto& entry : fs::directory_iterator(folder_)) files.insert(entry.path().filename());
    return files;
  }

  void ExpectQuestionsAreChosen() const;
  void ExpectATrainingSet() const;

  std::vector<std::string> commands_;
  std::vector<std::string> prompts_;
  std::string folder_;
};

void GuideTest::ExpectQuestionsAreChosen() const {
  const auto questions = Rows("questions.jsonl");
  EXPECT_THAT(questions, SizeIs(kCode - 1));
  std::set<std::string> asked;
  for (const Json& question : questions) {
    asked.insert(question["prompt"]);
    EXPECT_EQ(question["count"], kRows);
    EXPECT_EQ(question["domain"], "code");
    EXPECT_FALSE(question.contains("conversations"));
  }
  std::set<std::string> code(prompts_.begin(), prompts_.begin() + kCode);
  code.erase(prompts_[1]);
  EXPECT_EQ(asked, code);
  const auto rejected = Rows("questions.jsonl.run/rejected.jsonl");
  ASSERT_THAT(rejected, SizeIs(1));
  EXPECT_EQ(rejected[0]["reason"], "contaminated");
  EXPECT_EQ(rejected[0]["evaluation"]["id"], "1873_A");
}

// As LLaMA-Factory takes it.
void GuideTest::ExpectATrainingSet() const {
  const auto rows = Rows("training-set/train.jsonl");
  EXPECT_EQ(rows.size() + Rows("training-set/rejected.jsonl").size(), kCode - 1);
  EXPECT_GE(rows.size(), kCode - 3) << Read("reader/training-set/rejected.jsonl");
  std::set<std::string> asked;
  for (const Json& row : rows) {
    ASSERT_THAT(row["conversations"], SizeIs(2));
    EXPECT_EQ(row["conversations"][0]["from"], "human");
    EXPECT_EQ(row["conversations"][1]["from"], "gpt");
    const std::string text = row["conversations"][1]["value"];
    EXPECT_THAT(text, AllOf(HasSubstr("<think>"), HasSubstr("</think>"), Not(HasSubstr("an old response"))));
    asked.insert(row["conversations"][0]["value"]);
  }
  EXPECT_EQ(asked.size(), rows.size()) << "a question has several rows";
  const Json info = Json::parse(Read("reader/training-set/dataset_info.json"));
  EXPECT_EQ(info.begin().value()["file_name"], "train.jsonl");
  EXPECT_THAT(Read("reader/training-set/train_llamafactory.yaml"), HasSubstr("Qwen/Qwen3-8B"));
  EXPECT_THAT(Read("reader/training-set/README.md"),
              HasSubstr("| read: responses.jsonl | " + std::to_string(kCode - 1) + " |"));
#ifndef TESSY_WITHOUT_TORCH
  const auto trained = Tessy({"train", "sft", "--student", "reader/qwen3-8b.gguf", "--responses",
                              "reader/training-set/train.jsonl", "--steps", "2", "--out", "tuned.gguf"});
  EXPECT_EQ(trained.exit_status, 0) << trained.err;
#endif
}

TEST_F(GuideTest, SixCommandsLeadFromOpenThoughts3ToATrainingSetAndTheOthersRunToo) {
  WriteMiniature();
  ASSERT_GT(commands_.size(), 6U) << "the commands were not found: has the page another form now?";
  const auto before = Files();
  for (size_t i = 0; i < 6; ++i) {
    const auto result = RunTyped(commands_[i], folder_);
    ASSERT_EQ(result.exit_status, 0) << commands_[i] << result.err;
    if (i == 0) {
      EXPECT_EQ(Files(), before) << "a look writes nothing";
    } else if (i == 2) {
      EXPECT_THAT(ReadLines("reader/responses.jsonl"), SizeIs(20));
    } else if (i == 3) {
      EXPECT_THAT(result.out, AllOf(HasSubstr("‹S"), HasSubstr("‹T")));
    }
  }
  ExpectQuestionsAreChosen();
  EXPECT_THAT(ReadLines("reader/responses.jsonl"), SizeIs(kCode - 1));
  ExpectATrainingSet();

  Untrained untrained;
  for (size_t i = 6; i < commands_.size(); ++i) {
    if (untrained.Covers(commands_[i])) continue;
    const auto result = RunTyped(commands_[i], folder_);
    EXPECT_EQ(result.exit_status, 0) << commands_[i] << result.err;
  }
}

}  // namespace
}  // namespace tessy
