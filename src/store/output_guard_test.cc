#include "store/output_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

namespace tessy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class OutputGuardTest : public testing::Test {
 protected:
  OutputGuardTest() {
    fs::create_directories(folder_ / "out.run");
    fs::create_directories(folder_ / "weights");
    for (const char* name : {"in", "out.run/prompt.txt", "weights/config.json"})
      std::ofstream(folder_ / name) << 1;
    fs::create_symlink("in", folder_ / "link");
    fs::create_symlink(folder_ / "link", folder_ / "link-to-link");
    fs::create_hard_link(folder_ / "in", folder_ / "hard");
    fs::create_directory_symlink(folder_, folder_ / "here");
  }
  ~OutputGuardTest() override { fs::remove_all(folder_); }

  std::string Refusal(const std::string& out, const std::string& in) const {
    const std::vector<NamedPath> outputs{{"--out", folder_ / out}};
    const std::vector<NamedPath> inputs{{"--questions", folder_ / in}};
    const auto status = CheckOutputs(outputs, inputs);
    return status ? "" : status.error().message;
  }

  fs::path folder_ = fs::temp_directory_path() / ("output_guard_test." + std::to_string(getpid()));
};

TEST_F(OutputGuardTest, AnOutputThatIsAnInputIsRefusedByWhateverName) {
  for (const char* name : {"in", "link", "link-to-link", "hard", "./out.run/../in", "here/in", "here/link"}) {
    EXPECT_THAT(Refusal(name, "in"), HasSubstr("is the file of --questions")) << name;
    EXPECT_THAT(Refusal("in", name), HasSubstr("is the file of --questions")) << name;
  }
}

TEST_F(OutputGuardTest, AFileThatIsNotThereYetHasSeveralNamesToo) {
  const std::string path = folder_ / "new";
  EXPECT_TRUE(IsSameFile(path, folder_ / "./out.run/../new"));
  EXPECT_TRUE(IsSameFile(path, folder_ / "here/new"));
  EXPECT_FALSE(IsSameFile(path, folder_ / "in"));
}

TEST_F(OutputGuardTest, FoldersCountWithWhatIsInThem) {
  EXPECT_THAT(Refusal("out.run", "out.run/prompt.txt"), HasSubstr("is the folder of --questions"));
  EXPECT_THAT(Refusal("weights/config.json", "weights"), HasSubstr("is part of --questions"));
  EXPECT_EQ(Refusal("weights/new.gguf", "weights"), "");
}

TEST_F(OutputGuardTest, OthersAreNot) {
  EXPECT_EQ(Refusal("new", "in"), "");
  EXPECT_EQ(Refusal("in.run", "in"), "");
  EXPECT_EQ(Refusal("new", "none"), "");
  EXPECT_EQ(Refusal("in", "none"), "");
}

}  // namespace
}  // namespace tessy
