# What `cmake --install` puts where: programs, the lab's models and the demo's questions, completions for shells, man pages.
include(GNUInstallDirs)
install(TARGETS tessy RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
if(TESSY_WITH_TORCH)
  install(TARGETS tessy-train RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(DIRECTORY "${CMAKE_SOURCE_DIR}/lab/models" "${CMAKE_SOURCE_DIR}/lab/demo" DESTINATION "${CMAKE_INSTALL_DATADIR}/tessy/lab")
install(FILES "${CMAKE_SOURCE_DIR}/README.md" "${CMAKE_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
# Where the program looks for DuckDB's library (src/dataset/tables/duckdb.h).
file(GLOB duckdb_library "${CMAKE_SOURCE_DIR}/build/deps/node-bindings-linux-*/libduckdb.so")
if(duckdb_library)
  install(FILES ${duckdb_library} DESTINATION lib/tessy)
endif()

# The program writes its own completions.
set(completions "${CMAKE_BINARY_DIR}/completions")
add_custom_command(OUTPUT "${completions}/bash" "${completions}/zsh" "${completions}/fish"
  COMMAND ${CMAKE_COMMAND} -E make_directory "${completions}"
  COMMAND tessy completion bash > "${completions}/bash"
  COMMAND tessy completion zsh > "${completions}/zsh"
  COMMAND tessy completion fish > "${completions}/fish"
  DEPENDS tessy VERBATIM)
add_custom_target(tessy_completions ALL DEPENDS "${completions}/bash")
install(FILES "${completions}/bash" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME tessy)
install(FILES "${completions}/zsh" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" RENAME _tessy)
install(FILES "${completions}/fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" RENAME tessy.fish)

# And its manual pages.
set(manuals "${CMAKE_BINARY_DIR}/man1")
add_custom_command(OUTPUT "${manuals}/tessy.1"
  COMMAND ${CMAKE_COMMAND} -E rm -rf "${manuals}"
  COMMAND ${CMAKE_COMMAND} -E make_directory "${manuals}"
  COMMAND tessy man --all "${manuals}"
  DEPENDS tessy VERBATIM)
add_custom_target(tessy_manuals ALL DEPENDS "${manuals}/tessy.1")
install(DIRECTORY "${manuals}/" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
