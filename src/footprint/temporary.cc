#include "footprint/temporary.h"

#include <string>

namespace interlock::footprint {

namespace {

/// `suffix` begins with a dot.
bool has_temporary_part(std::string_view suffix) {
  for (std::size_t dot = 0; dot != suffix.npos; dot = suffix.find('.', dot + 1)) {
    const std::string_view part = suffix.substr(dot + 1);
    if (part.starts_with("tmp") || part.starts_with("temp")) return true;
  }
  return false;
}

}  // namespace

bool is_temporary_beside(std::string_view path, const PatternSet& writes) {
  const std::size_t slash = path.rfind('/');
  const std::size_t begin = slash == path.npos ? 0 : slash + 1;
  const std::string folder(path.substr(0, begin));
  for (const std::size_t hidden : {0, 1}) {
    if (hidden == 1 && !path.substr(begin).starts_with('.')) continue;
    const std::string_view name = path.substr(begin + hidden);
    for (std::size_t dot = name.rfind('.'); dot != name.npos && dot > 0;
         dot = name.rfind('.', dot - 1)) {
      if (has_temporary_part(name.substr(dot)) &&
          writes.matches(folder + std::string(name.substr(0, dot))))
        return true;
    }
  }
  return false;
}

}  // namespace interlock::footprint
