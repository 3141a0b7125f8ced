// What scripts/setup.sh says to people who want a program for a graphics card and lack what it needs.
#include <unistd.h>

#include <filesystem>

#include "base/testing/source_tree.h"
#include "cli_fixture.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

// The script with a PATH that has hardly anything in it.
class SetupTest : public testing::Test {
 protected:
  SetupTest() {
    folder_ = fs::path(testing::TempDir()) / ("setup_test_" + std::to_string(getpid()));
    fs::create_directories(folder_);
    for (const char* tool : {"dirname", "uname"}) {
      fs::create_symlink(std::string("/usr/bin/") + tool, folder_ / tool);
    }
  }
  ~SetupTest() override { fs::remove_all(folder_); }
  ProgramResult RunScript(const std::string& argument) const {
    return RunProgram({"/bin/bash", InSource("scripts/setup.sh"), argument},
                      {.environment = {"PATH=" + folder_.string(), "CUDA_PATH=" + folder_.string()}});
  }

  fs::path folder_;
};

TEST_F(SetupTest, MissingToolsOfVulkanAreNamedInOneLine) {
  const auto result = RunScript("--vulkan");
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(result.out, "") << "nothing is installed";
  EXPECT_THAT(Lines(result.err), SizeIs(1));
  EXPECT_THAT(result.err, AllOf(HasSubstr("setup: VULKAN=1 needs"), HasSubstr("apt-get install glslc")));
}

TEST_F(SetupTest, CudaOutsideThePathIsFound) {
  fs::create_directories(folder_ / "bin");
  fs::create_symlink("/bin/true", folder_ / "bin" / "nvcc");
  const auto result = RunScript("--cuda");
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(Lines(result.err), SizeIs(1));
  EXPECT_THAT(result.err, HasSubstr("export PATH=$PATH:" + (folder_ / "bin").string()));
}

}  // namespace
}  // namespace tessy
