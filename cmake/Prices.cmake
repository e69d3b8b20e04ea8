# Makes src/metering/prices.json part of the library.
set(price_list ${CMAKE_SOURCE_DIR}/src/metering/prices.json)
set(embedded_prices ${CMAKE_BINARY_DIR}/price_list.cc)
add_custom_command(OUTPUT ${embedded_prices}
  COMMAND ${CMAKE_COMMAND} -DINPUT=${price_list} -DOUTPUT=${embedded_prices} -P ${CMAKE_SOURCE_DIR}/cmake/EmbedPrices.cmake
  DEPENDS ${price_list} ${CMAKE_SOURCE_DIR}/cmake/EmbedPrices.cmake
  VERBATIM)
target_sources(interlock_metering PRIVATE ${embedded_prices})
