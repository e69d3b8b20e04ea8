# Run at build time: cmake -DFOLDER=... -DVERSION=... -DOUTPUT=... -P EmbedAssets.cmake
# Writes the page's files as raw strings, so that the binary carries them.
set(entries "")
set(page_entries "index.html|text/html|index.html" "style.css|text/css|style.css" "ui.js|text/javascript|vendor/ui.js")
foreach(name page state link decision rows timeline minimap usage task log pieces diff patch graph layout axis control board history)
  list(APPEND page_entries "${name}.js|text/javascript|${name}.js")
endforeach()
foreach(entry ${page_entries})
  string(REGEX MATCH "^([^|]+)\\|([^|]+)\\|([^|]+)$" matched "${entry}")
  set(name "${CMAKE_MATCH_1}")
  set(type "${CMAKE_MATCH_2}")
  file(READ "${FOLDER}/${CMAKE_MATCH_3}" content)
  string(APPEND entries "    {\"${name}\", \"${type}\", R\"~~~~(${content})~~~~\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made by cmake/EmbedAssets.cmake.
#include \"web/web_server.h\"

namespace interlock::web {

namespace {

constexpr Asset kAssets[] = {
${entries}};

}  // namespace

const Asset* find_asset(std::string_view name) {
  for (const Asset& one : kAssets) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

}  // namespace interlock::web
")
