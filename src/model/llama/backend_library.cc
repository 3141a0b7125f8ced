#include "model/llama/backend_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "ggml-backend.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVariable = "TESSY_GPU_BACKEND";

}  // namespace

std::vector<std::string> BackendLibraries() {
  if (const char* given = std::getenv(kVariable); given != nullptr && *given != '\0') return {given};
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path() / "gpu";
  std::vector<std::string> libraries;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("libggml-") && name.ends_with(".so") && name != "libggml-base.so") {
      libraries.push_back(entry.path());
    }
  }
  std::ranges::sort(libraries);
  return libraries;
}

Status LoadBackendLibrary(const std::string& path) {
  const auto refuse = [&](const std::string& why) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: is no backend for graphics cards that can be loaded ({} or the folder gpu "
                            "beside the program names it): {}",
                            path, kVariable, why));
  };
  // A name without a slash would be looked for in the system's folders.
  const std::string file = fs::absolute(path);
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return refuse(dlerror());
  const bool is_backend = dlsym(library, "ggml_backend_init") != nullptr;
  if (is_backend) ggml_backend_load(file.c_str());  // it keeps the library
  dlclose(library);
  if (!is_backend) return refuse("it has no ggml_backend_init");
  return {};
}

}  // namespace tessy
