#include "model/llama/accelerators.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

const Accelerator kCard{.name = "CUDA0", .total_bytes = 24, .free_bytes = 20};
const Accelerator kIntegrated{.name = "Vulkan0", .total_bytes = 24, .free_bytes = 20, .shares_ram = true};

LayersAsked Asked(int layers) { return {.flag = "teacher-gpu-layers", .layers = layers}; }

std::string WhyNot(const LayersAsked& asked, bool exact, const Accelerators& found) {
  const auto layers = LayersOnDevices(asked, exact, found);
  if (layers) return "";
  EXPECT_EQ(layers.error().code, ErrorCode::kInvalidArgument);
  return layers.error().message;
}

TEST(Accelerators, IntegratedOnesAreUsedWhereThereIsNoOther) {
  const auto named = [](const char* name) { return Field(&Accelerator::name, name); };
  EXPECT_THAT(UsedForLayers({kIntegrated, kCard}), ElementsAre(named("CUDA0")));
  EXPECT_THAT(UsedForLayers({kIntegrated, kIntegrated}), ElementsAre(named("Vulkan0"), named("Vulkan0")));
  EXPECT_TRUE(UsedForLayers({}).empty());
  EXPECT_TRUE(Accelerators({.backends = {"Vulkan"}, .devices = {kIntegrated}}).share_ram());
  EXPECT_FALSE(Accelerators({.backends = {"CUDA"}, .devices = {kCard}}).share_ram());
}

TEST(Accelerators, FreeMemoryIsNoMoreThanThereIs) {
  const Accelerators found = FindAccelerators().value();
  EXPECT_FALSE(found.backends.empty() && !found.devices.empty());
  for (const Accelerator& device : found.devices) {
    EXPECT_LE(device.free_bytes, device.total_bytes) << device.name;
    EXPECT_NE(device.description, "");
  }
}

TEST(LayersOnDevices, AreAllWhereThereIsADevice) {
  const Accelerators card{.backends = {"CUDA"}, .devices = {kCard}};
  EXPECT_EQ(LayersOnDevices({}, false, card), kAllLayers);
  EXPECT_EQ(LayersOnDevices({}, true, card), 0) << "exact";
  EXPECT_EQ(LayersOnDevices({}, false, {.backends = {"CUDA"}}), 0) << "a backend without a device";
  EXPECT_EQ(LayersOnDevices({}, false, {}), 0);
  EXPECT_EQ(LayersOnDevices(Asked(7), false, card), 7);
  EXPECT_EQ(LayersOnDevices(Asked(kAllLayers), false, card), kAllLayers);
  EXPECT_EQ(LayersOnDevices(Asked(0), true, {}), 0) << "none needs nothing";
}

TEST(LayersOnDevices, WithoutABackendTheWayToBuildItIsTold) {
  for (const int layers : {kAllLayers, 3}) {
    EXPECT_THAT(WhyNot(Asked(layers), false, {}),
                AllOf(HasSubstr(layers == 3 ? "--teacher-gpu-layers 3: " : "--teacher-gpu-layers all: "),
                      HasSubstr("make build CUDA=1"), HasSubstr("VULKAN=1 or VULKAN=prebuilt")));
  }
}

TEST(LayersOnDevices, WithoutADeviceTheDriverIsAskedFor) {
  EXPECT_THAT(WhyNot(Asked(3), false, {.backends = {"CUDA"}}),
              AllOf(HasSubstr("CUDA finds no graphics card"), HasSubstr("nvidia-smi")));
  EXPECT_THAT(WhyNot(Asked(3), false, {.backends = {"Vulkan"}}), HasSubstr("vulkaninfo"));
}

TEST(LayersOnDevices, AreNotForExactArithmetic) {
  EXPECT_THAT(WhyNot(Asked(3), true, {.backends = {"CUDA"}, .devices = {kCard}}), HasSubstr("--exact"));
}

}  // namespace
}  // namespace tessy
