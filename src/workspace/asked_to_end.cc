#include "workspace/asked_to_end.h"

#include <signal.h>

namespace interlock::workspace {

bool is_asked_to_end() {
  sigset_t waiting;
  if (::sigpending(&waiting) != 0) return false;
  return sigismember(&waiting, SIGINT) == 1 || sigismember(&waiting, SIGTERM) == 1 ||
         sigismember(&waiting, SIGHUP) == 1;
}

}  // namespace interlock::workspace
