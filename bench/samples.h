#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <string_view>
#include <vector>

// How our measuring programs tell bench/peers.py what they saw: a line of JSON each.
namespace interlock::bench {

/// Takes `--json` from the front of the arguments; true where it stood there.
inline bool takes_json(int& count, char**& arguments) {
  if (count < 2 || std::strcmp(arguments[1], "--json") != 0) return false;
  arguments[1] = arguments[0];
  ++arguments;
  --count;
  return true;
}

/// What was measured of a contender, a number each round. The names need no escapes.
inline void print_samples(std::string_view row, std::string_view contender,
                          std::string_view measure, const std::vector<double>& samples) {
  fmt::print(R"({{"row":"{}","contender":"{}","measure":"{}","samples":[{}]}})"
             "\n",
             row, contender, measure, fmt::join(samples, ","));
}

inline void print_left_out(std::string_view contender, std::string_view why) {
  fmt::print(R"({{"contender":"{}","why":"{}"}})"
             "\n",
             contender, why);
}

}  // namespace interlock::bench
