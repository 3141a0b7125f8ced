# llama.cpp as a static library, compiled with the same flags in every preset: the sanitizers watch our code,
# and one compiler cache serves all presets.
if(NOT EXISTS "${TESSY_LLAMA_DIR}/include/llama.h")
  message(FATAL_ERROR
    "no llama.cpp source in ${TESSY_LLAMA_DIR}: run scripts/setup.sh, or pass -DTESSY_LLAMA_DIR=<your checkout>")
endif()

set(BUILD_SHARED_LIBS OFF)
if(TESSY_LLAMA_TOOLS)
  set(LLAMA_BUILD_COMMON ON CACHE BOOL "" FORCE)
else()
  set(LLAMA_BUILD_COMMON OFF CACHE BOOL "" FORCE)
endif()
set(LLAMA_BUILD_IS_DEV OFF CACHE BOOL "" FORCE)
# One engine thread a model is the norm; where a user asks for more, ggml's own thread pool is attached.
set(GGML_OPENMP OFF CACHE BOOL "" FORCE)
set(GGML_LLAMAFILE ON CACHE BOOL "" FORCE)
set(GGML_NATIVE ${TESSY_NATIVE} CACHE BOOL "" FORCE)
add_subdirectory("${TESSY_LLAMA_DIR}" "${CMAKE_BINARY_DIR}/llama.cpp" EXCLUDE_FROM_ALL)

# Only the Jinja engine of llama.cpp's `common`: renders a model's own chat template. It takes its JSON from the
# copy that llama.cpp vendors, in a namespace-compatible version; nothing outside src/model/text sees it.
file(GLOB jinja_sources "${TESSY_LLAMA_DIR}/common/jinja/*.cpp")
# jinja_runtime.cc stands for its runtime.cpp, and counts what a template does. Found from here: another project includes this
# file, too (llama-server).
get_filename_component(tessy_source "${CMAKE_CURRENT_LIST_DIR}/../src" ABSOLUTE)
list(FILTER jinja_sources EXCLUDE REGEX "/runtime\\.cpp$")
add_library(llama_jinja STATIC EXCLUDE_FROM_ALL ${jinja_sources} "${TESSY_LLAMA_DIR}/common/unicode.cpp"
  "${TESSY_LLAMA_DIR}/common/json.cpp" "${tessy_source}/model/text/jinja_runtime.cc")
target_include_directories(llama_jinja PRIVATE "${tessy_source}")
target_include_directories(llama_jinja SYSTEM PUBLIC
  "${TESSY_LLAMA_DIR}/common" "${TESSY_LLAMA_DIR}/vendor")
target_compile_options(llama_jinja PRIVATE -w)
target_link_libraries(llama_jinja PRIVATE ggml-base)  # json.cpp takes its assert from there

# Its headers are not ours to warn about.
foreach(target llama ggml ggml-base ggml-cpu)
  if(TARGET ${target})
    get_target_property(includes ${target} INTERFACE_INCLUDE_DIRECTORIES)
    set_target_properties(${target} PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${includes}")
  endif()
endforeach()
# g++ 12 takes its own AVX-512 headers for uses of uninitialised values.
target_compile_options(ggml-cpu PRIVATE -w)

# Some compilers drop stores to a tile configuration that the processor is about to load (GCC bug 114098, mended in 12.4 and
# 13.3): whether all, some or none of them depends on the code around, so that no trial tells. The program then ends by SIGILL at
# the first quantised matrix. And some virtual machines announce AMX without having it, which a trial does tell. In both cases
# ggml goes without.
set(TESSY_COMPILER_LOSES_TILES OFF)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU
    AND (CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12.4
      OR (CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13 AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13.3)))
  set(TESSY_COMPILER_LOSES_TILES ON)
endif()
if(TESSY_NATIVE AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND NOT CMAKE_CROSSCOMPILING)
  include(CheckCXXSourceRuns)
  set(CMAKE_REQUIRED_FLAGS "-march=native -O3")
  check_cxx_source_runs([[
#ifdef __AMX_INT8__
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cstdint>
#include <cstring>
struct alignas(64) Configuration {
  uint8_t palette = 0;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};
alignas(64) unsigned char in[16 * 64];
alignas(64) unsigned char out[16 * 64];
inline void Configure() {
  Configuration configuration = {};
  configuration.palette = 1;
  configuration.start_row = 0;
  for (int tile = 0; tile < 8; ++tile) {
    configuration.row_bytes[tile] = 64;
    configuration.rows[tile] = 16;
  }
  _tile_loadconfig(&configuration);
}
int main() {
  if (syscall(SYS_arch_prctl, 0x1023, 18) != 0) return 1;  // the kernel's leave to use tiles
  for (unsigned i = 0; i < sizeof in; ++i) in[i] = static_cast<unsigned char>(i * 37 + 1);
  Configure();
  _tile_loadd(7, in, 64);
  _tile_stored(7, out, 64);
  _tile_release();
  return std::memcmp(in, out, sizeof in) == 0 ? 0 : 1;
}
#else
int main() {}
#endif
]] TESSY_TILES_WORK_OR_ARE_ABSENT)
  unset(CMAKE_REQUIRED_FLAGS)
  if(TESSY_COMPILER_LOSES_TILES OR NOT TESSY_TILES_WORK_OR_ARE_ABSENT)
    target_compile_options(ggml-cpu PRIVATE -mno-amx-tile -mno-amx-int8 -mno-amx-bf16)
  endif()
endif()
