#pragma once

#include <cmath>
#include <string>

namespace interlock {

/// `43 %`: rounded to the nearest, as everywhere on our pages; but what is not all is never told as
/// 100 %, and what is not nothing never as 0 %.
inline std::string show_percent(double part, double whole) {
  const double share = whole > 0 ? 100 * part / whole : 0;
  if (share > 0 && share < 0.5) return "under 1 %";
  if (share >= 99.5 && part < whole) return "over 99 %";
  return std::to_string(static_cast<long long>(std::floor(share + 0.5))) + " %";
}

}  // namespace interlock
