# Run at build time: cmake -DFOLDER=... -DOUTPUT=... -P EmbedTemplates.cmake
# Writes every file below FOLDER/USE/ as a raw string, so that the binary carries what `interlock init` writes.
file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT files)
set(entries "")
foreach(file ${files})
  string(REGEX MATCH "^([^/]+)/(.+)$" matched ${file})
  set(use ${CMAKE_MATCH_1})
  set(path ${CMAKE_MATCH_2})
  file(READ ${FOLDER}/${file} content)
  string(APPEND entries "    {\"${use}\", \"${path}\", R\"~~~~(${content})~~~~\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made by cmake/EmbedTemplates.cmake.
#include \"cli/templates.h\"

namespace interlock::cli {

namespace {

constexpr TemplateFile kFiles[] = {
${entries}};

}  // namespace

std::span<const TemplateFile> template_files() { return kFiles; }

}  // namespace interlock::cli
")
