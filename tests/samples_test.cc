// What stands in samples/ is run: as its comments say, in the clone's root.
#include <filesystem>

#include "base/testing/source_tree.h"
#include "cli_fixture.h"

namespace tessy {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::SizeIs;

class SamplesTest : public CliTest {
 protected:
  static ProgramOptions InTheRoot() { return {.folder = InSource("")}; }
};

TEST_F(SamplesTest, TheRunFileMakesTwoResponsesOfAQuestion) {
  const auto result = RunProgram(
      {ProgramPath(), "synth", "samples/run.toml", "--limit", "3", "--out", Path("responses.jsonl")},
      InTheRoot());
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(Responses("responses.jsonl"), SizeIs(6));
  for (const auto& [id, response] : Responses("responses.jsonl")) EXPECT_EQ(response["seed"], 1) << id;
}

TEST_F(SamplesTest, TheProgramRunsAJobAndTellsItsProgress) {
  const auto folder = std::filesystem::path(ProgramPath()).parent_path();
  const auto result = RunProgram({(folder / "samples" / "embed").string(), "."}, InTheRoot());
  EXPECT_EQ(result.exit_status, 0) << result.out;
  EXPECT_EQ(result.err, "") << "a job prints nothing itself";
  EXPECT_THAT(result.out, HasSubstr("progress: 5 of 5 samples\n"));
  EXPECT_THAT(result.out, ContainsRegex("5 responses, 0 failed; [1-9][0-9]+ bytes of JSON\n"));
  const auto refused = RunProgram({(folder / "samples" / "embed").string(), "nowhere"}, InTheRoot());
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(refused.out, HasSubstr("nowhere/lab/"));
  EXPECT_EQ(refused.err, "");
}

}  // namespace
}  // namespace tessy
