# tessy_embed(target NAME file...): the files' bytes as constants of the program. It makes, in the build folder,
#
#   #include "embedded/NAME.h"
#   namespace tessy::embedded::NAME {            // "-" and other non-letters in NAME become "_"
#   extern const std::string_view kReportCss;    // of the file report.css, one for each file; constant-initialised
#   extern const std::span<const EmbeddedFile> kFiles;  // all of them, {name, text}, in the order given
#   }
#
# Call it in the folder that makes the target. Any file will do, binary or empty, of any size: the bytes are written
# as an array, which no limit on string literals touches. A changed file is embedded anew by the next build.

function(tessy_embed_identifier out text)
  string(REGEX REPLACE "[^A-Za-z0-9]+" ";" words "${text}")
  set(identifier "k")
  foreach(word IN LISTS words)
    string(SUBSTRING "${word}" 0 1 first)
    string(SUBSTRING "${word}" 1 -1 rest)
    string(TOUPPER "${first}" first)
    string(APPEND identifier "${first}${rest}")
  endforeach()
  set(${out} "${identifier}" PARENT_SCOPE)
endfunction()

# Run as a script (-DNAME -DNAMESPACE -DOUTPUT -DFILES): writes the source file.
if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  set(arrays "")
  set(views "")
  set(rows "")
  set(index 0)
  foreach(file IN LISTS FILES)
    get_filename_component(file_name "${file}" NAME)
    tessy_embed_identifier(identifier "${file_name}")
    file(SIZE "${file}" size)
    file(READ "${file}" bytes HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
    string(APPEND arrays "constexpr char kBytes${index}[] = {\n${bytes}'\\0'};\n")
    string(APPEND views "constexpr std::string_view ${identifier}(kBytes${index}, ${size});\n")
    string(APPEND rows "    {\"${file_name}\", ${identifier}},\n")
    math(EXPR index "${index} + 1")
  endforeach()
  file(WRITE "${OUTPUT}" "// Made by cmake/embed.cmake.
#include \"embedded/${NAME}.h\"

namespace tessy::embedded::${NAMESPACE} {
namespace {
${arrays}}  // namespace
${views}namespace {
constexpr EmbeddedFile kTable[] = {
${rows}};
}  // namespace
constexpr std::span<const EmbeddedFile> kFiles(kTable);
}  // namespace tessy::embedded::${NAMESPACE}
")
  return()
endif()

include_guard(GLOBAL)
set(TESSY_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}" CACHE INTERNAL "")

function(tessy_embed target name)
  string(MAKE_C_IDENTIFIER "${name}" namespace)
  set(include_dir "${CMAKE_CURRENT_BINARY_DIR}/embed")
  set(source "${include_dir}/embedded/${name}.cc")
  set(files "")
  set(declarations "")
  foreach(file IN LISTS ARGN)
    get_filename_component(absolute "${file}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
    get_filename_component(file_name "${file}" NAME)
    tessy_embed_identifier(identifier "${file_name}")
    list(APPEND files "${absolute}")
    string(APPEND declarations "extern const std::string_view ${identifier};\n")
  endforeach()
  file(CONFIGURE OUTPUT "${include_dir}/embedded/file.h" CONTENT "// Made by cmake/embed.cmake.
#pragma once

#include <string_view>

namespace tessy {

struct EmbeddedFile {
  std::string_view name;  // without its folder
  std::string_view text;  // lives as long as the program; a zero byte follows it
};

}  // namespace tessy
" @ONLY)
  file(CONFIGURE OUTPUT "${include_dir}/embedded/${name}.h" CONTENT "// Made by cmake/embed.cmake.
#pragma once

#include <span>
#include <string_view>

#include \"embedded/file.h\"

namespace tessy::embedded::${namespace} {
${declarations}extern const std::span<const EmbeddedFile> kFiles;
}  // namespace tessy::embedded::${namespace}
" @ONLY)
  add_custom_command(
    OUTPUT "${source}"
    COMMAND "${CMAKE_COMMAND}" "-DNAME=${name}" "-DNAMESPACE=${namespace}" "-DOUTPUT=${source}" "-DFILES=${files}"
      -P "${TESSY_EMBED_SCRIPT}"
    DEPENDS ${files} "${TESSY_EMBED_SCRIPT}"
    COMMENT "Embedding ${name}"
    VERBATIM)
  target_sources(${target} PRIVATE "${source}")
  target_include_directories(${target} PRIVATE "${include_dir}")
endfunction()
