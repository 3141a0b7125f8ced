#include "model/llama/accelerators.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <utility>

#include "ggml-backend.h"
#include "model/llama/backend_library.h"
#include "model/text/llama_vocabulary.h"

namespace tessy {
namespace {

// Vulkan's backend is not registered where the machine has no driver at all; that it is compiled in is known
// all the same.
std::vector<std::string> CompiledIn() {
  std::vector<std::string> names;
#ifdef GGML_USE_CUDA
  names.emplace_back("CUDA");
#endif
#ifdef GGML_USE_VULKAN
  names.emplace_back("Vulkan");
#endif
  return names;
}

// "vulkan" of "…/libggml-vulkan.so".
std::string BackendOf(const std::string& library) {
  const std::string stem = std::filesystem::path(library).stem();
  const size_t dash = stem.find('-');
  return dash == std::string::npos ? stem : stem.substr(dash + 1);
}

// Once in a process.
Status LoadLibraries(std::vector<std::string>& backends) {
  static std::mutex mutex;
  static std::map<std::string, Status> loaded;
  const std::lock_guard lock(mutex);
  for (const std::string& library : BackendLibraries()) {
    const auto [entry, is_new] = loaded.try_emplace(library);
    if (is_new) entry->second = LoadBackendLibrary(library);
    if (!entry->second) return entry->second;
    backends.push_back(BackendOf(library));
  }
  return {};
}

std::string Named(int layers) { return layers == kAllLayers ? "all" : std::to_string(layers); }

}  // namespace

std::vector<Accelerator> UsedForLayers(std::vector<Accelerator> present) {
  const bool dedicated = std::ranges::any_of(present, [](const Accelerator& a) { return !a.shares_ram; });
  std::erase_if(present, [&](const Accelerator& a) { return dedicated && a.shares_ram; });
  return present;
}

Result<Accelerators> FindAccelerators() {
  QuietLlamaLog();
  Accelerators found{.backends = CompiledIn(), .devices = {}};
  if (auto status = LoadLibraries(found.backends); !status) return tl::unexpected(status.error());
  std::vector<Accelerator> present;
  for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    const auto type = ggml_backend_dev_type(device);
    if (type != GGML_BACKEND_DEVICE_TYPE_GPU && type != GGML_BACKEND_DEVICE_TYPE_IGPU) continue;
    size_t free = 0;
    size_t total = 0;
    ggml_backend_dev_memory(device, &free, &total);
    present.push_back({.name = ggml_backend_dev_name(device),
                       .description = ggml_backend_dev_description(device),
                       .total_bytes = total,
                       .free_bytes = free,
                       .shares_ram = type == GGML_BACKEND_DEVICE_TYPE_IGPU});
    // A backend of a llama.cpp that the user brought, with flags of its own.
    if (found.backends.empty()) {
      found.backends.emplace_back(ggml_backend_reg_name(ggml_backend_dev_backend_reg(device)));
    }
  }
  found.devices = UsedForLayers(std::move(present));
  return found;
}

Result<int> LayersOnDevices(const LayersAsked& asked, bool exact, const Accelerators& found) {
  if (!asked.layers) return exact || found.devices.empty() ? 0 : kAllLayers;
  if (*asked.layers == 0) return 0;
  const std::string typed = fmt::format("--{} {}", asked.flag, Named(*asked.layers));
  const auto refuse = [&](const std::string& why) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", typed, why));
  };
  if (found.backends.empty()) {
    return refuse(
        "this program was built for the processor alone; build it for a graphics card (make build CUDA=1 "
        "for NVIDIA's, VULKAN=1 or VULKAN=prebuilt for any with a Vulkan driver), or leave the flag out");
  }
  if (found.devices.empty()) {
    return refuse(fmt::format(
        "{} finds no graphics card on this machine; look whether its driver is "
        "installed ({}), or leave the flag out",
        fmt::join(found.backends, " or "),
        found.backends.front() == "CUDA" || found.backends.front() == "cuda" ? "nvidia-smi"
                                                                             : "vulkaninfo --summary"));
  }
  if (exact) return refuse("--exact is known to hold on the processor alone; leave one of the two out");
  return *asked.layers;
}

}  // namespace tessy
