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

# g++ before 12.4 drops the stores to a tile configuration that the processor is about to load (GCC bug 114098),
# and some virtual machines announce AMX without having it. Where loading one fails, ggml goes without.
if(TESSY_NATIVE AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND NOT CMAKE_CROSSCOMPILING)
  include(CheckCXXSourceRuns)
  set(CMAKE_REQUIRED_FLAGS "-march=native -O3")
  check_cxx_source_runs([[
#ifdef __AMX_INT8__
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cstring>
__attribute__((noinline)) void LeaveRubbishOnTheStack() {
  char rubbish[4096];
  memset(rubbish, 0xFF, sizeof rubbish);
  asm volatile("" : : "r"(rubbish) : "memory");
}
__attribute__((noinline)) void Configure() {
  alignas(64) unsigned char configuration[64] = {};
  configuration[0] = 1;
  configuration[16] = 64;
  configuration[48] = 16;
  _tile_loadconfig(configuration);
}
int main() {
  if (syscall(SYS_arch_prctl, 0x1023, 18) != 0) return 1;  // the kernel's leave to use tiles
  LeaveRubbishOnTheStack();
  Configure();
  _tile_release();
}
#else
int main() {}
#endif
]] TESSY_AMX_WORKS_OR_IS_ABSENT)
  unset(CMAKE_REQUIRED_FLAGS)
  if(NOT TESSY_AMX_WORKS_OR_IS_ABSENT)
    target_compile_options(ggml-cpu PRIVATE -mno-amx-tile -mno-amx-int8 -mno-amx-bf16)
  endif()
endif()
