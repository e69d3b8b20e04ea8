// Any bytes as the lines of a log: text without controls, in runs that cover it, with looks from
// the fixed list alone.
#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "base/text.h"
#include "web/styled_line.h"

using namespace interlock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  web::TextStyle style;
  for (const std::string_view line : split_lines(text)) {
    const web::StyledLine made = web::styled_line(line, style);
    check(!first_bad_utf8(made.text), "what is shown is UTF-8");
    const auto is_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; };
    check(std::ranges::none_of(made.text, is_control), "what is shown has no control characters");
    std::size_t units = 0;
    for (const auto& run : made.runs) {
      units += run.units;
      check(std::ranges::all_of(
                run.classes, [](char c) { return (c >= 'a' && c <= 'z') || c == '-' || c == ' '; }),
            "looks are words");
    }
    check(made.runs.empty() || (units > 0 && units <= made.text.size()), "runs are of the text");
  }
  return 0;
}
