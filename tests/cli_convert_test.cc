// Weights from one layout to the other, and what is refused.
#include "base/testing/source_tree.h"
#include "cli_fixture.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ConvertTest : public CliTest {
 protected:
  ProgramResult Convert(const Arguments& more) const {
    Arguments all{"model", "convert"};
    all.insert(all.end(), more.begin(), more.end());
    return Tessy(all);
  }
};

TEST_F(ConvertTest, APredictorThereAndBackDecidesTheSame) {
  WriteQuestions("q.jsonl", 4);
  const auto there = Convert({Model("boundary-student"), "--out", "checkpoint"});
  EXPECT_EQ(there.exit_status, 0) << there.err;
  EXPECT_THAT(there.out, HasSubstr("checkpoint: a classifier of 2 classes"));
  EXPECT_THAT(Read("checkpoint/config.json"), HasSubstr("Qwen3ForTokenClassification"));
  const auto back = Convert({"checkpoint", "--tokenizer", Model("student"), "--out", "back.gguf"});
  EXPECT_EQ(back.exit_status, 0) << back.err;
  EXPECT_EQ(RunSynth({"--exact", "--out", "original.jsonl"}).exit_status, 0);
  const auto synthesised = Tessy(Synth({"--exact", "--out", "back.jsonl"}, "back.gguf"));
  EXPECT_EQ(synthesised.exit_status, 0) << synthesised.err;
  EXPECT_EQ(Essence("back.jsonl"), Essence("original.jsonl"));
}

TEST_F(ConvertTest, ACheckpointOfTransformersBecomesAPredictor) {
  const std::string golden = InSource("tests/goldens/classifier");
  const auto result = Convert({golden, "--tokenizer", Model("student"), "--type", "f16", "--out", "p.gguf"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  const auto inspected = Tessy({"model", "inspect", "p.gguf"});
  EXPECT_EQ(inspected.exit_status, 0);
  EXPECT_THAT(inspected.out, AllOf(HasSubstr("boundary predictor"), HasSubstr("next-token labels")));
}

TEST_F(ConvertTest, WhatCannotBeConverted) {
  const std::string golden = InSource("tests/goldens/classifier");
  Write("there.gguf", "mine");
  ExpectRefusal(Convert({"nowhere.gguf", "--out", "x"}), {"nowhere.gguf", "no such"});
  ExpectRefusal(Convert({golden, "--out", "x.gguf"}), {"--tokenizer", ".gguf of the model's base"});
  ExpectRefusal(Convert({golden, "--tokenizer", Model("student"), "--out", "there.gguf"}),
                {"there.gguf: is there already"});
  ExpectRefusal(Convert({Model("student"), "--tokenizer", Model("student"), "--out", "x"}),
                {"--tokenizer", "ends in .gguf"});
  ExpectRefusal(Convert({".", "--tokenizer", Model("student"), "--out", "x.gguf"}), {"config.json"});
  EXPECT_EQ(Read("there.gguf"), "mine");
  EXPECT_FALSE(Exists("x"));
  EXPECT_FALSE(Exists("x.gguf"));
}

}  // namespace
}  // namespace tessy
