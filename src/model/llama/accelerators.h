#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace tessy {

// Stands for every layer of a model, and its output.
inline constexpr int kAllLayers = -1;

// A graphics card, or another device that llama.cpp puts layers of models on.
struct Accelerator {
  std::string name = {};         // "CUDA0", "Vulkan1"
  std::string description = {};  // as the driver has it
  uint64_t total_bytes = 0;      // of its memory; 0: the driver does not tell
  uint64_t free_bytes = 0;
  bool shares_ram = false;  // it is integrated: its memory is the machine's RAM
};

struct Accelerators {
  std::vector<std::string> backends = {};  // of ggml besides the processor's: "CUDA", "Vulkan"
  std::vector<Accelerator> devices = {};   // those that layers go to
  bool share_ram() const { return !devices.empty() && devices.front().shares_ram; }
};

// Those of `present` that layers go to where no device is named: integrated ones only where there is no
// other. By the source of llama.cpp (llama_prepare_model_devices). Pure.
std::vector<Accelerator> UsedForLayers(std::vector<Accelerator> present);

// Asks every backend and driver, those of libraries (backend_library.h) too. The free memory is that of this
// moment. An error: a library that cannot be loaded. Any thread, and the first time before any model is
// loaded.
Result<Accelerators> FindAccelerators();

// How many layers of a model are asked to lie on accelerators.
struct LayersAsked {
  std::string flag = "gpu-layers";      // that asked, for messages
  std::string own_flag = "gpu-layers";  // of this model alone, for advice
  std::optional<int> layers = {};       // kAllLayers, or a number; none: nobody asked
};

// The layers that lie on accelerators: those that are asked for, else all where there is a device and
// arithmetic need not be exact, else none. kInvalidArgument where layers are asked for and there is no
// backend, no device, or exact arithmetic, which is known to hold on the processor alone. Pure.
Result<int> LayersOnDevices(const LayersAsked& asked, bool exact, const Accelerators& found);

}  // namespace tessy
