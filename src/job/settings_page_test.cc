#include "job/settings_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tessy {
namespace {

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
