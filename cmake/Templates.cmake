# Makes the files below src/cli/templates/ part of the library.
set(templates ${CMAKE_SOURCE_DIR}/src/cli/templates)
set(embedded ${CMAKE_BINARY_DIR}/templates.cc)
file(GLOB_RECURSE template_files CONFIGURE_DEPENDS ${templates}/*)
add_custom_command(OUTPUT ${embedded}
  COMMAND ${CMAKE_COMMAND} -DFOLDER=${templates} -DOUTPUT=${embedded} -P ${CMAKE_SOURCE_DIR}/cmake/EmbedTemplates.cmake
  DEPENDS ${template_files} ${CMAKE_SOURCE_DIR}/cmake/EmbedTemplates.cmake
  VERBATIM)
target_sources(interlock_cli PRIVATE ${embedded})
