# Warnings, optimisation and sanitizers belong to targets, not to the whole tree: llama.cpp keeps its own flags.
add_library(tessy_options INTERFACE)
target_compile_features(tessy_options INTERFACE cxx_std_20)
# A target's TESSY_LEVEL overrides the preset's: 0 for what takes longer to compile than to run.
set(level $<TARGET_PROPERTY:TESSY_LEVEL>)
target_compile_options(tessy_options INTERFACE
  -O$<IF:$<STREQUAL:${level},>,${TESSY_OPTIMIZE},${level}> -g1 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  -Wnon-virtual-dtor -Woverloaded-virtual $<$<BOOL:${TESSY_WERROR}>:-Werror>
  # g++ 12 raises these for std::string concatenation (GCC bugs 105329, 105651); from a precompiled header they are not
  # taken for warnings of a system header.
  -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds)
target_include_directories(tessy_options INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_definitions(tessy_options INTERFACE
  TESSY_VERSION="${PROJECT_VERSION}")
if(TESSY_SANITIZE)
  target_compile_definitions(tessy_options INTERFACE TESSY_SANITIZED=1)
  # Null pointers stop the program under ASan anyway; looking for them, and for alignment, at every access doubles the
  # time that JSON-laden files take to compile.
  target_compile_options(tessy_options INTERFACE -fsanitize=${TESSY_SANITIZE} -fno-sanitize=null,alignment
    -fno-omit-frame-pointer -UNDEBUG
    -Wno-maybe-uninitialized  # g++ 12 raises it for std::regex under ASan (GCC bug 105562)
    # The tests' own code is not what UBSan is for, and it takes g++ five times as long to compile with it.
    $<$<BOOL:$<TARGET_PROPERTY:TESSY_TEST_CODE>>:-fno-sanitize=undefined>)
  if(TESSY_SANITIZE STREQUAL "thread")
    target_compile_options(tessy_options INTERFACE -Wno-stringop-overread)  # as above
  endif()
  target_link_options(tessy_options INTERFACE -fsanitize=${TESSY_SANITIZE})
endif()

# Where the tests find the source tree and llama.cpp's source (src/base/testing/source_tree.h). Neither path is compiled in:
# objects of one clone then serve another from the compiler cache.
function(tessy_test_environment)
  set_property(TEST ${ARGN} APPEND PROPERTY ENVIRONMENT
    "TESSY_SOURCE_DIR=${CMAKE_SOURCE_DIR}" "TESSY_LLAMA_DIR=${TESSY_LLAMA_DIR}")
endfunction()

# tessy_library(name [THREADS] SOURCES ... LINKS ... PRIVATE_LINKS ... TESTS ...): one static library a folder; LINKS are its
# declared layers. THREADS: the tests start threads, so that ThreadSanitizer has something to learn from them; the others are
# not built with it. TEST_LINKS: what the tests link besides. Anything else about the tests stands in if(TARGET name_test).
function(tessy_library name)
  cmake_parse_arguments(ARG "THREADS" "" "SOURCES;LINKS;PRIVATE_LINKS;TESTS;TEST_LINKS" ${ARGN})
  if(ARG_SOURCES)
    add_library(tessy_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(tessy_${name} PUBLIC tessy_options ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
  else()
    add_library(tessy_${name} INTERFACE)
    target_link_libraries(tessy_${name} INTERFACE tessy_options ${ARG_LINKS})
  endif()
  if(ARG_TESTS AND TESSY_TESTS AND (ARG_THREADS OR NOT TESSY_SANITIZE MATCHES "thread"))
    add_executable(${name}_test ${ARG_TESTS})
    target_link_libraries(${name}_test PRIVATE tessy_${name} tessy_base_testing ${ARG_PRIVATE_LINKS} ${ARG_TEST_LINKS} GTest::gmock GTest::gtest_main)
    set_target_properties(${name}_test PROPERTIES TESSY_TEST_CODE ON TESSY_LEVEL 0)
    add_test(NAME ${name} COMMAND ${name}_test)
    tessy_test_environment(${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 900)
  endif()
endfunction()

# The same for code that only tests and benchmarks link. Not there without them.
function(tessy_test_library name)
  if(TESSY_TESTS)
    tessy_library(${name} ${ARGN})
    set_target_properties(tessy_${name} PROPERTIES TESSY_TEST_CODE ON)
  endif()
endfunction()
