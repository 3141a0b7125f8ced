# Precompiled headers. Parsing the standard library, fmt, nlohmann-json and GoogleTest is more than half of what most of our
# files cost to compile. One precompiled header serves all targets that are compiled with the same flags: product code at one
# optimisation level, tests, and the command line. Sources include what they use all the same: clang-tidy parses each of them
# without a precompiled header (scripts/lint.sh), and so does TESSY_PRECOMPILED=OFF.
option(TESSY_PRECOMPILED "precompile the headers that most files include" ON)

set(tessy_common_headers
  <algorithm> <array> <atomic> <chrono> <cmath> <cstdint> <deque> <filesystem> <fstream> <functional> <map> <memory> <optional>
  <set> <span> <sstream> <string> <string_view> <unordered_map> <utility> <variant> <vector>
  <fmt/format.h> <nlohmann/json.hpp> <tl/expected.hpp>)

# The targets of our folders, in a list.
function(tessy_own_targets out)
  set(all "")
  foreach(folder IN LISTS ARGN)
    get_property(targets DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
    get_property(folders DIRECTORY "${folder}" PROPERTY SUBDIRECTORIES)
    tessy_own_targets(below ${folders})
    list(APPEND all ${targets} ${below})
  endforeach()
  set(${out} ${all} PARENT_SCOPE)
endfunction()

# The owner of a precompiled header for targets of this level and kind (code, support, tests); made when it is first asked for.
function(tessy_header_owner out level kind)
  set(owner "tessy_headers_${kind}${level}")
  if(NOT TARGET ${owner})
    set(source "${CMAKE_BINARY_DIR}/${owner}.cc")
    file(CONFIGURE OUTPUT "${source}" CONTENT "// Compiles the precompiled header.\n")
    add_library(${owner} OBJECT EXCLUDE_FROM_ALL "${source}")
    target_link_libraries(${owner} PRIVATE tessy_options fmt::fmt tl::expected nlohmann_json::nlohmann_json)
    set_target_properties(${owner} PROPERTIES TESSY_LEVEL "${level}")
    set(headers ${tessy_common_headers})
    if(NOT kind STREQUAL code)
      set_target_properties(${owner} PROPERTIES TESSY_TEST_CODE ON)
    endif()
    if(kind STREQUAL tests)
      target_link_libraries(${owner} PRIVATE GTest::gmock)
      list(APPEND headers <gmock/gmock.h>)
    endif()
    target_precompile_headers(${owner} PRIVATE ${headers})
  endif()
  set(${out} ${owner} PARENT_SCOPE)
endfunction()

# Gives every target below the folders the precompiled header of its level and kind. To be called once all targets are there.
function(tessy_use_precompiled_headers)
  if(NOT TESSY_PRECOMPILED)
    return()
  endif()
  tessy_own_targets(targets ${ARGN})
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    get_target_property(links ${target} LINK_LIBRARIES)
    get_target_property(own_flags ${target} TESSY_OWN_FLAGS)
    # libtorch brings definitions of its own.
    if(NOT type MATCHES "STATIC_LIBRARY|EXECUTABLE" OR torch IN_LIST links OR own_flags)
      continue()
    endif()
    get_target_property(level ${target} TESSY_LEVEL)
    if(NOT level MATCHES "^[0-9]$")
      set(level "")
    endif()
    get_target_property(is_test_code ${target} TESSY_TEST_CODE)
    set(kind code)
    if(is_test_code AND type STREQUAL EXECUTABLE)
      set(kind tests)
    elseif(is_test_code AND TESSY_SANITIZE)
      set(kind support)  # compiled without UBSan
    endif()
    tessy_header_owner(owner "${level}" ${kind})
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endforeach()
endfunction()
