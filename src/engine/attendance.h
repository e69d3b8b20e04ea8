#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace interlock::engine {

/// What has to be there before an attempt's work, and beside it: a command that ends, and programs
/// that stay. Plain values, told to the program that sees to it (process/attending.h) in a file.
struct Attendance {
  struct Service {
    std::string name;
    std::vector<std::string> run;
    std::vector<std::string> ready;  ///< Empty: its port is connected to.
    std::uint16_t port = 0;
    Duration ready_within{};
  };

  std::vector<std::string> setup;  ///< Empty: none.
  std::vector<Service> services;   ///< Each is ready before the next is started.
  /// The work itself. Bytes as they are: an argument may hold what another task said.
  std::vector<std::string> work;
  std::string folder;  ///< For what services say, and `remark`.
};

/// In `Attendance::folder`: what kept the work from being done, where something did.
inline constexpr std::string_view kRemarkFile = "hindered";

std::string text_of(const Attendance& attendance);
Result<Attendance> read_attendance(std::string_view text);

}  // namespace interlock::engine
