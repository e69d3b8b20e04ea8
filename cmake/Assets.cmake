# Makes the page below web/ part of the library.
set(page ${CMAKE_SOURCE_DIR}/web)
set(embedded_page ${CMAKE_BINARY_DIR}/web_assets.cc)
file(GLOB_RECURSE page_files CONFIGURE_DEPENDS ${page}/*)
add_custom_command(OUTPUT ${embedded_page}
  COMMAND ${CMAKE_COMMAND} -DFOLDER=${page} -DOUTPUT=${embedded_page} -P ${CMAKE_SOURCE_DIR}/cmake/EmbedAssets.cmake
  DEPENDS ${page_files} ${CMAKE_SOURCE_DIR}/cmake/EmbedAssets.cmake
  VERBATIM)
target_sources(interlock_web PRIVATE ${embedded_page})
