// docs/settings.md against the tables of settings that it is made from.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/testing/source_tree.h"
#include "eval/eval_settings.h"
#include "job/annotate_options.h"
#include "job/export_options.h"
#include "job/select_options.h"
#include "job/settings_page.h"
#include "job/synth_settings.h"
#include "job/train_settings.h"
#include "store/append_file.h"

namespace tessy {
namespace {

TEST(SettingsDoc, IsCurrent) {
  SynthOptions synth;
  AnnotateOptions annotate;
  ExportOptions exported;
  TrainBoundaryOptions boundary;
  TrainSftOptions sft;
  EvalOptions eval;
  SelectOptions select;
  const std::string page = SettingsPage({
      {.command = "synth", .about = "Makes a response for every question.", .settings = SynthSettings(synth)},
      {.command = "select",
       .about = "Chooses questions from source data.",
       .settings = SelectSettings(select)},
      {.command = "annotate",
       .about = "Marks the style in windows of responses.",
       .settings = AnnotateSettings(annotate)},
      {.command = "export",
       .about = "Makes a training set and a recipe for a trainer.",
       .settings = ExportSettings(exported)},
      {.command = "train boundary",
       .about = "Trains a boundary predictor on annotated windows.",
       .settings = TrainSettings(boundary)},
      {.command = "train sft", .about = "Tunes a student on responses.", .settings = TrainSettings(sft)},
      {.command = "eval",
       .about = "Grades a model, or responses that are there, by the answers of the questions.",
       .settings = EvalSettings(eval)},
  });
  const std::string path = InSource("docs/settings.md");
  if (std::getenv("TESSY_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(WriteWhole(path, page));
  }
  const auto text = ReadWhole(path);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, page) << "renew it with TESSY_UPDATE_GOLDEN=1";
}

}  // namespace
}  // namespace tessy
