#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace interlock {

void broken_promise(std::string_view what, const std::source_location& where) {
  std::fprintf(stderr, "interlock: this is a bug: %.*s (%s:%u)\n", static_cast<int>(what.size()),
               what.data(), where.file_name(), where.line());
  std::abort();
}

}  // namespace interlock
