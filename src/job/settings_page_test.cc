#include "job/settings_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/testing/source_tree.h"
#include "job/annotate_options.h"
#include "job/synth_settings.h"
#include "store/append_file.h"

namespace tessy {
namespace {

std::vector<SettingsSection> Sections(SynthOptions& synth, AnnotateOptions& annotate) {
  return {
      {.command = "synth", .about = "Makes a response for every question.", .settings = SynthSettings(synth)},
      {.command = "annotate",
       .about = "Marks the style in windows of responses.",
       .settings = AnnotateSettings(annotate)}};
}

TEST(SettingsPage, TheOneInDocsIsCurrent) {
  SynthOptions synth;
  AnnotateOptions annotate;
  const std::string page = SettingsPage(Sections(synth, annotate));
  const std::string path = InSource("docs/settings.md");
  if (std::getenv("TESSY_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(WriteWhole(path, page));
  }
  const auto text = ReadWhole(path);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, page) << "renew it with TESSY_UPDATE_GOLDEN=1";
}

TEST(SettingsPage, ARowTellsValuesDefaultAndWhatBinds) {
  uint32_t number = 7;
  std::vector<std::string> files;
  const std::string page = SettingsPage({{.command = "x",
                                          .about = "Does x.",
                                          .settings = {{.key = "number",
                                                        .value = &number,
                                                        .help = "a | b",
                                                        .group = "G",
                                                        .range = WholeRange{1, 9},
                                                        .recorded = {.as = Fingerprint::kValue}},
                                                       {.key = "files",
                                                        .value = &files,
                                                        .help = "to read",
                                                        .group = "G",
                                                        .type_name = "FILE",
                                                        .required = true,
                                                        .recorded = {.as = Fingerprint::kFile}}}}});
  EXPECT_THAT(page, testing::HasSubstr("## tessy x\nDoes x.\n\n### G\n"));
  EXPECT_THAT(page, testing::HasSubstr("| `number` | `UINT in [1 - 9]` | `7` | value | a \\| b |\n"));
  EXPECT_THAT(page, testing::HasSubstr("| `files` (needed) | `FILE, several` |  | file | to read |\n"));
}

}  // namespace
}  // namespace tessy
