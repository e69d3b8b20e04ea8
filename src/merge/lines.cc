#include <set>

#include "base/text.h"
#include "merge/ways.h"

namespace interlock::merge {

Result<std::string> unite_lines(std::span<const Part> parts) {
  std::string joined;
  std::set<std::string_view> seen;
  for (const Part& part : parts) {
    for (std::string_view line : split_lines(part.content)) {
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.empty() || !seen.insert(line).second) continue;
      joined += line;
      joined += '\n';
    }
  }
  return joined;
}

}  // namespace interlock::merge
