# Run at build time: cmake -DINPUT=... -DOUTPUT=... -P EmbedPrices.cmake
# Writes the file as a raw string, so that the binary carries the list of prices.
file(READ ${INPUT} content)
file(WRITE ${OUTPUT} "// Made by cmake/EmbedPrices.cmake.
#include \"metering/price_list.h\"

namespace interlock::metering {

std::string_view price_list() { return R\"~~~~(${content})~~~~\"; }

}  // namespace interlock::metering
")
