// A library with a backend of ggml that has one device and cannot compute. Its device has 8 GiB, of which 6
// are free; where the library was not bound to the program's own ggml, it has no memory.
#include "ggml-backend-impl.h"
#include "ggml-cpu.h"

namespace {

ggml_backend_device device{};
ggml_backend_reg backend{};

// The program's buffer type for the processor is that of its processor's device. A second ggml in the process
// would have one of its own.
bool IsBound() {
  ggml_backend_dev_t processor = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  return processor != nullptr && ggml_backend_dev_buffer_type(processor) == ggml_backend_cpu_buffer_type();
}

}  // namespace

extern "C" ggml_backend_reg_t ggml_backend_init() {
  device.iface.get_name = [](ggml_backend_dev_t) { return "Fake0"; };
  device.iface.get_description = [](ggml_backend_dev_t) { return "a card for tests"; };
  device.iface.get_type = [](ggml_backend_dev_t) { return GGML_BACKEND_DEVICE_TYPE_GPU; };
  device.iface.get_memory = [](ggml_backend_dev_t, size_t* free, size_t* total) {
    *free = IsBound() ? size_t{6} << 30 : 0;
    *total = IsBound() ? size_t{8} << 30 : 0;
  };
  device.reg = &backend;
  backend.api_version = GGML_BACKEND_API_VERSION;
  backend.iface.get_name = [](ggml_backend_reg_t) { return "Fake"; };
  backend.iface.get_device_count = [](ggml_backend_reg_t) -> size_t { return 1; };
  backend.iface.get_device = [](ggml_backend_reg_t, size_t) -> ggml_backend_dev_t { return &device; };
  return &backend;
}
