#include "sys/awaited_children.h"

namespace interlock::sys {

std::shared_mutex& awaited_children() {
  static std::shared_mutex mutex;
  return mutex;
}

}  // namespace interlock::sys
