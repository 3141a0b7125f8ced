#include "model/llama/backend_library.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "model/llama/accelerators.h"
#include "model/llama/testing/test_models.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Built beside this test from testing/fake_backend.cc.
std::string FakeBackend() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libfake_backend.so";
}

// Whether this process finds the library's device, with the memory that only a library has whose ggml is the
// program's own.
bool FindsItsDevice() {
  ::setenv("TESSY_GPU_BACKEND", FakeBackend().c_str(), 1);
  for (int times = 0; times < 2; ++times) {
    const auto found = FindAccelerators();
    if (!found || found->devices.empty()) return false;
    const Accelerator& device = found->devices.back();
    if (device.name != "Fake0" || device.free_bytes != uint64_t{6} << 30) return false;
    if (LayersOnDevices({}, false, *found) != kAllLayers) return false;
  }
  return true;
}

// In a process of its own, because a backend stays.
TEST(BackendLibraryDeathTest, ItsDeviceIsFoundAndItsGgmlIsTheProgramsOwn) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::exit(FindsItsDevice() ? 0 : 1), testing::ExitedWithCode(0), "");
}

TEST(BackendLibrary, AFileThatIsNoneIsNamedWithTheReason) {
  const std::string text = TemporaryPath("text.so");
  std::ofstream(text) << "hello\n";
  for (const std::string& path : {std::string("nowhere.so"), text}) {
    const auto status = LoadBackendLibrary(path);
    ASSERT_FALSE(status) << path;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(status.error().message,
                AllOf(HasSubstr(path + ": is no backend"), HasSubstr("TESSY_GPU_BACKEND")));
  }
  Dl_info libc{};
  ASSERT_NE(dladdr(reinterpret_cast<const void*>(&std::abort), &libc), 0);
  const auto other = LoadBackendLibrary(libc.dli_fname);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("ggml_backend_init"));
}

TEST(BackendLibrary, TheEnvironmentNamesOne) {
  ::setenv("TESSY_GPU_BACKEND", "some/libggml-vulkan.so", 1);
  EXPECT_THAT(BackendLibraries(), ElementsAre("some/libggml-vulkan.so"));
  ::unsetenv("TESSY_GPU_BACKEND");
  EXPECT_TRUE(BackendLibraries().empty()) << "nothing lies beside the tests";
}

}  // namespace
}  // namespace tessy
