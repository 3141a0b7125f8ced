# The compiler cache. Paths inside the clone are hashed relative to the build folder, and the build folder itself is not
# hashed: a second clone, or a second preset where its flags agree, finds what the first one compiled.
find_program(CCACHE ccache)
if(CCACHE)
  cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH clone)
  set(launcher "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${clone}" CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
